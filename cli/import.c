// `fovea import`: weights of another program into a model.
#include <string.h>

#include "support/json.h"
#include "support/subject.h"

// --- What fits

static json_t *shape_json(const fv_import_row *row) {
    json_t *list = json_array();
    for (int axis = 0; axis < row->rank; axis++) {
        json_array_append_new(list, json_integer(row->shape[axis]));
    }
    return list;
}

// `written`: the file, or NULL.
static int print_json(const fv_import_info *info, const char *written) {
    json_t *rows = json_array(), *left_over = json_array();
    for (int i = 0; i < info->row_count; i++) {
        const fv_import_row *row = &info->rows[i];
        json_array_append_new(rows,
                              json_pack("{s:s, s:o, s:s, s:s?, s:s}", "name", row->weight, "shape", shape_json(row),
                                        "fit", row->fit, "array", row->array, "reason", row->reason));
    }
    for (int i = 0; i < info->left_over_count; i++) {
        json_array_append_new(left_over, cli_json_text(info->left_over[i]->name));
    }
    return cli_json_print(json_pack("{s:o, s:i, s:i, s:o, s:o, s:o}", "file", cli_json_text(info->path), "wanted",
                                    info->row_count, "matched", info->matched, "weights", rows, "left_over", left_over,
                                    "written", written ? cli_json_text(written) : json_null()),
                          true);
}

static int print_text(const fv_import_info *info) {
    char shape[CLI_SHAPE_SIZE];
    int64_t sizes[4];
    cli_table table = {.alignment = "llll"};
    for (int i = 0; i < info->row_count; i++) {
        const fv_import_row *row = &info->rows[i];
        cli_table_add(&table, "%s", row->weight);
        for (int axis = 0; axis < row->rank; axis++) {
            sizes[axis] = row->shape[axis];
        }
        cli_table_add(&table, "%s", cli_shape(shape, row->rank, sizes));
        cli_table_add(&table, "%s", row->matched ? "=" : cli_utf8() ? "✗" : "x");
        cli_table_add(&table, "%s", row->reason);
    }
    const int code = cli_table_print(&table, stdout);
    for (int i = 0; i < info->left_over_count; i++) {
        const fv_weight_array *array = info->left_over[i];
        printf("left over: %s %s\n", array->name, cli_shape(shape, array->rank, array->shape));
    }
    printf("%d of %d weights matched\n", info->matched, info->row_count);
    return code;
}

// --- Taking over and writing

static fv_status take_over(const cli_options *options, const cli_subject *subject, fv_import *import, fv_error *error) {
    fv_status status = options->classes ? fv_model_read_classes(subject->model, options->classes, error) : FV_OK;
    if (!status) {
        status = fv_import_apply(import, options->partial, error);
    }
    if (!status) {
        status = fv_model_set_recipe(subject->model, subject->recipe, error);
    }
    return !status && options->out ? fv_model_save(subject->model, options->out, error) : status;
}

static int work(const cli_options *options, const cli_subject *subject, fv_import *import) {
    const fv_import_info *info = fv_import_get_info(import);
    fv_error error;
    int code = options->json || options->quiet ? CLI_OK : print_text(info);
    if (code == CLI_OK && take_over(options, subject, import, &error) != FV_OK) {
        code = cli_fail(&error);
    }
    if (options->json) {
        const int printed = print_json(info, code == CLI_OK ? options->out : NULL);
        code = code == CLI_OK ? printed : code;
    } else if (code == CLI_OK && options->out && !options->quiet) {
        printf("written: %s\n", options->out);
    }
    return code;
}

static int run(const cli_options *options) {
    if (options->argument_count < 2) {
        return cli_usage(&cli_import, "import needs a model (or a recipe) and a file of weights");
    }
    const fv_import_options how = {
        .size = sizeof how, .layer = options->layer, .maps = options->maps, .map_count = options->map_count};
    fv_error error;
    fv_import *import = NULL;
    cli_subject subject;
    int code = cli_subject_open(options->arguments[0], options, &subject);
    if (code == CLI_OK && fv_import_create(subject.model, options->arguments[1], &how, &import, &error) != FV_OK) {
        code = cli_fail(&error);
    }
    if (code == CLI_OK) {
        code = work(options, &subject, import);
    }
    fv_import_free(import);
    cli_subject_free(&subject);
    return code;
}

const cli_command cli_import = {
    .name = "import",
    .arguments = "RECIPE|MODEL|RUN WEIGHTS  [OPTIONS]",
    .sentence = "Take over weights from Keras's files or safetensors",
    .details =
        "WEIGHTS is a file (.h5 and .weights.h5 of Keras, .safetensors) or a name that `fovea weights list` shows.\n"
        "A row a weight of the model: its name and shape, and the array that fits or why none does; then what is left\n"
        "over in the file. Names need not be alike, only their ends: theirs may have more in front, or lack our\n"
        "layer's. Everything must fit, unless --layer or --partial say otherwise. With --out the model is written.\n"
        "\n"
        "  fovea import my-recipe.yaml model.weights.h5                 what would fit\n"
        "  fovea import my-recipe.yaml model.weights.h5 --out model.safetensors\n"
        "  fovea import model.safetensors backbone.h5 --layer mobilenet_v2 --out other.safetensors\n"
        "  fovea import my-recipe.yaml torch.safetensors --map 'fc*.weight=dense_*/kernel:transpose' \\\n"
        "      --map 'fc*.bias=dense_*/bias' --classes names.txt --out model.safetensors\n",
    .options = "out map layer partial classes set",
    .most_arguments = 2,
    .run = run,
};
