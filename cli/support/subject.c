// SPDX-License-Identifier: Apache-2.0
#include "support/subject.h"

#include <stdlib.h>
#include <string.h>

#include "support/datasets.h"
#include "support/memory.h"
#include "support/paths.h"
#include "support/recipe.h"
#include "support/say.h"

// --- Models

static bool has_ending(const char *text, const char *ending) {
    const size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}

// Whether the argument is a recipe where a model is asked for.
static bool is_recipe(const char *argument) {
    return !cli_is_folder(argument) && (cli_recipe_find(argument) || has_ending(argument, ".yaml"));
}

// Says more than "no such file" about likely mistakes.
static int explain_missing(const char *path, const char *file) {
    char *checkpoint = cli_format("%s/checkpoint.safetensors", path);
    if (is_recipe(path)) {
        cli_say("%s is a recipe, and a trained model is needed here: a model file, or a run folder as `fovea train %s` "
                "makes it",
                path, path);
    } else if (cli_is_file(checkpoint)) {
        cli_say("%s has no model yet: the run stopped before its first epoch ended; continue with: fovea train "
                "--resume %s",
                path, path);
    } else {
        cli_say("%s: no such file; a model file or a run folder is needed here", file);
    }
    free(checkpoint);
    return CLI_FAILED;
}

static int load_file(const char *file, const cli_source *source, cli_subject *subject) {
    fv_error error;
    CLI_TRY(cli_check(fv_model_load(file, &subject->model, &error), &error));
    CLI_TRY(cli_check(fv_model_get_recipe(subject->model, &subject->recipe, &error), &error));
    if (!subject->recipe && source->sets.count) {
        cli_say("%s was made without a recipe, so there is nothing to --set", file);
        return CLI_USAGE;
    }
    if (!subject->recipe) {
        return CLI_OK;
    }
    CLI_TRY(cli_check(fv_recipe_set(subject->recipe, "data.limit=0", &error), &error));
    return cli_recipe_apply(source, false, subject->recipe);
}

static int load_model(const char *path, const cli_source *source, cli_subject *subject) {
    char *file = cli_is_folder(path) ? cli_format("%s/model.safetensors", path) : cli_copy(path);
    const int code = cli_is_file(file) ? load_file(file, source, subject) : explain_missing(path, file);
    free(file);
    return code;
}

// A recipe that begins with trained weights of all layers is equivalent to a model.
static int load_recipe(const char *name, const cli_source *source, cli_subject *subject) {
    fv_error error;
    CLI_TRY(cli_recipe_open(name, source, &subject->recipe));
    const fv_recipe_info *info = fv_recipe_get_info(subject->recipe);
    if (!info->weights || info->weights_layer) {
        return explain_missing(name, name);
    }
    return cli_check(fv_model_create_from_recipe(subject->recipe, source->seed, &subject->model, &error), &error);
}

int cli_subject_load(const char *path, const cli_source *source, cli_subject *subject) {
    *subject = (cli_subject){0};
    const int code = is_recipe(path) ? load_recipe(path, source, subject) : load_model(path, source, subject);
    if (code != CLI_OK) {
        cli_subject_free(subject);
    }
    return code;
}

// Whether the argument is a model file or a run folder; a built-in recipe's name comes first.
static bool is_model(const char *argument) {
    return !cli_recipe_find(argument) && (cli_is_folder(argument) || has_ending(argument, ".safetensors") ||
                                          (cli_is_file(argument) && !has_ending(argument, ".yaml")));
}

static int make_model(const char *name, const cli_source *source, cli_subject *subject) {
    fv_error error;
    CLI_TRY(cli_recipe_open(name, source, &subject->recipe));
    return cli_check(fv_model_create_bare(subject->recipe, source->seed, &subject->model, &error), &error);
}

int cli_subject_open(const char *argument, const cli_source *source, cli_subject *subject) {
    if (is_model(argument)) {
        return cli_subject_load(argument, source, subject);
    }
    *subject = (cli_subject){0};
    const int code = make_model(argument, source, subject);
    if (code != CLI_OK) {
        cli_subject_free(subject);
    }
    return code;
}

void cli_subject_free(cli_subject *subject) {
    fv_model_free(subject->model);
    fv_recipe_free(subject->recipe);
    *subject = (cli_subject){0};
}

// --- Data

// The recipe's data, with --path and --strict.
static fv_status open_own(const cli_subject *subject, const cli_source *source, const char *split, fv_dataset **data,
                          fv_error *error) {
    const cli_source places = {.path = source->path, .strict = source->strict};
    return cli_recipe_change_data(&places, subject->recipe, error) == FV_OK
               ? fv_recipe_open_dataset(subject->recipe, split, subject->model, data, error)
               : error->status;
}

int cli_subject_data(const cli_subject *subject, const char *split, const cli_source *source, fv_dataset **data) {
    fv_error error;
    *data = NULL;
    if (!source->data && !subject->recipe) {
        cli_say("the model was made without a recipe: say which data set with --data (`fovea data list` shows them)");
        return CLI_USAGE;
    }
    const fv_dataset_options how = {.size = sizeof how,
                                    .path = source->path,
                                    .strict = source->strict,
                                    .limit = subject->recipe ? fv_recipe_get_info(subject->recipe)->data_limit : 0,
                                    .threads = source->threads};
    CLI_TRY(cli_check(source->data ? fv_model_open_dataset(subject->model, source->data, split, &how, data, &error)
                                   : open_own(subject, source, split, data, &error),
                      &error));
    if (!source->quiet) {
        cli_say_left_out(*data);
    }
    return CLI_OK;
}
