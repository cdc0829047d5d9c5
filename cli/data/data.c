// `fovea data list | show | check | get`: the data sets known by name, what is in them, and where they come from.
#include "data.h"

#include <jansson.h>
#include <string.h>

#include "base/memory.h"
#include "data/locate.h"
#include "formats/file.h"
#include "support/download.h"
#include "support/json.h"

// --- list

static int list(const cli_options *options) {
    json_t *sets = json_array();
    cli_table table = {.alignment = "lll"};
    for (size_t i = 0; i < fv__dataset_known_count(); i++) {
        const fv__dataset_info *info = fv__dataset_known(i);
        char *folder = NULL;
        if (info->of) { // another labelling of a set in the list
            continue;
        }
        fv_status status = fv__dataset_locate(info, NULL, options->path, &folder, NULL);
        cli_table_add(&table, "%s", info->name);
        cli_table_add(&table, "%s", info->title);
        if (status == FV_OK) {
            cli_table_add(&table, "in %s", folder);
        } else {
            cli_table_add(&table, "not here: `fovea data get %s`%s%s", info->name,
                          info->package ? " or apt install " : "", info->package ? info->package : "");
        }
        json_array_append_new(sets, json_pack("{s:s, s:s, s:s, s:o, s:s?}", "name", info->name, "title", info->title,
                                              "source", info->source, "folder",
                                              folder ? cli_json_text(folder) : json_null(), "package", info->package));
        fv__free(folder);
    }
    if (options->json) {
        fv__text_free(&table.cells);
        return cli_json_print(sets, true);
    }
    json_decref(sets);
    return cli_table_print(&table, stdout);
}

// --- show

typedef struct split {
    fv_dataset *data; // NULL: not opened
    fv__dataset_statistics statistics;
} split;

enum { SPLITS = 2 };
static const char *const split_names[SPLITS] = {"train", "test"};

static json_t *split_json(const split *one) {
    json_t *counts = json_array(), *mean = json_array(), *deviation = json_array();
    for (int i = 0; i < one->data->classes; i++) {
        json_array_append_new(counts, json_integer((json_int_t)one->statistics.class_counts[i]));
    }
    for (int c = 0; c < one->data->channels; c++) {
        json_array_append_new(mean, json_real(one->statistics.mean[c]));
        json_array_append_new(deviation, json_real(one->statistics.deviation[c]));
    }
    return json_pack("{s:I, s:o, s:o, s:i, s:i, s:o, s:o}", "samples", (json_int_t)one->data->count, "folder",
                     cli_json_text(one->data->folder), "class_counts", counts, "minimum", (int)one->statistics.minimum,
                     "maximum", (int)one->statistics.maximum, "mean", mean, "deviation", deviation);
}

static int show_json(const split *splits) {
    const fv_dataset *data = splits[0].data;
    json_t *classes = json_array();
    for (int i = 0; i < data->classes; i++) {
        json_array_append_new(classes, json_string(data->class_names[i]));
    }
    return cli_json_print(json_pack("{s:s, s:[i,i,i], s:o, s:o, s:o}", "name", data->name, "shape", data->height,
                                    data->width, data->channels, "classes", classes, split_names[0],
                                    split_json(&splits[0]), split_names[1], split_json(&splits[1])),
                          true);
}

// Mean and deviation of a split, a number a channel.
static void print_values(const char *name, const split *one) {
    printf("  %-5s  %d to %d, mean", name, one->statistics.minimum, one->statistics.maximum);
    for (int c = 0; c < one->data->channels; c++) {
        printf(" %.3f", one->statistics.mean[c]);
    }
    printf(", deviation");
    for (int c = 0; c < one->data->channels; c++) {
        printf(" %.3f", one->statistics.deviation[c]);
    }
    printf("\n");
}

static int show_text(const fv__dataset_info *info, const split *splits) {
    const fv_dataset *data = splits[0].data;
    char number[CLI_NUMBER_SIZE];
    printf("%s\n%s\n\n", info->title, info->source);
    printf("%d × %d × %d bytes a sample, %d classes\n", data->height, data->width, data->channels, data->classes);
    for (int i = 0; i < SPLITS; i++) {
        printf("  %-5s  %s samples in %s\n", split_names[i], cli_count(number, (double)splits[i].data->count),
               splits[i].data->folder);
    }
    printf("\nPixel values\n");
    for (int i = 0; i < SPLITS; i++) {
        print_values(split_names[i], &splits[i]);
    }
    printf("\n");
    cli_table table = {.alignment = "rlrr"};
    cli_table_add(&table, "class");
    cli_table_add(&table, "name");
    cli_table_add(&table, "train");
    cli_table_add(&table, "test");
    for (int i = 0; i < data->classes; i++) {
        cli_table_add(&table, "%d", i);
        cli_table_add(&table, "%s", data->class_names[i]);
        cli_table_add(&table, "%s", cli_count(number, (double)splits[0].statistics.class_counts[i]));
        cli_table_add(&table, "%s", cli_count(number, (double)splits[1].statistics.class_counts[i]));
    }
    return cli_table_print(&table, stdout);
}

static int show(const cli_options *options, const fv__dataset_info *info, const char *path) {
    fv_error error;
    fv_status status = FV_OK;
    split splits[SPLITS] = {0};
    for (int i = 0; i < SPLITS && status == FV_OK; i++) {
        status = fv_dataset_open(info->name, split_names[i], path, &splits[i].data, &error);
        if (status == FV_OK) {
            status = fv__dataset_measure(splits[i].data, &splits[i].statistics, &error);
        }
    }
    int code = status != FV_OK ? cli_fail(&error) : options->json ? show_json(splits) : show_text(info, splits);
    if (code == CLI_OK && options->out) {
        code = cli_draw_samples(splits[0].data, options->out, &error) == FV_OK ? CLI_OK : cli_fail(&error);
    }
    for (int i = 0; i < SPLITS; i++) {
        if (splits[i].data) {
            fv__dataset_statistics_free(&splits[i].statistics);
        }
        fv_dataset_free(splits[i].data);
    }
    return code;
}

// --- the command

static bool is_archive_of(const fv__dataset_info *info, const char *path) {
    const char *slash = strrchr(path, '/');
    const struct fv__dataset_archive *archive = info->file_count > 0 ? info->files[0].archive : NULL;
    return archive && strcmp(slash ? slash + 1 : path, archive->name) == 0;
}

const fv__dataset_info *cli_data_recognize(const char *path) {
    const bool folder = fv__folder_exists(path);
    for (size_t i = 0; i < fv__dataset_known_count(); i++) {
        const fv__dataset_info *info = fv__dataset_known(i);
        char *found = NULL;
        if (info->of || !info->open || !(folder || is_archive_of(info, path))) {
            continue;
        }
        const bool there = fv__dataset_locate(info, "train", path, &found, NULL) == FV_OK;
        fv__free(found);
        if (there) {
            return info;
        }
    }
    return &fv__folder_info;
}

// An option that the action has no use for.
static const char *find_idle(const cli_options *options, const char *action, const char **goes_with) {
    const struct {
        bool given;
        const char *name, *actions;
    } all[] = {{options->path, "path", "list, show and check"},
               {options->out, "out", "show and get"},
               {options->augment, "augment", "show"},
               {options->set_count > 0, "set", "show"},
               {options->sha256, "sha256", "get"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].given && !strstr(all[i].actions, action)) {
            *goes_with = all[i].actions;
            return all[i].name;
        }
    }
    return NULL;
}

static int run(const cli_options *options) {
    static const char *const actions[] = {"list", "show", "check", "get", NULL};
    const char *action = options->argument_count > 0 ? options->arguments[0] : "list", *goes_with;
    fv_error error;
    const bool lists = strcmp(action, "list") == 0, shows = strcmp(action, "show") == 0,
               gets = strcmp(action, "get") == 0;
    if (!lists && !shows && !gets && strcmp(action, "check") != 0) {
        char hint[256];
        return cli_usage(&cli_data, "data %s: %s", action, fv__suggest_name(hint, sizeof hint, action, actions));
    }
    const char *idle = find_idle(options, action, &goes_with);
    if (idle) {
        return cli_usage(&cli_data, "data %s: --%s does nothing here; it goes with %s", action, idle, goes_with);
    }
    if (lists) {
        return options->argument_count > 1 ? cli_usage(&cli_data, "data list takes no argument") : list(options);
    }
    if (options->argument_count < 2) {
        return cli_usage(&cli_data, "data %s needs the name of a data set; `fovea data list` shows them", action);
    }
    if (!shows && !gets) {
        return cli_data_check(options);
    }
    if (gets) {
        return cli_data_get(options);
    }
    if (options->augment) {
        return options->out ? cli_usage(&cli_data, "data show: --augment draws one picture and --out another; give one")
                            : cli_data_augment(options);
    }
    if (options->set_count) {
        return cli_usage(&cli_data, "data %s: --set goes with --augment", action);
    }
    const char *what = options->arguments[1], *path = cli_is_photos(what) ? what : options->path;
    const fv__dataset_info *info = path == what ? cli_data_recognize(what) : fv__dataset_info_find(what, &error);
    if (!info) {
        return cli_fail(&error);
    }
    return info->open ? show(options, info, path) : cli_photos_show(options, info, path);
}

const cli_command cli_data = {
    .name = "data",
    .arguments = "list | show SET|DIR | check SET|DIR | get SET|URL  [OPTIONS]",
    .sentence = "List, look at, check and download data sets",
    .details =
        "Data sets are looked for in --path, $FOVEA_DATA, the cache ($XDG_CACHE_HOME/fovea or ~/.cache/fovea),\n"
        "and where Debian's packages put them.\n"
        "\n"
        "  fovea data list                     which sets there are, and where they were found\n"
        "  fovea data show fashion-mnist       splits, classes, counts, range and mean of the pixels\n"
        "  fovea data show fashion-mnist --out samples.png      and the first 25 as a picture\n"
        "  fovea data show cifar100 --augment grid.png    what augmentation makes of pictures; choose by\n"
        "                                      --set 'augment=[flip, cutout: 8]', or name a recipe\n"
        "  fovea data check fashion-mnist      every file: counts, size, sum of its content\n"
        "  fovea data check ./my-files         the same for a folder of one's own\n"
        "  fovea data check ./photos           photographs, a folder for each class (or a zip of that): files\n"
        "                                      that cannot be read, pictures that are there twice, ...\n"
        "  fovea data show ./photos --out samples.png     classes, counts, sizes, and a few as a picture\n"
        "  fovea data get mnist                download into the cache, checked; goes on where it stopped\n"
        "  fovea data get mnist --out ./data   into a folder\n"
        "  fovea data get https://example.org/photos.zip --sha256 SUM     any file, kept only if it has this sum\n",
    .options = "path out augment set sha256",
    .most_arguments = 2,
    .run = run,
};
