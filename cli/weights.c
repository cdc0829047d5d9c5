// SPDX-License-Identifier: Apache-2.0
// `fovea weights list | get | check`: trained weights known by name, where they are, and what is in files of weights.
#include <string.h>

#include "commands.h"
#include "support/download.h"
#include "support/json.h"
#include "support/numbers.h"
#include "support/progress.h"
#include "support/say.h"
#include "support/table.h"
#include "support/text.h"

typedef struct weights_options {
    const char *out; // get
    bool json, quiet;
} weights_options;

// --- list

static int list(const void *given, const cli_arguments *arguments) {
    (void)arguments;
    const weights_options *options = given;
    json_t *rows = json_array();
    cli_table table = {.alignment = "lll"};
    const fv_pretrained *known;
    for (size_t i = 0; (known = fv_pretrained_get(i)); i++) {
        char *path = NULL;
        const bool here = fv_pretrained_locate(known->name, true, &path, NULL) == FV_OK;
        cli_table_add(&table, "%s", known->name);
        cli_table_add(&table, "%s", known->title);
        cli_table_add(&table, "%s%s", here ? "in " : "not here", here ? path : "");
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", known->name, "title", known->title,
                                              "url", known->url, "file", known->file, "path",
                                              here ? cli_json_text(path) : json_null()));
        fv_free(path);
    }
    if (options->json) {
        cli_table_free(&table);
        return cli_json_print(rows, true);
    }
    json_decref(rows);
    cli_table_print(&table, stdout);
    return CLI_OK;
}

// --- check

static int print_json(const fv_weights_info *info, size_t numbers) {
    json_t *rows = json_array();
    for (int i = 0; i < info->count; i++) {
        const fv_weight_array *array = &info->arrays[i];
        const cli_shape shape = cli_shape_of_array(array);
        json_array_append_new(rows, json_pack("{s:o, s:o, s:o, s:b}", "name", cli_json_text(array->name), "other_name",
                                              array->other_name ? cli_json_text(array->other_name) : json_null(),
                                              "shape", cli_json_shape(&shape), "finite", (int)array->finite));
    }
    return cli_json_print(
        json_pack("{s:o, s:I, s:o}", "file", cli_json_text(info->path), "numbers", (json_int_t)numbers, "arrays", rows),
        true);
}

static int print_text(const fv_weights_info *info, size_t numbers, bool finite) {
    char number[CLI_NUMBER_SIZE], text[CLI_SHAPE_SIZE];
    cli_table table = {.alignment = "lll"};
    for (int i = 0; i < info->count; i++) {
        const fv_weight_array *array = &info->arrays[i];
        const cli_shape shape = cli_shape_of_array(array);
        const char *other = array->other_name ? array->other_name : "";
        cli_table_add_row(&table, array->name, cli_shape_print(&shape, text),
                          array->finite ? other : "has values that are not finite");
    }
    cli_table_print(&table, stdout);
    cli_line(stdout, "%s: %d arrays, %s numbers%s", info->path, info->count, cli_count(number, (double)numbers),
             finite ? ", all finite" : "");
    return CLI_OK;
}

static int check(const void *given, const cli_arguments *arguments) {
    const weights_options *options = given;
    fv_error error;
    fv_weights *weights;
    CLI_TRY(cli_check(fv_weights_open(arguments->items[0], &weights, &error), &error));
    const fv_weights_info *info = fv_weights_get_info(weights);
    size_t numbers = 0;
    bool finite = true;
    for (int i = 0; i < info->count; i++) {
        numbers += info->arrays[i].count;
        finite = finite && info->arrays[i].finite;
    }
    const int code = options->json ? print_json(info, numbers) : print_text(info, numbers, finite);
    fv_weights_free(weights);
    return code == CLI_OK && !finite ? CLI_FAILED : code;
}

// --- get

static const fv_pretrained *find(const char *name) {
    const fv_pretrained *known;
    for (size_t i = 0; (known = fv_pretrained_get(i)) && strcmp(known->name, name) != 0; i++) {
    }
    return known;
}

static int download(const weights_options *options, const char *name, char **path) {
    fv_error error;
    cli_download now = cli_download_begin(options->quiet);
    const fv_pretrained_options how = {
        .size = sizeof how, .folder = options->out, .on_event = cli_download_show, .context = &now};
    const fv_status status = fv_pretrained_download(name, &how, path, &error);
    cli_progress_keep();
    return cli_check(status, &error);
}

static int get(const void *given, const cli_arguments *arguments) {
    const weights_options *options = given;
    const char *name = arguments->items[0];
    fv_error error;
    fv_weights *weights = NULL;
    char *path = NULL;
    int code;
    if (options->out || fv_pretrained_locate(name, false, &path, NULL) != FV_OK) {
        CLI_TRY_OR_DONE(download(options, name, &path));
    }
    CLI_TRY_OR_DONE(cli_check(fv_weights_open(path, &weights, &error), &error)); // it may have been there before
    if (options->json) {
        code = cli_json_print(json_pack("{s:s, s:o}", "name", name, "file", cli_json_text(path)), true);
    } else if (!options->quiet) {
        cli_line(stdout, "%s is %s%s", name, path,
                 find(name)->sha256 ? "" : " (no sum of it is published; the only check was that it can be read)");
    }
done:
    fv_weights_free(weights);
    fv_free(path);
    return code;
}

// --- The command

static const cli_option json_only[] = {CLI_JSON(weights_options, json), CLI_END};

static const cli_command list_action = {
    .name = "list",
    .parent = &cli_weights,
    .arguments = "",
    .sentence = "List the known weights and where they were found",
    .examples = CLI_EXAMPLES({"fovea weights list", NULL}),
    .options = json_only,
    .options_size = sizeof(weights_options),
    .run = list,
};

static const cli_option get_options[] = {CLI_TEXT("out", "DIR", weights_options, out,
                                                  "Download into this folder (default: the cache).", .letter = "o",
                                                  .values = CLI_FOLDERS),
                                         CLI_JSON(weights_options, json), CLI_QUIET(weights_options, quiet), CLI_END};

static const cli_command get_action = {
    .name = "get",
    .parent = &cli_weights,
    .arguments = "NAME",
    .sentence = "Download weights; continues where it stopped",
    .examples = CLI_EXAMPLES({"fovea weights get mobilenet-v2-1.0-224", NULL}),
    .options = get_options,
    .options_size = sizeof(weights_options),
    .values = CLI_WEIGHTS,
    .least_arguments = 1,
    .most_arguments = 1,
    .missing = "weights get needs a name, which `fovea weights list` shows",
    .run = get,
};

static const cli_command check_action = {
    .name = "check",
    .parent = &cli_weights,
    .arguments = "NAME|FILE",
    .sentence = "Print every array of a file: name, shape, finite or not",
    .examples = CLI_EXAMPLES({"fovea weights check model.weights.h5", NULL}),
    .options = json_only,
    .options_size = sizeof(weights_options),
    .values = CLI_WEIGHTS,
    .least_arguments = 1,
    .most_arguments = 1,
    .missing = "weights check needs a name, which `fovea weights list` shows, or a file",
    .run = check,
};

static const cli_command *const actions[] = {&list_action, &get_action, &check_action, NULL};

const cli_command cli_weights = {
    .name = "weights",
    .arguments = "",
    .sentence = "List, download and look into trained weights",
    .details = "Weights are searched in $FOVEA_WEIGHTS, the cache ($XDG_CACHE_HOME/fovea/weights or "
               "~/.cache/fovea/weights), and where Keras keeps them (~/.keras/models).",
    .actions = actions,
};
