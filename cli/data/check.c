// `fovea data check SET|PATH`: opens every file of a set and says what is wrong with each, not only with the first.
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "commands.h"
#include "data.h"
#include "data/locate.h"
#include "support/datasets.h"
#include "support/json.h"
#include "support/memory.h"
#include "support/numbers.h"
#include "support/paths.h"
#include "support/say.h"
#include "support/table.h"
#include "support/text.h"

typedef struct check {
    const data_check_options *options;
    const fv__dataset_info *info;
    const char *path; // where its files were said to be; NULL: where they are found
    cli_table table;
    json_t *files;
    int wrong, official; // files with a fault; files whose content is the published one
    struct {
        const fv__dataset_file *file;
        bool official;
    } summed[16]; // of one folder: adding up takes time
    int summed_count;
} check;

static void note(check *now, const char *path, bool good, const char *what) {
    now->wrong += !good;
    cli_table_add(&now->table, "%s", path);
    cli_table_add(&now->table, good ? "ok" : "WRONG");
    cli_table_add(&now->table, "%s", what);
    json_array_append_new(now->files, json_pack("{s:o, s:b, s:o}", "path", cli_json_text(path), "ok", (int)good,
                                                "message", cli_json_text(what)));
}

// What a message says behind "PATH: ".
static const char *without_path(const char *message, const char *path) {
    size_t length = strlen(path);
    return strncmp(message, path, length) == 0 && strncmp(message + length, ": ", 2) == 0 ? message + length + 2
                                                                                          : message;
}

// Content against the published sum. A folder of one's own may hold other data in the same layout: whether a different
// sum is a fault is known only after all files were seen, so only equal ones are counted here.
static bool is_official(check *now, const fv__dataset_file *file, const char *path) {
    enum { MOST = sizeof now->summed / sizeof *now->summed };
    for (int i = 0; i < now->summed_count; i++) {
        if (now->summed[i].file == file) {
            return now->summed[i].official;
        }
    }
    bool official = fv__dataset_file_check(file, path, path, NULL) == FV_OK;
    if (now->summed_count < MOST) {
        now->summed[now->summed_count].file = file;
        now->summed[now->summed_count++].official = official;
    }
    return official;
}

// Counts, sizes, labels and packing of one split: opened and read to the end.
static fv_status read_split(const check *now, const char *split, const char *folder, size_t *count, fv_error *error) {
    fv_dataset *data = NULL;
    fv__dataset_statistics statistics;
    fv_status status = now->info->open(now->info, split, folder, &data, error);
    if (status == FV_OK) {
        *count = data->count;
        status = fv__dataset_measure(data, &statistics, error);
        if (status == FV_OK) {
            fv__dataset_statistics_free(&statistics);
        }
    }
    fv_dataset_free(data);
    return status;
}

static int official_files(check *now, const char *split, const char *folder) {
    int count = 0;
    for (size_t i = 0; i < now->info->file_count; i++) {
        const fv__dataset_file *file = &now->info->files[i];
        fv_status status = FV_OK;
        char *path = strcmp(file->split, split) == 0 ? fv__dataset_file_path(folder, file, &status) : NULL;
        count += path && is_official(now, file, path);
        fv__free(path);
    }
    return count;
}

// The files of a split; `known` says that the content should be the published one.
static void check_split(check *now, const char *split, const char *folder, bool known) {
    size_t samples = 0;
    fv_error error = {0};
    fv_status status = read_split(now, split, folder, &samples, &error);
    bool named = false;   // whether the fault was told with its file
    char *archive = NULL; // that was told of
    for (size_t i = 0; i < now->info->file_count; i++) {
        const fv__dataset_file *file = &now->info->files[i];
        if (strcmp(file->split, split) != 0) {
            continue;
        }
        fv_status found = FV_OK;
        char *path = fv__dataset_file_path(folder, file, &found);
        char text[128], number[CLI_NUMBER_SIZE];
        if (path && archive && strcmp(path, archive) == 0) { // its other files
            now->official += is_official(now, file, path);
            fv__free(path);
            continue;
        }
        if (!path) {
            char *missing = cli_format("%s/%s", folder, file->name);
            note(now, missing, false, "not there");
            free(missing);
            named = true;
        } else if (status != FV_OK && strncmp(error.message, path, strlen(path)) == 0) {
            note(now, path, false, without_path(error.message, path));
            named = true;
        } else if (is_official(now, file, path)) {
            now->official++;
            note(now, path, true, "as published");
        } else if (known) {
            note(now, path, false, "not the published file: the sum of its content differs; get it again");
        } else {
            snprintf(text, sizeof text, "%s samples in the %s split, not from a published set",
                     cli_count(number, (double)samples), split);
            note(now, path, true, status == FV_OK ? text : "see the other file");
        }
        if (path && !archive && fv__dataset_is_archive(file, path)) {
            archive = path;
        } else {
            fv__free(path);
        }
    }
    fv__free(archive);
    if (status != FV_OK && !named) {
        note(now, folder, false, error.message);
    }
}

static int finish(check *now) {
    const char *name = now->info->name;
    bool official = now->official == (int)now->info->file_count;
    const int code = now->wrong ? CLI_FAILED : CLI_OK;
    if (now->options->json) {
        cli_table_free(&now->table);
        const int printed = cli_json_print(json_pack("{s:s, s:b, s:b, s:o}", "name", name, "ok", now->wrong == 0,
                                                     "published", (int)official, "files", now->files),
                                           true);
        return printed != CLI_OK ? printed : code;
    }
    json_decref(now->files);
    cli_table_print(&now->table, stdout);
    if (now->wrong) {
        cli_say("%s: %d file%s wrong", name, now->wrong, now->wrong == 1 ? " is" : "s are");
    } else if (!now->options->quiet) {
        printf(official ? "%s: all files are complete and as published\n"
                        : "%s: all files are complete, but hold other samples than the published set\n",
               name);
    }
    return code;
}

static bool in_own_folder(const char *folder) {
    const char *own = getenv("FOVEA_DATA");
    return own && *own && strncmp(folder, own, strlen(own)) == 0;
}

// A set by its name: each split where it is found.
static int check_set(check *now) {
    static const char *const splits[] = {"train", "test"};
    for (int i = 0; i < 2; i++) {
        char *folder = NULL;
        fv_error error;
        if (fv__dataset_locate(now->info, splits[i], now->path, &folder, &error) == FV_OK) {
            // Where it should be, it should be the published set; in a folder that was named, one's own may be.
            const bool known = !(now->path || in_own_folder(folder)) || official_files(now, splits[i], folder) > 0;
            check_split(now, splits[i], folder, known);
        } else {
            note(now, splits[i], false, error.message);
        }
        fv__free(folder);
    }
    return finish(now);
}

// A folder: the set of which it has most files as published, else the first whose layout it has.
static int check_folder(check *now, const char *folder) {
    int most = -1;
    const fv__dataset_info *best = NULL;
    for (size_t i = 0; i < fv__dataset_known_count(); i++) {
        now->info = fv__dataset_known(i);
        if (now->info->of || !now->info->open) { // the same files, or photographs
            continue;
        }
        fv_status status = FV_OK;
        int there = 0, official = official_files(now, "train", folder) + official_files(now, "test", folder);
        for (size_t f = 0; f < now->info->file_count; f++) {
            char *path = fv__dataset_file_path(folder, &now->info->files[f], &status);
            there += path != NULL;
            fv__free(path);
        }
        if (there > 0 && official > most) {
            most = official;
            best = now->info;
        }
    }
    if (!best) {
        json_decref(now->files);
        return cli_photos_check(now->options, &fv__folder_info, folder);
    }
    now->info = best;
    check_split(now, "train", folder, most > 0);
    check_split(now, "test", folder, most > 0);
    return finish(now);
}

static int run(const void *given, const cli_arguments *arguments) {
    const data_check_options *options = given;
    const char *what = arguments->items[0];
    fv_error error;
    check now = {.options = options, .path = options->path, .table = {.alignment = "lll"}};
    const bool folder = cli_is_folder(what);
    if (!folder && cli_is_photos(what)) { // an archive
        now.info = cli_data_recognize(what);
        now.path = what;
    } else {
        now.info = folder && strchr(what, '/') ? NULL : fv__dataset_info_find(what, &error);
    }
    if (!now.info && !folder) {
        return cli_fail(&error);
    }
    if (now.info && !now.info->open) {
        return cli_photos_check(options, now.info, now.path);
    }
    now.files = json_array();
    return now.info ? check_set(&now) : check_folder(&now, what);
}

static const cli_option options[] = {
    CLI_TEXT("path", "DIR", data_check_options, path, "Folder with the files of the data set.", .values = CLI_FOLDERS),
    CLI_THREADS(data_check_options, threads), CLI_JSON(data_check_options, json), CLI_QUIET(data_check_options, quiet),
    CLI_END};

const cli_command cli_data_check = {
    .name = "check",
    .parent = &cli_data,
    .arguments = "SET|DIR",
    .sentence = "Check every file of a data set: counts, sizes, sums of the content",
    .details =
        "For a folder of photographs, with one folder per class, or a zip or tar file of one, it lists unreadable "
        "files, wrongly named ones, small classes, and images that appear twice. The exit code is 1 where "
        "something is wrong.",
    .examples = CLI_EXAMPLES({"fovea data check fashion-mnist", NULL},
                             {"fovea data check ./my-files", "your own files"}, {"fovea data check ./photos", NULL}),
    .options = options,
    .options_size = sizeof(data_check_options),
    .values = CLI_DATA_SETS,
    .least_arguments = 1,
    .most_arguments = 1,
    .missing = "data check needs the name of a data set; `fovea data list` shows them",
    .run = run,
};
