// `fovea data show`: what is in a data set.
#include "base/memory.h"
#include "commands.h"
#include "data.h"
#include "support/datasets.h"
#include "support/json.h"
#include "support/numbers.h"
#include "support/say.h"
#include "support/table.h"
#include "support/text.h"

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
        cli_line(stdout, "  %-5s  %s samples in %s", split_names[i], cli_count(number, (double)splits[i].data->count),
                 splits[i].data->folder);
    }
    printf("\nPixel values\n");
    for (int i = 0; i < SPLITS; i++) {
        print_values(split_names[i], &splits[i]);
    }
    printf("\n");
    cli_table table = {.alignment = "rlrr"};
    cli_table_add_row(&table, "class", "name", "train", "test");
    for (int i = 0; i < data->classes; i++) {
        cli_table_add(&table, "%d", i);
        cli_table_add(&table, "%s", data->class_names[i]);
        cli_table_add(&table, "%s", cli_count(number, (double)splits[0].statistics.class_counts[i]));
        cli_table_add(&table, "%s", cli_count(number, (double)splits[1].statistics.class_counts[i]));
    }
    cli_table_print(&table, stdout);
    return CLI_OK;
}

static int show(const data_show_options *options, const fv__dataset_info *info, const char *path) {
    fv_error error;
    split splits[SPLITS] = {0};
    int code;
    for (int i = 0; i < SPLITS; i++) {
        CLI_TRY_OR_DONE(cli_check(fv_dataset_open(info->name, split_names[i], path, &splits[i].data, &error), &error));
        CLI_TRY_OR_DONE(cli_check(fv__dataset_measure(splits[i].data, &splits[i].statistics, &error), &error));
    }
    CLI_TRY_OR_DONE(options->json ? show_json(splits) : show_text(info, splits));
    if (options->out) {
        code = cli_check(cli_draw_samples(splits[0].data, options->out, &error), &error);
    }
done:
    for (int i = 0; i < SPLITS; i++) {
        if (splits[i].data) {
            fv__dataset_statistics_free(&splits[i].statistics);
        }
        fv_dataset_free(splits[i].data);
    }
    return code;
}

static int run(const void *given, const cli_arguments *arguments) {
    const data_show_options *options = given;
    const char *what = arguments->items[0], *path = cli_is_photos(what) ? what : options->source.path;
    fv_error error;
    if (options->augment) {
        return options->out
                   ? cli_usage(&cli_data_show, "--augment draws one picture and --out another; give one of them")
                   : cli_data_augment(options, what);
    }
    if (options->source.sets.count) {
        return cli_usage(&cli_data_show, "--set goes with --augment");
    }
    const fv__dataset_info *info = path == what ? cli_data_recognize(what) : fv__dataset_info_find(what, &error);
    if (!info) {
        return cli_fail(&error);
    }
    return info->open ? show(options, info, path) : cli_photos_show(options, info, path);
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
