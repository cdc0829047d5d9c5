// `fovea weights list | get | check`: trained weights known by name, where they are, and what is in files of weights.
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "recipe/pretrained.h"
#include "support/download.h"
#include "support/json.h"

// --- list

static int list(const cli_options *options) {
    json_t *rows = json_array();
    cli_table table = {.alignment = "lll"};
    for (size_t i = 0; i < fv__pretrained_count(); i++) {
        const fv__pretrained *known = fv__pretrained_at(i);
        char *path = NULL;
        bool here = fv__pretrained_locate(known, &path, NULL) == FV_OK;
        cli_table_add(&table, "%s", known->name);
        cli_table_add(&table, "%s", known->title);
        cli_table_add(&table, "%s%s", here ? "in " : "not here", here ? path : "");
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s?}", "name", known->name, "title", known->title,
                                              "url", known->url, "file", known->file, "path", path));
        fv__free(path);
    }
    if (options->json) {
        fv__text_free(&table.cells);
        return cli_json_print(rows, true);
    }
    json_decref(rows);
    return cli_table_print(&table, stdout);
}

// --- check

static bool is_finite(const fv__weight_array *array) {
    for (size_t i = 0; i < array->count; i++) {
        if (!isfinite(array->values[i])) {
            return false;
        }
    }
    return true;
}

static json_t *array_json(const fv__weight_array *array) {
    json_t *shape = json_array();
    for (int axis = 0; axis < array->rank; axis++) {
        json_array_append_new(shape, json_integer((json_int_t)array->shape[axis]));
    }
    return json_pack("{s:o, s:o, s:o, s:b}", "name", cli_json_text(array->name), "other_name",
                     array->other ? cli_json_text(array->other) : json_null(), "shape", shape, "finite",
                     (int)is_finite(array));
}

static int print_arrays(const cli_options *options, const fv__weights *weights, const char *path) {
    json_t *rows = json_array();
    cli_table table = {.alignment = "lll"};
    size_t numbers = 0;
    int spoilt = 0;
    for (int i = 0; i < weights->count; i++) {
        const fv__weight_array *array = &weights->arrays[i];
        bool finite = is_finite(array);
        numbers += array->count;
        spoilt += !finite;
        cli_table_add(&table, "%s", array->name);
        cli_table_add(&table, "%s", fv__weight_shape_print(array).text);
        cli_table_add(&table, "%s", finite ? array->other ? array->other : "" : "has values that are not finite");
        json_array_append_new(rows, array_json(array));
    }
    int code;
    if (options->json) {
        fv__text_free(&table.cells);
        code = cli_json_print(
            json_pack("{s:o, s:I, s:o}", "file", cli_json_text(path), "numbers", (json_int_t)numbers, "arrays", rows),
            true);
    } else {
        char number[CLI_NUMBER_SIZE];
        json_decref(rows);
        code = cli_table_print(&table, stdout);
        printf("%s: %d arrays, %s numbers%s\n", path, weights->count, cli_count(number, (double)numbers),
               spoilt ? "" : ", all finite");
    }
    return code == CLI_OK && spoilt ? CLI_FAILED : code;
}

static int check(const cli_options *options, const char *from) {
    fv_error error;
    fv__weights weights;
    char *path = NULL;
    if (fv__pretrained_read(from, &weights, &path, &error) != FV_OK) {
        return cli_fail(&error);
    }
    int code = print_arrays(options, &weights, path);
    fv__weights_free(&weights);
    fv__free(path);
    return code;
}

// --- get

static bool is_headless(const fv__pretrained *known, const char *path) {
    const char *slash = strrchr(path, '/');
    return strcmp(slash ? slash + 1 : path, known->headless) == 0;
}

static int get(const cli_options *options, const char *name) {
    fv_error error;
    char *path = NULL;
    const fv__pretrained *known = fv__pretrained_find(name, &error);
    if (!known) {
        return cli_fail(&error);
    }
    fv__weights weights = {0};
    fv_status status = options->out ? FV_NOT_FOUND : fv__pretrained_locate(known, &path, NULL);
    if (status == FV_OK && is_headless(known, path)) { // which does for some
        fv__free(path);
        path = NULL;
        status = FV_NOT_FOUND;
    }
    if (status != FV_OK) {
        cli_download now = cli_download_begin(options);
        status = fv__pretrained_get(known, options->out, cli_download_show, &now, &path, &error);
        cli_download_end(&now);
    }
    if (status == FV_OK) { // it may have been there before
        status = fv__weights_read(path, &weights, &error);
        fv__weights_free(&weights);
    }
    int code = status == FV_OK ? CLI_OK : cli_fail(&error);
    if (code == CLI_OK && options->json) {
        code = cli_json_print(json_pack("{s:s, s:o}", "name", name, "file", cli_json_text(path)), true);
    } else if (code == CLI_OK && !options->quiet) {
        printf("%s is %s%s\n", name, path,
               known->sha256 ? "" : " (no sum of it is published; that it can be read is all that was checked)");
    }
    fv__free(path);
    return code;
}

// --- the command

static int run(const cli_options *options) {
    static const char *const actions[] = {"list", "get", "check", NULL};
    const char *action = options->argument_count > 0 ? options->arguments[0] : "list";
    const bool gets = strcmp(action, "get") == 0;
    if (!gets && options->out) {
        return cli_usage(&cli_weights, "weights %s writes no file: --out goes with get", action);
    }
    if (strcmp(action, "list") == 0) {
        return options->argument_count > 1 ? cli_usage(&cli_weights, "weights list takes no argument") : list(options);
    }
    if (!gets && strcmp(action, "check") != 0) {
        char hint[256];
        return cli_usage(&cli_weights, "weights %s: %s", action, fv__suggest_name(hint, sizeof hint, action, actions));
    }
    if (options->argument_count < 2) {
        return cli_usage(&cli_weights, "weights %s needs a name, which `fovea weights list` shows%s", action,
                         gets ? "" : ", or a file");
    }
    return gets ? get(options, options->arguments[1]) : check(options, options->arguments[1]);
}

const cli_command cli_weights = {
    .name = "weights",
    .arguments = "list | get NAME | check NAME|FILE  [OPTIONS]",
    .sentence = "List, download and look into trained weights",
    .details = "Weights are looked for in $FOVEA_WEIGHTS, the cache ($XDG_CACHE_HOME/fovea/weights or\n"
               "~/.cache/fovea/weights), and where Keras keeps them (~/.keras/models).\n"
               "\n"
               "  fovea weights list                        which are known, and where they were found\n"
               "  fovea weights get mobilenet-v2-1.0-224    download into the cache; goes on where it stopped\n"
               "  fovea weights check model.weights.h5      every array of a file: name, shape, finite or not\n",
    .options = "out",
    .most_arguments = 2,
    .run = run,
};
