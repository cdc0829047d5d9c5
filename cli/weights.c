// `fovea weights list | get | check`: trained weights known by name, where they are, and what is in files of weights.
#include <stdlib.h>
#include <string.h>

#include "support/download.h"
#include "support/json.h"

// --- list

static int list(const cli_options *options) {
    json_t *rows = json_array();
    cli_table table = {.alignment = "lll"};
    const fv_pretrained *known;
    for (size_t i = 0; (known = fv_pretrained_get(i)); i++) {
        char *path = NULL;
        const bool here = fv_pretrained_locate(known->name, true, &path, NULL) == FV_OK;
        cli_table_add(&table, "%s", known->name);
        cli_table_add(&table, "%s", known->title);
        cli_table_add(&table, "%s%s", here ? "in " : "not here", here ? path : "");
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s?}", "name", known->name, "title", known->title,
                                              "url", known->url, "file", known->file, "path", path));
        fv_free(path);
    }
    if (options->json) {
        cli_table_drop(&table);
        return cli_json_print(rows, true);
    }
    json_decref(rows);
    return cli_table_print(&table, stdout);
}

// --- check

static json_t *array_json(const fv_weight_array *array) {
    json_t *shape = json_array();
    for (int axis = 0; axis < array->rank; axis++) {
        json_array_append_new(shape, json_integer((json_int_t)array->shape[axis]));
    }
    return json_pack("{s:o, s:o, s:o, s:b}", "name", cli_json_text(array->name), "other_name",
                     array->other_name ? cli_json_text(array->other_name) : json_null(), "shape", shape, "finite",
                     (int)array->finite);
}

static int print_json(const fv_weights_info *info, size_t numbers) {
    json_t *rows = json_array();
    for (int i = 0; i < info->count; i++) {
        json_array_append_new(rows, array_json(&info->arrays[i]));
    }
    return cli_json_print(
        json_pack("{s:o, s:I, s:o}", "file", cli_json_text(info->path), "numbers", (json_int_t)numbers, "arrays", rows),
        true);
}

static int print_text(const fv_weights_info *info, size_t numbers, int spoilt) {
    char number[CLI_NUMBER_SIZE], shape[CLI_SHAPE_SIZE];
    cli_table table = {.alignment = "lll"};
    for (int i = 0; i < info->count; i++) {
        const fv_weight_array *array = &info->arrays[i];
        cli_table_add(&table, "%s", array->name);
        cli_table_add(&table, "%s", cli_shape(shape, array->rank, array->shape));
        cli_table_add(&table, "%s",
                      !array->finite      ? "has values that are not finite"
                      : array->other_name ? array->other_name
                                          : "");
    }
    const int code = cli_table_print(&table, stdout);
    printf("%s: %d arrays, %s numbers%s\n", info->path, info->count, cli_count(number, (double)numbers),
           spoilt ? "" : ", all finite");
    return code;
}

static int check(const cli_options *options, const char *from) {
    fv_error error;
    fv_weights *weights;
    if (fv_weights_open(from, &weights, &error) != FV_OK) {
        return cli_fail(&error);
    }
    const fv_weights_info *info = fv_weights_get_info(weights);
    size_t numbers = 0;
    int spoilt = 0;
    for (int i = 0; i < info->count; i++) {
        numbers += info->arrays[i].count;
        spoilt += !info->arrays[i].finite;
    }
    const int code = options->json ? print_json(info, numbers) : print_text(info, numbers, spoilt);
    fv_weights_free(weights);
    return code == CLI_OK && spoilt ? CLI_FAILED : code;
}

// --- get

static const fv_pretrained *find(const char *name) {
    const fv_pretrained *known;
    for (size_t i = 0; (known = fv_pretrained_get(i)) && strcmp(known->name, name) != 0; i++) {
    }
    return known;
}

static fv_status bring(const cli_options *options, const char *name, char **path, fv_error *error) {
    fv_status status = options->out ? FV_NOT_FOUND : fv_pretrained_locate(name, false, path, NULL);
    if (status) {
        cli_download now = cli_download_begin(options);
        const fv_pretrained_options how = {
            .size = sizeof how, .folder = options->out, .on_event = cli_download_show, .context = &now};
        status = fv_pretrained_download(name, &how, path, error);
        cli_download_end(&now);
    }
    if (!status) { // it may have been there before
        fv_weights *weights = NULL;
        status = fv_weights_open(*path, &weights, error);
        fv_weights_free(weights);
    }
    return status;
}

static int get(const cli_options *options, const char *name) {
    fv_error error;
    char *path = NULL;
    int code = bring(options, name, &path, &error) == FV_OK ? CLI_OK : cli_fail(&error);
    if (code == CLI_OK && options->json) {
        code = cli_json_print(json_pack("{s:s, s:o}", "name", name, "file", cli_json_text(path)), true);
    } else if (code == CLI_OK && !options->quiet) {
        printf("%s is %s%s\n", name, path,
               find(name)->sha256 ? "" : " (no sum of it is published; the only check was that it can be read)");
    }
    fv_free(path);
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
