// SPDX-License-Identifier: Apache-2.0
// A recipe with every key written out: what a run folder keeps, and by which a checkpoint knows its recipe again.
#include <string.h>

#include "base/memory.h"
#include "recipe/classes.h"
#include "recipe/recipe.h"

static fv_status resolve_layers(const fv__value *list, fv__document *document, fv__value **out, fv_error *error);

// Replaces the lists of layers among a layer's options by resolved ones.
static fv_status resolve_inside(const fv__layer_type *type, fv__value *options, fv_error *error) {
    for (const fv__option *option = type->options; option->name; option++) {
        const fv__value *list = option->kind == FV__LIST ? fv__map_get(options, option->name) : NULL;
        if (list && strcmp(option->name, "layers") == 0) {
            fv__value *inside;
            fv_status status = resolve_layers(list, options->document, &inside, error);
            if (!status) {
                status = fv__map_set(options, option->name, inside, error);
            }
            if (status) {
                return status;
            }
        }
    }
    return FV_OK;
}

static fv_status resolve_options(const fv__layer_type *type, const fv__value *arguments, fv__document *document,
                                 fv__value **options, fv_error *error) {
    void *target = fv__alloc(type->options_size);
    if (!target) {
        return fv__fail_memory(error, "the recipe");
    }
    fv_status status = fv__options_read(type->options, arguments ? arguments : fv__document_nothing(document),
                                        type->name, target, error);
    if (!status) {
        status = fv__options_write(type->options, target, document, options, error);
    }
    if (!status) {
        status = resolve_inside(type, *options, error);
    }
    fv__free(target);
    return status;
}

// `flatten`, or {dense: {units: 10, ...}}.
static fv_status resolve_layer(const fv__value *layer, fv__document *document, fv__value **out, fv_error *error) {
    const char *name;
    const fv__value *arguments;
    fv__value *options = NULL;
    fv_status status = fv__value_named(layer, "a layer", &name, &arguments, error);
    const fv__layer_type *type = status ? NULL : fv__layer_type_find(name);
    if (!status && !type) {
        status = fv__value_fail(error, layer, "there is no layer '%.80s'", name);
    }
    if (!status && type->options) {
        status = resolve_options(type, arguments, document, &options, error);
    }
    if (status) {
        return status;
    }
    bool plain = !options || !options->count;
    *out = plain ? fv__value_text(document, name) : fv__value_new(document, FV__VALUE_MAP);
    if (!*out) {
        return fv__fail_memory(error, "the recipe");
    }
    return plain ? FV_OK : fv__map_set(*out, name, options, error);
}

static fv_status resolve_layers(const fv__value *list, fv__document *document, fv__value **out, fv_error *error) {
    fv__value *resolved = fv__value_new(document, FV__VALUE_LIST);
    fv_status status = resolved ? FV_OK : fv__fail_memory(error, "the recipe");
    for (size_t i = 0; i < list->count && !status; i++) {
        fv__value *layer;
        status = resolve_layer(list->items[i], document, &layer, error);
        if (!status) {
            status = fv__list_add(resolved, layer, error);
        }
    }
    *out = resolved;
    return status;
}

// As many classes as the data have, where the model goes by them: the folder of photographs tells.
static fv_status resolve_model(const fv_recipe *recipe, fv__document *document, fv__value **out, fv_error *error) {
    int classes = 0;
    fv__value *layers = fv__value_copy(document, recipe->layers);
    fv_status status = layers ? FV_OK : fv__fail_memory(error, "the recipe");
    if (!status && fv__classes_named(layers)) {
        status = fv__data_count_classes(&recipe->data, &classes, error);
        if (!status) {
            status = fv__classes_fill(layers, classes, error);
        }
    }
    return status ? status : resolve_layers(layers, document, out, error);
}

static fv_status resolve_input(const fv__value *input, fv__document *document, fv__value **out, fv_error *error) {
    fv__input_settings settings;
    fv_status status = fv__options_read(fv__input_options, input, "input", &settings, error);
    return status ? status : fv__options_write(fv__input_options, &settings, document, out, error);
}

fv_status fv__recipe_resolve(const fv_recipe *recipe, fv__text *text, fv_error *error) {
    enum { DATA, INPUT, AUGMENT, MODEL, WEIGHTS, TRAIN, SECTIONS };
    static const char *const names[SECTIONS] = {"data", "input", "augment", "model", "weights", "train"};
    fv__value *sections[SECTIONS] = {NULL};
    fv__document *document = fv__document_new(recipe->source);
    fv__value *root = document ? fv__value_new(document, FV__VALUE_MAP) : NULL;
    fv_status status = root ? FV_OK : fv__fail_memory(error, "the recipe");
    if (!status) {
        status = fv__data_settings_write(&recipe->data, document, &sections[DATA], error);
    }
    if (!status) {
        status = resolve_input(recipe->input, document, &sections[INPUT], error);
    }
    if (!status) {
        status = fv__augmentations_write(&recipe->augmentations, document, &sections[AUGMENT], error);
    }
    if (!status) {
        status = resolve_model(recipe, document, &sections[MODEL], error);
    }
    if (!status && recipe->weights.from) { // left out where there are none
        status = fv__options_write(fv__weights_options, &recipe->weights, document, &sections[WEIGHTS], error);
    }
    if (!status) {
        status = fv__train_settings_write(&recipe->train, document, &sections[TRAIN], error);
    }
    for (int i = 0; i < SECTIONS && !status; i++) {
        status = sections[i] ? fv__map_set(root, names[i], sections[i], error) : FV_OK;
    }
    if (!status) {
        status = fv__value_emit(root, text, error);
    }
    if (!status && text->failed) {
        status = fv__fail_memory(error, "the recipe");
    }
    fv__document_free(document);
    return status;
}
