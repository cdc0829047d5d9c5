#include "support/subject.h"

#include <string.h>

#include "base/memory.h"
#include "formats/file.h"
#include "support/recipe.h"

// --- models

static bool has_ending(const char *text, const char *ending) {
    size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}

static bool is_builtin(const char *name) {
    const fv_builtin_recipe *recipe;
    for (size_t i = 0; (recipe = fv_recipe_get_builtin(i)) && strcmp(recipe->name, name) != 0; i++) {
    }
    return recipe != NULL;
}

// Whether the argument means a recipe where a model is asked for.
static bool is_recipe(const char *argument) {
    return !fv__folder_exists(argument) && (is_builtin(argument) || has_ending(argument, ".yaml"));
}

static char *model_path(const char *path) {
    return fv__folder_exists(path) ? fv__format("%s/model.safetensors", path) : fv__strdup(path);
}

// Says more than "no such file" about the mistakes that are likely.
static int explain_missing(const char *path, const char *file) {
    char *checkpoint = fv__format("%s/checkpoint.safetensors", path);
    if (is_recipe(path)) {
        cli_say("%s is a recipe, and a trained model is needed here: a model file or a run folder, which `fovea train "
                "%s` makes",
                path, path);
    } else if (checkpoint && fv__file_exists(checkpoint)) {
        cli_say("%s has no model yet: the run stopped before its first epoch ended; go on with: fovea train --resume "
                "%s",
                path, path);
    } else {
        cli_say("%s: no such file; a model file or a run folder is needed here", file);
    }
    fv__free(checkpoint);
    return CLI_FAILED;
}

// The recipe that the model carries; *recipe stays NULL when there is none. Its data.limit was for training.
static fv_status read_recipe(const fv_model *model, fv_recipe **recipe, fv_error *error) {
    fv_status status = fv_model_get_recipe(model, recipe, error);
    return !status && *recipe ? fv_recipe_set(*recipe, "data.limit=0", error) : status;
}

static int load(const char *file, const cli_options *options, cli_subject *subject) {
    fv_error error;
    if (fv_model_load(file, &subject->model, &error) != FV_OK ||
        read_recipe(subject->model, &subject->recipe, &error) != FV_OK) {
        return cli_fail(&error);
    }
    if (!subject->recipe && options->set_count) {
        cli_say("%s was made without a recipe, so that there is nothing to --set", file);
        return CLI_USAGE;
    }
    return subject->recipe ? cli_recipe_apply(options, false, subject->recipe) : CLI_OK;
}

static bool is_complete(const fv_recipe *recipe) {
    const fv_recipe_info *info = fv_recipe_get_info(recipe);
    return info->weights && !info->weights_layer;
}

// A recipe that begins with trained weights of all layers is as good as a model.
static int load_recipe(const char *name, const cli_options *options, cli_subject *subject) {
    fv_error error;
    int code = cli_recipe_open(name, options, &subject->recipe);
    if (code == CLI_OK && !is_complete(subject->recipe)) {
        code = explain_missing(name, name);
    } else if (code == CLI_OK) {
        code = fv_model_create_from_recipe(subject->recipe, options->seed, &subject->model, &error) == FV_OK
                   ? CLI_OK
                   : cli_fail(&error);
    }
    if (code == CLI_OK) {
    } else {
        cli_subject_free(subject);
    }
    return code;
}

int cli_subject_load(const char *path, const cli_options *options, cli_subject *subject) {
    *subject = (cli_subject){0};
    if (is_recipe(path)) {
        return load_recipe(path, options, subject);
    }
    char *file = model_path(path);
    if (!file) {
        return cli_fail_memory();
    }
    int code = fv__file_exists(file) ? load(file, options, subject) : explain_missing(path, file);
    fv__free(file);
    if (code != CLI_OK) {
        cli_subject_free(subject);
    }
    return code;
}

// Whether the argument means a model file or a run folder; a built-in recipe's name comes first.
static bool is_model(const char *argument) {
    return !is_builtin(argument) && (fv__folder_exists(argument) || has_ending(argument, ".safetensors") ||
                                     (fv__file_exists(argument) && !has_ending(argument, ".yaml")));
}

int cli_subject_open(const char *argument, const cli_options *options, cli_subject *subject) {
    if (is_model(argument)) {
        return cli_subject_load(argument, options, subject);
    }
    *subject = (cli_subject){0};
    fv_error error;
    int code = cli_recipe_open(argument, options, &subject->recipe);
    if (code == CLI_OK &&
        fv_model_create_bare(subject->recipe, options->seed, &subject->model, &error) != FV_OK) {
        code = cli_fail(&error);
    }
    if (code == CLI_OK) {
    } else {
        cli_subject_free(subject);
    }
    return code;
}

void cli_subject_free(cli_subject *subject) {
    fv_model_free(subject->model);
    fv_recipe_free(subject->recipe);
    *subject = (cli_subject){0};
}

// --- data

enum { SHOWN = 10 };

static void say_left_out(const fv_dataset *data) {
    const fv_dataset_info *info = fv_dataset_get_info(data);
    for (size_t i = 0; i < info->left_out && i < SHOWN; i++) {
        cli_say("left out: %s", fv_dataset_left_out(data, i));
    }
    if (info->left_out > SHOWN) {
        cli_say("left out: %zu more; `fovea data check %s` names them", info->left_out - SHOWN, info->folder);
    }
}

// The recipe's data, with --path and --strict.
static fv_status open_own(const cli_subject *subject, const cli_options *options, const char *split, fv_dataset **data,
                          fv_error *error) {
    const char *sets[2];
    int count = 0;
    char path[4200];
    if (options->path) {
        snprintf(path, sizeof path, "data.path=%s", options->path);
        sets[count++] = path;
    }
    if (options->strict) {
        sets[count++] = "data.strict=true";
    }
    fv_status status = fv_recipe_set_all(subject->recipe, sets, count, error);
    return status ? status : fv_recipe_open_dataset(subject->recipe, split, subject->model, data, error);
}

int cli_subject_data(const cli_subject *subject, const char *split, const cli_options *options, fv_dataset **data) {
    fv_error error;
    *data = NULL;
    if (!options->data && !subject->recipe) {
        cli_say("the model was made without a recipe: say which data set with --data (`fovea data list` shows them)");
        return CLI_USAGE;
    }
    const fv_dataset_options how = {.size = sizeof how,
                                    .path = options->path,
                                    .strict = options->strict,
                                    .limit = subject->recipe ? fv_recipe_get_info(subject->recipe)->data_limit : 0,
                                    .threads = options->threads};
    const fv_status status = options->data
                                 ? fv_model_open_dataset(subject->model, options->data, split, &how, data, &error)
                                 : open_own(subject, options, split, data, &error);
    if (status) {
        return cli_fail(&error);
    }
    if (!options->quiet) {
        say_left_out(*data);
    }
    return CLI_OK;
}
