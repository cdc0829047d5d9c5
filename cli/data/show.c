// SPDX-License-Identifier: Apache-2.0
// `fovea data show`: what is in a data set.
#include <string.h>

#include "commands.h"
#include "data.h"
#include "support/json.h"
#include "support/numbers.h"
#include "support/say.h"
#include "support/table.h"
#include "support/text.h"

// --- A known set

typedef struct split {
    fv_dataset *data; // NULL: not opened
    const fv_dataset_info *info;
    fv_dataset_statistics *statistics;
} split;

enum { SPLITS = 2 };
static const char *const split_names[SPLITS] = {"train", "test"};

static json_t *split_json(const split *one) {
    json_t *counts = json_array(), *mean = json_array(), *deviation = json_array();
    for (int i = 0; i < one->info->classes; i++) {
        json_array_append_new(counts, json_integer((json_int_t)one->statistics->class_counts[i]));
    }
    for (int c = 0; c < one->info->channels; c++) {
        json_array_append_new(mean, json_real(one->statistics->mean[c]));
        json_array_append_new(deviation, json_real(one->statistics->deviation[c]));
    }
    return json_pack("{s:I, s:o, s:o, s:i, s:i, s:o, s:o}", "samples", (json_int_t)one->info->count, "folder",
                     cli_json_text(one->info->folder), "class_counts", counts, "minimum", one->statistics->minimum,
                     "maximum", one->statistics->maximum, "mean", mean, "deviation", deviation);
}

static int show_json(const split *splits) {
    const fv_dataset_info *data = splits[0].info;
    json_t *classes = json_array();
    for (int i = 0; i < data->classes; i++) {
        json_array_append_new(classes, json_string(data->class_names[i]));
    }
    return cli_json_print(json_pack("{s:s, s:[i,i,i], s:o, s:o, s:o}", "name", data->name, "shape", data->height,
                                    data->width, data->channels, "classes", classes, split_names[0],
                                    split_json(&splits[0]), split_names[1], split_json(&splits[1])),
                          true);
}

// Mean and deviation of a split, a number for each channel.
static void print_values(const char *name, const split *one) {
    printf("  %-5s  %d to %d, mean", name, one->statistics->minimum, one->statistics->maximum);
    for (int c = 0; c < one->info->channels; c++) {
        printf(" %.3f", one->statistics->mean[c]);
    }
    printf(", deviation");
    for (int c = 0; c < one->info->channels; c++) {
        printf(" %.3f", one->statistics->deviation[c]);
    }
    printf("\n");
}

static void print_title(const char *name) {
    fv_known_dataset known = {.size = sizeof known};
    for (size_t i = 0; fv_dataset_get_known(i, &known); i++) {
        if (strcmp(known.name, name) == 0) {
            printf("%s\n%s\n\n", known.title, known.source);
        }
    }
}

static int show_text(const split *splits) {
    const fv_dataset_info *data = splits[0].info;
    char number[CLI_NUMBER_SIZE];
    print_title(data->name);
    printf("%d × %d × %d bytes per sample, %d classes\n", data->height, data->width, data->channels, data->classes);
    for (int i = 0; i < SPLITS; i++) {
        cli_line(stdout, "  %-5s  %s samples in %s", split_names[i], cli_count(number, (double)splits[i].info->count),
                 splits[i].info->folder);
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
        cli_table_add(&table, "%s", cli_count(number, (double)splits[0].statistics->class_counts[i]));
        cli_table_add(&table, "%s", cli_count(number, (double)splits[1].statistics->class_counts[i]));
    }
    cli_table_print(&table, stdout);
    return CLI_OK;
}

static int show_set(const data_show_options *options, const char *name) {
    const fv_dataset_options how = {.size = sizeof how, .path = options->source.path};
    fv_error error;
    split splits[SPLITS] = {0};
    int code;
    for (int i = 0; i < SPLITS; i++) {
        CLI_TRY_OR_DONE(cli_check(fv_dataset_open(name, split_names[i], &how, &splits[i].data, &error), &error));
        splits[i].info = fv_dataset_get_info(splits[i].data);
        CLI_TRY_OR_DONE(cli_check(fv_dataset_measure(splits[i].data, &splits[i].statistics, &error), &error));
    }
    CLI_TRY_OR_DONE(options->json ? show_json(splits) : show_text(splits));
    if (options->out) {
        code = cli_check(fv_dataset_draw(splits[0].data, options->out, &error), &error);
    }
done:
    for (int i = 0; i < SPLITS; i++) {
        fv_dataset_statistics_free(splits[i].statistics);
        fv_dataset_free(splits[i].data);
    }
    return code;
}

// --- Photographs

enum { SIDE = 128 };

int cli_data_open_squares(const data_show_options *options, const char *name, fv_dataset **data) {
    const fv_dataset_options how = {.size = sizeof how,
                                    .path = options->source.path,
                                    .height = SIDE,
                                    .width = SIDE,
                                    .resize = "crop",
                                    .threads = options->source.threads};
    fv_error error;
    return cli_check(fv_dataset_open(name, "train", &how, data, &error), &error);
}

static int draw_samples(const data_show_options *options, const char *name) {
    fv_dataset *data;
    fv_error error;
    CLI_TRY(cli_data_open_squares(options, name, &data));
    const fv_status status = fv_dataset_draw(data, options->out, &error);
    fv_dataset_free(data);
    CLI_TRY(cli_check(status, &error));
    if (!options->source.quiet && !options->json) {
        printf("\n");
        cli_line(stdout, "%s: some of the training images, cropped to squares", options->out);
    }
    return CLI_OK;
}

static int show_photos(const data_show_options *options, const char *name, const fv_check_info *info) {
    int code = CLI_OK;
    if (options->json) {
        code = cli_json_print(cli_check_json_parts(info), true);
    } else {
        cli_check_print_parts(info);
        printf("\n%d to %d pixels wide, %d to %d high\n", info->least_width, info->most_width, info->least_height,
               info->most_height);
        if (info->unreadable) {
            printf("%zu files cannot be read: `fovea data check` names them\n", info->unreadable);
        }
    }
    return code == CLI_OK && options->out ? draw_samples(options, name) : code;
}

static bool is_photos(const char *name) {
    fv_known_dataset known = {.size = sizeof known};
    for (size_t i = 0; fv_dataset_get_known(i, &known); i++) {
        if (strcmp(known.name, name) == 0) {
            return known.photos;
        }
    }
    return fv_dataset_is_path(name);
}

static int show(const data_show_options *options, const char *name) {
    const fv_check_options how = {
        .size = sizeof how, .path = options->source.path, .brief = true, .threads = options->source.threads};
    fv_check *check;
    fv_error error;
    if (!is_photos(name)) {
        return show_set(options, name);
    }
    CLI_TRY(cli_check(fv_dataset_check(name, &how, &check, &error), &error));
    const fv_check_info *info = fv_check_get_info(check);
    const int code = info->photos ? show_photos(options, name, info) : show_set(options, name);
    fv_check_free(check);
    return code;
}

// --- The command

static int run(const void *given, const cli_arguments *arguments) {
    const data_show_options *options = given;
    const char *what = arguments->items[0];
    if (options->augment) {
        return options->out
                   ? cli_usage(&cli_data_show, "--augment draws one picture and --out another; give one of them")
                   : cli_data_augment(options, what);
    }
    return options->source.sets.count ? cli_usage(&cli_data_show, "--set goes with --augment") : show(options, what);
}

static const cli_option options[] = {
    CLI_SOURCE_PATH(data_show_options, source),
    CLI_TEXT("out", "FILE", data_show_options, out, "Draw a few samples with their classes (PNG).", .letter = "o",
             .values = CLI_FILES),
    CLI_TEXT(
        "augment", "FILE", data_show_options, augment,
        "Draw what augmentation makes of training images (PNG, SVG): the default list, that of --set augment=[...], "
        "or that of a recipe.",
        .values = CLI_FILES),
    CLI_SOURCE_SET(data_show_options, source),
    CLI_THREADS(data_show_options, source.threads),
    CLI_SEED(data_show_options, source.seed),
    CLI_JSON(data_show_options, json),
    CLI_QUIET(data_show_options, source.quiet),
    CLI_END};

const cli_command cli_data_show = {
    .name = "show",
    .parent = &cli_data,
    .arguments = "SET|DIR|RECIPE",
    .sentence = "Show splits, classes, counts, and range and mean of the pixels",
    .details =
        "DIR is a folder of photographs with one folder per class, or a zip or tar file of one. A recipe goes with "
        "--augment.",
    .examples = CLI_EXAMPLES({"fovea data show fashion-mnist", NULL},
                             {"fovea data show fashion-mnist --out samples.png", "and the first 25 as a picture"},
                             {"fovea data show ./photos --out samples.png", "classes, counts, sizes, and a few images"},
                             {"fovea data show cifar100 --augment grid.png", "what augmentation makes of images"},
                             {"fovea data show cifar100 --augment grid.png --set 'augment=[flip, cutout: 8]'", NULL}),
    .options = options,
    .options_size = sizeof(data_show_options),
    .values = CLI_DATA_SETS,
    .least_arguments = 1,
    .most_arguments = 1,
    .missing = "data show needs the name of a data set; `fovea data list` shows them",
    .run = run,
};
