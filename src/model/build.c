// SPDX-License-Identifier: Apache-2.0
// A model made in code: fv_model_create, then fv_model_add for each layer.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "model/model.h"

// {size: [height, width, channels], normalize: …}
static fv__value *describe_input(fv__document *document, const int size[3], const char *normalize) {
    fv__value *map = fv__value_new(document, FV__VALUE_MAP);
    fv__value *list = map ? fv__value_new(document, FV__VALUE_LIST) : NULL;
    for (int i = 0; list && i < 3; i++) {
        fv__value *number = fv__value_int(document, size[i]);
        list = number && !fv__list_add(list, number, NULL) ? list : NULL;
    }
    fv__value *text = list ? fv__value_text(document, normalize) : NULL;
    return text && !fv__map_set(map, "size", list, NULL) && !fv__map_set(map, "normalize", text, NULL) ? map : NULL;
}

fv_status fv_model_create(int height, int width, int channels, const char *normalize, fv_model **out, fv_error *error) {
    *out = NULL;
    if (!normalize || !strcmp(normalize, "dataset")) {
        return fv__fail(
            error, FV_INVALID,
            "normalize must be \"unit\", \"symmetric\" or \"none\"; a data set's own figures need a recipe");
    }
    fv__document *document = fv__document_new("fv_model_create");
    fv__value *input = document ? describe_input(document, (const int[]){height, width, channels}, normalize) : NULL;
    fv_status status = input ? fv__model_begin(input, out, error) : fv__fail_memory(error, "the model");
    if (!status &&
        ((status = fv__model_draw(*out, error)) || (status = fv__model_name_classes(*out, 0, NULL, error)))) {
        fv_model_free(*out);
        *out = NULL;
    }
    fv__document_free(document);
    return status;
}

// The layer, or the list of layers, that the text describes, as a list.
static fv_status parse_layers(const char *text, fv__document **document, const fv__value **list, fv_error *error) {
    fv_status status = fv__document_parse(text, strlen(text), "fv_model_add", document, error);
    if (status) {
        return status;
    }
    fv__value *root = fv__document_root(*document);
    *list = root;
    if (root->kind != FV__VALUE_LIST) {
        fv__value *one = fv__value_new(*document, FV__VALUE_LIST);
        if (!one || fv__list_add(one, root, error)) {
            return fv__fail_memory(error, "a layer");
        }
        *list = one;
    }
    return FV_OK;
}

fv_status fv_model_add(fv_model *model, fv_error *error, const char *layer, ...) {
    va_list arguments, again;
    va_start(arguments, layer);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, layer, arguments);
    char *text = length < 0 ? NULL : fv__alloc((size_t)length + 1);
    if (text) {
        vsnprintf(text, (size_t)length + 1, layer, again);
    }
    va_end(again);
    va_end(arguments);
    fv__document *document = NULL;
    const fv__value *list = NULL;
    fv_status status = text ? parse_layers(text, &document, &list, error) : fv__fail_memory(error, "a layer");
    fv__free(text);
    if (!status) {
        status = fv__model_append(model, list, true, error);
    }
    fv__document_free(document);
    return status;
}
