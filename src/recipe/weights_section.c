// SPDX-License-Identifier: Apache-2.0
// `weights:` of a recipe: what a model begins with instead of drawn weights.
#include "recipe/pretrained.h"

#include <stddef.h>

#include "base/memory.h"

const fv__option fv__weights_options[] = {
    {.name = "from",
     .kind = FV__TEXT,
     .offset = offsetof(fv__weights_settings, from),
     .required = true,
     .primary = true,
     .sentence = "Name of published weights, one of those that `fovea weights list` shows, or the path of a file: "
                 "Keras's .h5 or safetensors."},
    {.name = "layer",
     .kind = FV__TEXT,
     .offset = offsetof(fv__weights_settings, layer),
     .sentence = "Name of the layer that they are for, with those inside it; all others are drawn. Without it they are "
                 "for the whole model. Every weight of it must be in the file."},
    {.name = "map",
     .kind = FV__LIST,
     .offset = offsetof(fv__weights_settings, map),
     .default_text = "[]",
     .sentence = "What arrays of the file are called here: a list of THEIRS=OURS, as `fovea import --map` takes it."},
    {0}};

fv_status fv__weights_settings_read(const fv__value *section, fv__weights_settings *settings, fv_error *error) {
    *settings = (fv__weights_settings){0};
    if (fv__is_null(section)) {
        return FV_OK;
    }
    fv_status status = fv__options_read(fv__weights_options, section, "weights", settings, error);
    for (size_t i = 0; !status && i < settings->map->count; i++) {
        if (settings->map->items[i]->kind != FV__VALUE_SCALAR) {
            status = fv__value_fail(error, settings->map->items[i], "weights.map: each rule is a text: 'THEIRS=OURS'");
        }
    }
    return status;
}

fv_status fv__weights_look(const fv__weights_settings *settings, fv_error *error) {
    char *path = NULL;
    fv_status status = settings->from ? fv__pretrained_path(settings->from, &path, error) : FV_OK;
    fv__free(path);
    return status;
}

// Weights of all layers bring the names of their classes along, where those are known.
static fv_status name_classes(const fv__weights_settings *settings, fv_model *model, fv_error *error) {
    const fv__pretrained *known = fv__pretrained_find(settings->from, NULL);
    char *path = NULL;
    if (settings->layer || !known) {
        return FV_OK;
    }
    fv_status status = fv__pretrained_classes(known, &path, error);
    if (!status && path) {
        status = fv__model_read_classes(model, path, error);
    }
    fv__free(path);
    return status;
}

fv_status fv__weights_load(const fv__weights_settings *settings, fv_model *model, fv_error *error) {
    fv__weights weights;
    fv__import import = {0};
    char *path = NULL;
    if (!settings->from) {
        return FV_OK;
    }
    fv_status status = fv__pretrained_read(settings->from, &weights, &path, error);
    for (size_t i = 0; !status && i < settings->map->count; i++) {
        status = fv__weights_map(&weights, settings->map->items[i]->text, error);
    }
    if (!status) {
        status = fv__weights_turn(&weights, error);
    }
    if (!status) {
        status = fv__import_match(model, &weights, settings->layer, &import, error);
    }
    if (!status) {
        status = fv__import_check(model, &weights, &import, path, error);
    }
    if (!status) {
        fv__import_apply(model, &weights, &import);
        status = name_classes(settings, model, error);
    }
    fv__import_free(&import);
    fv__weights_free(&weights);
    fv__free(path);
    return status;
}
