// SPDX-License-Identifier: Apache-2.0
// `fovea data check SET|PATH`: every file of a data set, and what is wrong with it.
#include "commands.h"
#include "data.h"
#include "support/json.h"
#include "support/numbers.h"
#include "support/say.h"
#include "support/table.h"
#include "support/text.h"

typedef struct data_check_options {
    const char *path;
    int threads;
    bool json, quiet;
} data_check_options;

enum { SHOWN = 20 }; // findings of a list

void cli_check_print_parts(const fv_check_info *info) {
    char number[CLI_NUMBER_SIZE];
    cli_table table = {.alignment = info->part_count == 1 ? "lr" : info->part_count == 2 ? "lrr" : "lrrr"};
    cli_line(stdout, "%s", info->folder);
    printf("\n");
    cli_table_add(&table, "class");
    for (int p = 0; p < info->part_count; p++) {
        cli_table_add(&table, "%s", info->parts[p].name);
    }
    for (int c = 0; c < info->classes; c++) {
        cli_table_add(&table, "%s", info->class_names[c]);
        for (int p = 0; p < info->part_count; p++) {
            cli_table_add(&table, "%s", cli_count(number, (double)info->parts[p].class_counts[c]));
        }
    }
    cli_table_add(&table, "all");
    for (int p = 0; p < info->part_count; p++) {
        cli_table_add(&table, "%s", cli_count(number, (double)info->parts[p].samples));
    }
    cli_table_print(&table, stdout);
}

json_t *cli_check_json_parts(const fv_check_info *info) {
    json_t *classes = json_array(), *parts = json_object();
    for (int c = 0; c < info->classes; c++) {
        json_array_append_new(classes, cli_json_text(info->class_names[c]));
    }
    for (int p = 0; p < info->part_count; p++) {
        json_t *counts = json_array();
        for (int c = 0; c < info->classes; c++) {
            json_array_append_new(counts, json_integer((json_int_t)info->parts[p].class_counts[c]));
        }
        json_object_set_new(
            parts, info->parts[p].name,
            json_pack("{s:I, s:o}", "samples", (json_int_t)info->parts[p].samples, "class_counts", counts));
    }
    return json_pack("{s:o, s:o, s:o}", "folder", cli_json_text(info->folder), "classes", classes, "parts", parts);
}

// --- Photographs

static void print_list(const fv_check_list *list) {
    if (list->count) {
        printf("\n%s\n", list->title);
    }
    for (int i = 0; i < list->count && i < SHOWN; i++) {
        cli_line(stdout, "  %s: %s", list->findings[i].file, list->findings[i].detail);
    }
    if (list->count > SHOWN) {
        printf("  and %d more (--json lists all)\n", list->count - SHOWN);
    }
}

static void print_photos(const fv_check_info *info) {
    cli_check_print_parts(info);
    for (int l = 0; l < info->list_count; l++) {
        print_list(&info->lists[l]);
    }
    if (info->not_compared) {
        cli_say("%zu images are too many to compare for those that are nearly the same", info->not_compared);
    }
}

static json_t *photos_json(const fv_check_info *info) {
    json_t *result = cli_check_json_parts(info);
    for (int l = 0; l < info->list_count; l++) {
        const fv_check_list *list = &info->lists[l];
        json_t *rows = json_array();
        for (int i = 0; i < list->count; i++) {
            json_array_append_new(rows, json_pack("[o, o]", cli_json_text(list->findings[i].file),
                                                  cli_json_text(list->findings[i].detail)));
        }
        json_object_set_new(result, list->key, rows);
    }
    json_object_set_new(result, "ok", json_boolean(info->ok));
    return result;
}

// --- Files of known sets

static void print_files(const fv_check_info *info, bool quiet) {
    const fv_check_list *files = &info->lists[0];
    cli_table table = {.alignment = "lll"};
    int wrong = 0;
    for (int i = 0; i < files->count; i++) {
        wrong += !files->findings[i].good;
        cli_table_add(&table, "%s", files->findings[i].file);
        cli_table_add(&table, files->findings[i].good ? "ok" : "WRONG");
        cli_table_add(&table, "%s", files->findings[i].detail);
    }
    cli_table_print(&table, stdout);
    if (wrong) {
        cli_say("%s: %d file%s wrong", info->name, wrong, wrong == 1 ? " is" : "s are");
    } else if (!quiet) {
        printf(info->published ? "%s: all files are complete and as published\n"
                               : "%s: all files are complete, but hold other samples than the published set\n",
               info->name);
    }
}

static json_t *files_json(const fv_check_info *info) {
    const fv_check_list *files = &info->lists[0];
    json_t *rows = json_array();
    for (int i = 0; i < files->count; i++) {
        json_array_append_new(rows, json_pack("{s:o, s:b, s:o}", "path", cli_json_text(files->findings[i].file), "ok",
                                              (int)files->findings[i].good, "message",
                                              cli_json_text(files->findings[i].detail)));
    }
    return json_pack("{s:s, s:b, s:b, s:o}", "name", info->name, "ok", (int)info->ok, "published", (int)info->published,
                     "files", rows);
}

static int run(const void *given, const cli_arguments *arguments) {
    const data_check_options *options = given;
    const fv_check_options how = {.size = sizeof how, .path = options->path, .threads = options->threads};
    fv_check *check;
    fv_error error;
    CLI_TRY(cli_check(fv_dataset_check(arguments->items[0], &how, &check, &error), &error));
    const fv_check_info *info = fv_check_get_info(check);
    int code = CLI_OK;
    if (options->json) {
        code = cli_json_print(info->photos ? photos_json(info) : files_json(info), true);
    } else if (info->photos) {
        print_photos(info);
    } else {
        print_files(info, options->quiet);
    }
    code = code == CLI_OK && !info->ok ? CLI_FAILED : code;
    fv_check_free(check);
    return code;
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
