// SPDX-License-Identifier: Apache-2.0
// A data set for a model that is there: in the size of its input, with its classes. The classes of photographs are
// matched by name, so folders may be in another order, and a class without a folder has no samples.
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "data/dataset.h"
#include "image/resize.h"
#include "model/model.h"
#include "recipe/recipe.h"

static fv_status check_shape(const fv_model_info *model, const fv_dataset_info *data, fv_error *error) {
    if (data->height != model->height || data->width != model->width || data->channels != model->channels) {
        return fv__fail(error, FV_INVALID, "%s has images of %d × %d × %d, but the model takes %d × %d × %d",
                        data->name, data->height, data->width, data->channels, model->height, model->width,
                        model->channels);
    }
    return FV_OK;
}

static int find_class(const fv_model_info *model, const char *name) {
    for (int c = 0; c < model->classes; c++) {
        if (strcmp(model->class_names[c], name) == 0) {
            return c;
        }
    }
    return -1;
}

static bool has_same_classes(const fv_model_info *model, const fv_dataset_info *data) {
    bool same = data->classes == model->classes;
    for (int c = 0; same && c < data->classes; c++) {
        same = strcmp(data->class_names[c], model->class_names[c]) == 0;
    }
    return same;
}

// Every class of the data must be one of the model's.
static fv_status match_classes(const fv_model_info *model, fv_dataset **data, fv_error *error) {
    const fv_dataset_info *info = fv_dataset_get_info(*data);
    fv_dataset *matched;
    fv_status status = FV_OK;
    int32_t *label_of = fv__alloc_array((size_t)info->classes, sizeof *label_of);
    FV__TRY_OR_DONE(label_of ? FV_OK : fv__fail_memory(error, info->name));
    for (int c = 0; c < info->classes; c++) {
        label_of[c] = find_class(model, info->class_names[c]);
        if (label_of[c] < 0) {
            FV__TRY_OR_DONE(fv__fail(error, FV_INVALID,
                                     "class '%s' of %s is not one of the model's %d classes ('%s', …): rename the "
                                     "folder, or leave it out",
                                     info->class_names[c], info->folder, model->classes, model->class_names[0]));
        }
    }
    const fv__labelling labelling = {model->classes, model->class_names, label_of};
    FV__TRY_OR_DONE(fv__dataset_relabel(*data, &labelling, &matched, error));
    fv_dataset_free(*data);
    *data = matched;
done:
    fv__free(label_of);
    return status;
}

static fv_status fit_dataset(const fv_model *model, fv_dataset **data, fv_error *error) {
    const fv_model_info *has = fv_model_get_info(model);
    const fv_dataset_info *info = fv_dataset_get_info(*data);
    FV__TRY(check_shape(has, info, error));
    if (info->resize && !has_same_classes(has, info)) { // photographs
        return match_classes(has, data, error);
    }
    if (info->classes != has->classes) {
        return fv__fail(error, FV_INVALID, "%s has %d classes, but the model has %d", info->name, info->classes,
                        has->classes);
    }
    return FV_OK;
}

fv_status fv_model_open_dataset(const fv_model *model, const char *name, const char *split,
                                const fv_dataset_options *options, fv_dataset **out, fv_error *error) {
    *out = NULL;
    FV__TAKE(fv_dataset_options, options, error);
    const fv_model_info *info = fv_model_get_info(model);
    own.height = info->height;
    own.width = info->width;
    own.channels = info->channels;
    own.resize = fv__resize_names[model->input_settings.resize];
    own.undivided = true;
    FV__TRY(fv_dataset_open(name, split, &own, out, error));
    const fv_status status = fit_dataset(model, out, error);
    if (status) {
        fv_dataset_free(*out);
        *out = NULL;
    }
    return status;
}

fv_status fv_recipe_open_dataset(const fv_recipe *recipe, const char *split, const fv_model *model, fv_dataset **out,
                                 fv_error *error) {
    *out = NULL;
    FV__TRY(fv__data_open_split(&recipe->data, split, out, error));
    const fv_status status = model ? fit_dataset(model, out, error) : FV_OK;
    if (status) {
        fv_dataset_free(*out);
        *out = NULL;
    }
    return status;
}
