// `fovea import`: weights of another program into a model of one's own.
#include <jansson.h>
#include <string.h>

#include "base/memory.h"
#include "recipe/pretrained.h"
#include "support/json.h"
#include "support/subject.h"

typedef struct import_work {
    const cli_options *options;
    cli_subject subject;
    fv__weights weights;
    char *path; // of the weights
    fv__import import;
} import_work;

// --- What fits

static const char *const fits[] = {"unwanted", "matched", "missing", "ambiguous", "shape", "not finite"};

static json_t *shape_json(const fv__shape *shape) {
    json_t *list = json_array();
    for (int axis = 0; axis < shape->rank; axis++) {
        json_array_append_new(list, json_integer(shape->size[axis]));
    }
    return list;
}

static json_t *left_over_json(const import_work *now) {
    json_t *list = json_array();
    for (int a = 0; a < now->weights.count; a++) {
        if (!now->import.used[a]) {
            json_array_append_new(list, json_string(now->weights.arrays[a].name));
        }
    }
    return list;
}

// `written`: the file, or NULL.
static int print_json(const import_work *now, const char *written) {
    json_t *rows = json_array();
    const fv__graph *graph = &now->subject.model->graph;
    for (int p = 0; p < graph->parameter_count; p++) {
        const fv__import_row *row = &now->import.rows[p];
        char reason[FV__IMPORT_REASON];
        if (row->fit != FV__IMPORT_UNWANTED) {
            json_array_append_new(rows,
                                  json_pack("{s:s, s:o, s:s, s:s?, s:s}", "name", graph->parameters[p].name, "shape",
                                            shape_json(&graph->parameters[p].shape), "fit", fits[row->fit], "array",
                                            row->array >= 0 ? now->weights.arrays[row->array].name : NULL, "reason",
                                            fv__import_reason(&now->weights, row, reason)));
        }
    }
    return cli_json_print(json_pack("{s:o, s:i, s:i, s:o, s:o, s:o}", "file", cli_json_text(now->path), "wanted",
                                    now->import.wanted, "matched", now->import.matched, "weights", rows, "left_over",
                                    left_over_json(now), "written", written ? cli_json_text(written) : json_null()),
                          true);
}

static int print_text(const import_work *now) {
    const fv__graph *graph = &now->subject.model->graph;
    cli_table table = {.alignment = "llll"};
    for (int p = 0; p < graph->parameter_count; p++) {
        const fv__import_row *row = &now->import.rows[p];
        char reason[FV__IMPORT_REASON];
        if (row->fit != FV__IMPORT_UNWANTED) {
            bool fine = row->fit == FV__IMPORT_MATCHED;
            cli_table_add(&table, "%s", graph->parameters[p].name);
            cli_table_add(&table, "%s", fv__shape_print(&graph->parameters[p].shape).text);
            cli_table_add(&table, "%s", fine ? "=" : cli_utf8() ? "✗" : "x");
            cli_table_add(&table, "%s", fv__import_reason(&now->weights, row, reason));
        }
    }
    int code = cli_table_print(&table, stdout);
    for (int a = 0; a < now->weights.count; a++) {
        const fv__weight_array *array = &now->weights.arrays[a];
        if (!now->import.used[a]) {
            printf("left over: %s %s\n", array->name, fv__weight_shape_print(array).text);
        }
    }
    printf("%d of %d weights matched\n", now->import.matched, now->import.wanted);
    return code;
}

// --- Reading and writing

static int read_weights(import_work *now) {
    fv_error error;
    const cli_options *options = now->options;
    fv_status status = fv__pretrained_read(options->arguments[1], &now->weights, &now->path, &error);
    for (int i = 0; i < options->map_count && !status; i++) {
        const char *map = options->maps[i];
        status = strchr(map, '=') ? fv__weights_map(&now->weights, map, &error)
                                  : fv__weights_map_file(&now->weights, map, &error);
    }
    if (!status) {
        status = fv__weights_turn(&now->weights, &error);
    }
    if (!status) {
        status = fv__import_match(now->subject.model, &now->weights, options->layer, &now->import, &error);
    }
    return status ? cli_fail(&error) : CLI_OK;
}

static int read_classes(const import_work *now) {
    fv_error error;
    const char *path = now->options->classes;
    return !path || fv__model_read_classes(now->subject.model, path, &error) == FV_OK ? CLI_OK : cli_fail(&error);
}

// Like the file that training writes, with the recipe, where there is one.
static fv_status write_model(const import_work *now, fv_error *error) {
    fv__text text = {0};
    fv_status status = now->subject.recipe ? fv__recipe_resolve(now->subject.recipe, &text, error) : FV_OK;
    if (!status) {
        fv__metadata recipe = {"recipe", text.bytes};
        status = fv__model_write(now->subject.model, now->options->out, &recipe, text.bytes ? 1 : 0, error);
    }
    fv__text_free(&text);
    return status;
}

static int take_over(import_work *now) {
    fv_error error;
    fv_status status = FV_OK;
    if (!now->options->partial) {
        status = fv__import_check(now->subject.model, &now->weights, &now->import, now->path, &error);
    }
    if (!status) {
        fv__import_apply(now->subject.model, &now->weights, &now->import);
    }
    if (!status && now->options->out) {
        status = write_model(now, &error);
    }
    return status ? cli_fail(&error) : CLI_OK;
}

static int run(const cli_options *options) {
    import_work now = {.options = options};
    if (options->argument_count < 2) {
        return cli_usage(&cli_import, "import needs a model (or a recipe) and a file of weights");
    }
    int code = cli_subject_open(options->arguments[0], options, &now.subject);
    if (code == CLI_OK) {
        code = read_weights(&now);
    }
    const bool matched = code == CLI_OK;
    if (matched && !options->json && !options->quiet) {
        code = print_text(&now);
    }
    if (code == CLI_OK) {
        code = read_classes(&now);
    }
    if (code == CLI_OK) {
        code = take_over(&now);
    }
    if (matched && options->json) {
        const int printed = print_json(&now, code == CLI_OK ? options->out : NULL);
        code = code == CLI_OK ? printed : code;
    }
    if (code == CLI_OK && options->out && !options->quiet && !options->json) {
        printf("written: %s\n", options->out);
    }
    fv__import_free(&now.import);
    fv__weights_free(&now.weights);
    fv__free(now.path);
    cli_subject_free(&now.subject);
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
