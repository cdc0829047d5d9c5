// SPDX-License-Identifier: Apache-2.0
// `fovea import`: weights of another program into a model.
#include "commands.h"
#include "support/json.h"
#include "support/numbers.h"
#include "support/say.h"
#include "support/subject.h"
#include "support/table.h"
#include "support/text.h"

typedef struct import_options {
    cli_source source;
    const char *out, *layer, *classes;
    cli_list maps; // "theirs=ours", or a file of such lines
    bool partial, json;
} import_options;

// --- What fits

// `written`: the file, or NULL.
static int print_json(const fv_import_info *info, const char *written) {
    json_t *rows = json_array(), *left_over = json_array();
    for (int i = 0; i < info->row_count; i++) {
        const fv_import_row *row = &info->rows[i];
        const cli_shape shape = cli_shape_of(row->rank, row->shape);
        json_array_append_new(rows, json_pack("{s:s, s:o, s:s, s:s?, s:s}", "name", row->weight, "shape",
                                              cli_json_shape(&shape), "fit", row->fit, "array", row->array, "reason",
                                              row->reason));
    }
    for (int i = 0; i < info->left_over_count; i++) {
        json_array_append_new(left_over, cli_json_text(info->left_over[i]->name));
    }
    return cli_json_print(json_pack("{s:o, s:i, s:i, s:o, s:o, s:o}", "file", cli_json_text(info->path), "wanted",
                                    info->row_count, "matched", info->matched, "weights", rows, "left_over", left_over,
                                    "written", written ? cli_json_text(written) : json_null()),
                          true);
}

static void print_text(const fv_import_info *info) {
    char text[CLI_SHAPE_SIZE];
    cli_table table = {.alignment = "llll"};
    for (int i = 0; i < info->row_count; i++) {
        const fv_import_row *row = &info->rows[i];
        const cli_shape shape = cli_shape_of(row->rank, row->shape);
        cli_table_add_row(&table, row->weight, cli_shape_print(&shape, text),
                          row->matched ? "="
                          : cli_utf8() ? "✗"
                                       : "x",
                          row->reason);
    }
    cli_table_print(&table, stdout);
    for (int i = 0; i < info->left_over_count; i++) {
        const fv_weight_array *array = info->left_over[i];
        const cli_shape shape = cli_shape_of_array(array);
        cli_line(stdout, "left over: %s %s", array->name, cli_shape_print(&shape, text));
    }
    printf("%d of %d weights matched\n", info->matched, info->row_count);
}

// --- Taking over and writing

static int take_over(const import_options *options, const cli_subject *subject, fv_import *import) {
    fv_error error;
    if (options->classes) {
        CLI_TRY(cli_check(fv_model_read_classes(subject->model, options->classes, &error), &error));
    }
    CLI_TRY(cli_check(fv_import_apply(import, options->partial, &error), &error));
    CLI_TRY(cli_check(fv_model_set_recipe(subject->model, subject->recipe, &error), &error));
    return options->out ? cli_check(fv_model_save(subject->model, options->out, &error), &error) : CLI_OK;
}

// What fits is printed also where it is not enough.
static int import_and_report(const import_options *options, const cli_subject *subject, fv_import *import) {
    const fv_import_info *info = fv_import_get_info(import);
    const bool talks = !options->json && !options->source.quiet;
    if (talks) {
        print_text(info);
    }
    const int code = take_over(options, subject, import);
    const char *written = code == CLI_OK ? options->out : NULL;
    if (options->json) {
        const int printed = print_json(info, written);
        return code == CLI_OK ? printed : code;
    }
    if (talks && written) {
        cli_line(stdout, "written: %s", written);
    }
    return code;
}

static int run(const void *given, const cli_arguments *arguments) {
    const import_options *options = given;
    const fv_import_options how = {
        .size = sizeof how, .layer = options->layer, .maps = options->maps.items, .map_count = options->maps.count};
    cli_subject subject;
    fv_import *import = NULL;
    fv_error error;
    int code;
    CLI_TRY_OR_DONE(cli_subject_open(arguments->items[0], &options->source, &subject));
    CLI_TRY_OR_DONE(cli_check(fv_import_create(subject.model, arguments->items[1], &how, &import, &error), &error));
    code = import_and_report(options, &subject, import);
done:
    fv_import_free(import);
    cli_subject_free(&subject);
    return code;
}

static const cli_option options[] = {
    CLI_SOURCE_SET(import_options, source),
    CLI_LIST("map", "RULE", import_options, maps,
             "What arrays are called here: THEIRS=OURS, with a star on both sides for all that fit, or a file of such "
             "lines; repeatable, and of the rules that fit an array the last counts. After the rule, :transpose turns "
             "PyTorch's (out, in) and (out, in, height, width) around.",
             .values = CLI_FILES),
    CLI_TEXT("layer", "NAME", import_options, layer, "Only the weights of this layer, with those inside it."),
    CLI_FLAG("partial", import_options, partial, "Take over what fits and leave the rest as it is."),
    CLI_TEXT("classes", "FILE", import_options, classes, "Names of the classes, one per line.", .values = CLI_FILES),
    CLI_TEXT("out", "FILE", import_options, out, "The model file to write.", .letter = "o", .values = CLI_FILES),
    CLI_SEED(import_options, source.seed),
    CLI_JSON(import_options, json),
    CLI_QUIET(import_options, source.quiet),
    CLI_END};

const cli_command cli_import = {
    .name = "import",
    .arguments = "RECIPE|MODEL|RUN WEIGHTS",
    .sentence = "Take over weights from Keras's files or safetensors",
    .details =
        "WEIGHTS is a file (.h5 and .weights.h5 of Keras, .safetensors) or a name that `fovea weights list` shows. It "
        "prints one row for each weight of the model: its name and shape, and the array that fits or why none does; "
        "then what is left over in the file. Only the ends of names need to agree: theirs may have more in front, or "
        "lack our layer's; shapes may differ by joined axes. Everything must fit, unless --layer or --partial say "
        "otherwise. With --out the model is written.\n\n"
        "Files from untrusted places should be safetensors: libhdf5, which reads the others, is not made for hostile "
        "files.",
    .examples =
        CLI_EXAMPLES({"fovea import my-recipe.yaml model.weights.h5", "what would fit"},
                     {"fovea import my-recipe.yaml model.weights.h5 --out model.safetensors", NULL},
                     {"fovea import model.safetensors backbone.h5 --layer mobilenet_v2 --out other.safetensors", NULL},
                     {"fovea import my-recipe.yaml torch.safetensors --map 'fc*.weight=dense_*/kernel:transpose' --map "
                      "'fc*.bias=dense_*/bias' --classes names.txt --out model.safetensors",
                      NULL}),
    .options = options,
    .options_size = sizeof(import_options),
    .values = CLI_RECIPES,
    .least_arguments = 2,
    .most_arguments = 2,
    .missing = "import needs a model (or a recipe) and a file of weights",
    .run = run,
};
