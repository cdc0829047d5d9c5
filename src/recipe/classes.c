// SPDX-License-Identifier: Apache-2.0
#include "recipe/classes.h"

#include <string.h>

// {units: classes}, or {dense: classes}.
static bool is_named(const fv__value *map, size_t item) {
    const char *key = map->kind == FV__VALUE_MAP ? map->keys[item].name : "";
    const fv__value *value = map->items[item];
    return (strcmp(key, "units") == 0 || strcmp(key, "dense") == 0) && value->kind == FV__VALUE_SCALAR &&
           strcmp(value->text, "classes") == 0;
}

bool fv__classes_named(const fv__value *layers) {
    bool named = false;
    for (size_t i = 0; i < layers->count && !named; i++) {
        named = is_named(layers, i) || fv__classes_named(layers->items[i]);
    }
    return named;
}

fv_status fv__classes_fill(fv__value *layers, int classes, fv_error *error) {
    fv_status status = FV_OK;
    for (size_t i = 0; i < layers->count && !status; i++) {
        if (is_named(layers, i)) {
            fv__value *number = fv__value_int(layers->document, classes);
            status = number ? fv__map_set(layers, layers->keys[i].name, number, error)
                            : fv__fail_memory(error, "the recipe");
        } else {
            status = fv__classes_fill(layers->items[i], classes, error);
        }
    }
    return status;
}
