#include "support/subject.h"

#include <stdlib.h>
#include <string.h>

#include "data/folder.h"
#include "recipe/recipe.h"
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
    return cli_check(fv__recipe_model(subject->recipe, source->seed, &subject->model, &error), &error);
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

static fv_status check_fit(const fv_model *model, const fv_dataset *data, fv_error *error) {
    const fv_model_info *has = fv_model_get_info(model);
    if (data->height != has->height || data->width != has->width || data->channels != has->channels) {
        return fv__fail(error, FV_INVALID, "%s has images of %d × %d × %d, but the model takes %d × %d × %d",
                        data->name, data->height, data->width, data->channels, has->height, has->width, has->channels);
    }
    if (data->classes != has->classes) {
        return fv__fail(error, FV_INVALID, "%s has %d classes, but the model has %d", data->name, data->classes,
                        has->classes);
    }
    for (int c = 0; c < has->classes && data->resize; c++) { // of photographs: folders may be called anything
        if (strcmp(data->class_names[c], has->class_names[c]) != 0) {
            return fv__fail(error, FV_INVALID, "class %d of %s is '%s', but the model's is '%s'", c, data->folder,
                            data->class_names[c], has->class_names[c]);
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

// The set that --data and --path name, in the size of the model's input.
static fv_status open_other(const cli_subject *subject, const cli_source *source, const char *split, fv_dataset **data,
                            fv_error *error) {
    const fv_model *model = subject->model;
    const fv__input_settings *input = &model->input_settings;
    const fv__photo_settings photos = {
        .resize = {.mode = input->resize, .height = input->size.values[0], .width = input->size.values[1]},
        .channels = input->size.values[2],
        .threads = source->threads,
        .strict = source->strict};
    const bool folder = cli_is_photos(source->data);
    const fv__dataset_info *info = folder ? &fv__folder_info : fv__dataset_info_find(source->data, error);
    const char *path = source->path ? source->path : folder ? source->data : NULL;
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

static fv_status open_own(const cli_subject *subject, const cli_source *source, const char *split, fv_dataset **data,
                          fv_error *error) {
    fv__data_settings settings = subject->recipe->data;
    settings.path = source->path ? source->path : settings.path;
    settings.photos.strict = settings.photos.strict || source->strict;
    return fv__data_open_split(&settings, split, data, error);
}

int cli_subject_data(const cli_subject *subject, const char *split, const cli_source *source, fv_dataset **data) {
    fv_error error;
    *data = NULL;
    if (!source->data && !subject->recipe) {
        cli_say("the model was made without a recipe: say which data set with --data (`fovea data list` shows them)");
        return CLI_USAGE;
    }
    fv_status status = source->data ? open_other(subject, source, split, data, &error)
                                    : open_own(subject, source, split, data, &error);
    if (!status) {
        status = check_fit(subject->model, *data, &error);
    }
    if (status) {
        fv_dataset_free(*data);
        *data = NULL;
    } else if (!source->quiet) {
        cli_say_left_out(*data);
    }
    return cli_check(status, &error);
}
