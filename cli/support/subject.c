#include "support/subject.h"

#include <string.h>

#include "base/memory.h"
#include "data/data.h"
#include "data/folder.h"
#include "formats/file.h"
#include "recipe/builtin.h"
#include "support/recipe.h"

// --- models

static bool has_ending(const char *text, const char *ending) {
    size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}

// Whether the argument means a recipe where a model is asked for.
static bool is_recipe(const char *argument) {
    return !fv__folder_exists(argument) && (fv__builtin_recipe_find(argument) || has_ending(argument, ".yaml"));
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

// The recipe in the metadata of a model file; *recipe stays NULL when there is none.
static fv_status read_recipe(const char *path, fv_recipe **recipe, fv_error *error) {
    fv__tensor_file *file = NULL;
    fv_status status = fv__safetensors_open(path, &file, error);
    const char *text = status == FV_OK ? fv__safetensors_metadata(file, "recipe") : NULL;
    char *source = text ? fv__format("%s: recipe", path) : NULL;
    if (text) {
        status = source ? fv_recipe_parse(text, strlen(text), source, recipe, error) : fv__fail_memory(error, path);
    }
    if (*recipe) {
        status = fv_recipe_set(*recipe, "data.limit=0", error);
    }
    fv__free(source);
    fv__safetensors_close(file);
    return status;
}

static int load(const char *file, const cli_options *options, cli_subject *subject) {
    fv_error error;
    if (fv_model_load(file, &subject->model, &error) != FV_OK || read_recipe(file, &subject->recipe, &error) != FV_OK) {
        return cli_fail(&error);
    }
    if (!subject->recipe && options->set_count) {
        cli_say("%s was made without a recipe, so that there is nothing to --set", file);
        return CLI_USAGE;
    }
    return subject->recipe ? cli_recipe_apply(options, false, subject->recipe) : CLI_OK;
}

// A recipe that begins with trained weights of all layers is as good as a model.
static int load_recipe(const char *name, const cli_options *options, cli_subject *subject) {
    fv_error error;
    int code = cli_recipe_open(name, options, &subject->recipe);
    if (code == CLI_OK && (!subject->recipe->weights.from || subject->recipe->weights.layer)) {
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
    return !fv__builtin_recipe_find(argument) && (fv__folder_exists(argument) || has_ending(argument, ".safetensors") ||
                                                  (fv__file_exists(argument) && !has_ending(argument, ".yaml")));
}

int cli_subject_open(const char *argument, const cli_options *options, cli_subject *subject) {
    if (is_model(argument)) {
        return cli_subject_load(argument, options, subject);
    }
    *subject = (cli_subject){0};
    fv_error error;
    int code = cli_recipe_open(argument, options, &subject->recipe);
    if (code == CLI_OK && fv__recipe_model(subject->recipe, options->seed, &subject->model, &error) != FV_OK) {
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

int cli_subject_settings(const cli_subject *subject, fv__train_settings *settings) {
    fv_error error;
    if (subject->recipe) {
        *settings = subject->recipe->train;
        return CLI_OK;
    }
    return fv__train_settings_read(NULL, settings, &error) == FV_OK ? CLI_OK : cli_fail(&error);
}

// --- data

static fv_status check_fit(const fv_model *model, const fv_dataset *data, fv_error *error) {
    fv_model_info has = *fv_model_get_info(model);
    if (data->height != has.height || data->width != has.width || data->channels != has.channels) {
        return fv__fail(error, FV_INVALID, "%s has images of %d × %d × %d, but the model takes %d × %d × %d",
                        data->name, data->height, data->width, data->channels, has.height, has.width, has.channels);
    }
    if (data->classes != has.classes) {
        return fv__fail(error, FV_INVALID, "%s has %d classes, but the model tells %d apart", data->name, data->classes,
                        has.classes);
    }
    for (int c = 0; c < has.classes && data->resize; c++) { // photographs: whatever the folders are called
        if (strcmp(data->class_names[c], has.class_names[c]) != 0) {
            return fv__fail(error, FV_INVALID, "class %d of %s is '%s', but the model's is '%s'", c, data->folder,
                            data->class_names[c], has.class_names[c]);
        }
    }
    return FV_OK;
}

static bool is_divided(const fv__dataset_info *info, const char *path) {
    fv__folder folder;
    const bool divided = fv__folder_find(info, path, &folder, NULL) != FV_OK || folder.train || folder.validation;
    fv__folder_free(&folder);
    return divided;
}

// Whatever --data and --path name, in the size of the model's input.
static fv_status open_other(const cli_subject *subject, const cli_options *options, const char *split,
                            fv_dataset **data, fv_error *error) {
    const fv_model *model = subject->model;
    const fv__input_settings *input = &model->input_settings;
    const fv__photo_settings photos = {
        .resize = {.mode = input->resize, .height = input->size.values[0], .width = input->size.values[1]},
        .channels = input->size.values[2],
        .threads = options->threads,
        .strict = options->strict};
    bool folder = cli_is_photos(options->data);
    const fv__dataset_info *info = folder ? &fv__folder_info : fv__dataset_info_find(options->data, error);
    const char *path = options->path ? options->path : folder ? options->data : NULL;
    const fv__data_settings settings = {.info = info,
                                        .path = path,
                                        .photos = photos,
                                        .limit = subject->recipe ? subject->recipe->data.limit : 0,
                                        .validation = FV__VALIDATE_NONE};
    if (!info) {
        return FV_NOT_FOUND;
    }
    // A folder that is not divided is the test set as it is.
    return fv__data_open_split(&settings, folder && !is_divided(info, path) ? "train" : split, data, error);
}

int cli_subject_data(const cli_subject *subject, const char *split, const cli_options *options, fv_dataset **data) {
    fv_recipe *recipe = subject->recipe;
    fv_error error;
    *data = NULL;
    if (!options->data && !recipe) {
        cli_say("the model was made without a recipe: say which data set with --data (`fovea data list` shows them)");
        return CLI_USAGE;
    }
    fv_status status;
    if (options->data) {
        status = open_other(subject, options, split, data, &error);
    } else {
        fv__data_settings settings = recipe->data;
        settings.path = options->path ? options->path : settings.path;
        settings.photos.strict = settings.photos.strict || options->strict;
        status = fv__data_open_split(&settings, split, data, &error);
    }
    if (status == FV_OK) {
        status = check_fit(subject->model, *data, &error);
    }
    if (status != FV_OK) {
        fv_dataset_free(*data);
        *data = NULL;
        return cli_fail(&error);
    }
    if (!options->quiet) {
        cli_tell_left_out(*data);
    }
    return CLI_OK;
}
