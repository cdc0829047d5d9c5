// SPDX-License-Identifier: Apache-2.0
// From a list of layers as written to nodes of a graph: finds the type, reads its options, names the layer and lets the
// type build. Also the small helpers that build functions share.
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "layers/layer.h"

static const fv__layer_type *const types[] = {
#define X(name) &fv__layer_##name,
    FV__LAYER_LIST(X)
#undef X
        NULL};

static const char *const type_names[] = {
#define X(name) #name,
    FV__LAYER_LIST(X)
#undef X
        NULL};

const fv__layer_type *fv__layer_type_at(int index) {
    return types[index];
}

const fv__layer_type *fv__layer_type_find(const char *name) {
    for (int i = 0; types[i]; i++) {
        if (!strcmp(types[i]->name, name)) {
            return types[i];
        }
    }
    return NULL;
}

// --- Names

static bool is_taken(const fv__builder *builder, const char *name) {
    for (int i = 0; i < builder->entry_count; i++) {
        if (!strcmp(builder->entries[i].name, name)) {
            return true;
        }
    }
    return false;
}

static const char *given_name(const fv__layer_type *type, const void *options) {
    for (const fv__option *option = type->options; option && option->name; option++) {
        if (!strcmp(option->name, "name")) {
            const char *name;
            memcpy(&name, (const char *)options + option->offset, sizeof name);
            return name;
        }
    }
    return NULL;
}

static fv_status check_given_name(const fv__builder *builder, const fv__layer_type *type, const char *name,
                                  fv_error *error) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    size_t length = strlen(name);
    if (length == 0 || length > FV__MAX_LAYER_NAME || strspn(name, allowed) != length) {
        return fv__fail(error, FV_INVALID,
                        "%s.name: '%.40s' cannot name a layer: use up to %d letters, digits, '_', '-' and '.'",
                        type->name, name, FV__MAX_LAYER_NAME);
    }
    if (!builder->repeats && is_taken(builder, name)) {
        return fv__fail(error, FV_INVALID, "%s.name: a layer before is called %s already; names must differ",
                        type->name, name);
    }
    return FV_OK;
}

// The number of a layer called `base` (0) or base_NUMBER; -1 for other names.
static int number_of(const char *name, const char *base) {
    size_t length = strlen(base);
    int number;
    if (strncmp(name, base, length)) {
        return -1;
    }
    if (!name[length]) {
        return 0;
    }
    return name[length] == '_' && fv__parse_int(name + length + 1, &number) && number > 0 ? number : -1;
}

// `base`, or with _1, _2, … the first that is free. NULL when out of memory.
static char *free_name(const fv__builder *builder, const char *base) {
    bool *taken = fv__alloc_array((size_t)builder->entry_count + 1, sizeof *taken);
    int first = 0;
    if (!taken) {
        return NULL;
    }
    for (int i = 0; i < builder->entry_count; i++) {
        int number = number_of(builder->entries[i].name, base);
        if (number >= 0 && number < builder->entry_count) {
            taken[number] = true;
        }
    }
    while (taken[first]) { // at the latest the last, which is never taken
        first++;
    }
    fv__free(taken);
    return first ? fv__format("%s_%d", base, first) : fv__strdup(base);
}

// --- Layers

static bool reserve_entry(fv__builder *builder) {
    if (builder->entry_count < builder->entry_capacity) {
        return true;
    }
    int capacity = builder->entry_capacity ? 2 * builder->entry_capacity : 16;
    void *grown = fv__realloc(builder->entries, (size_t)capacity * sizeof *builder->entries);
    if (grown) {
        builder->entries = grown;
        builder->entry_capacity = capacity;
    }
    return grown != NULL;
}

// Enters the layer in the list and lets its type build it.
static fv_status build_entry(fv__builder *builder, const fv__layer_type *type, const void *options, int input,
                             int *output, fv_error *error) {
    const char *given = given_name(type, options);
    fv_status status = given ? check_given_name(builder, type, given, error) : FV_OK;
    if (status) {
        return status;
    }
    if (builder->entry_count >= FV__MAX_LAYERS) {
        return fv__fail(error, FV_INVALID, "more than %d layers; repeat fewer times", FV__MAX_LAYERS);
    }
    char *name = free_name(builder, given ? given : type->name);
    if (!name || !reserve_entry(builder)) {
        fv__free(name);
        return fv__fail_memory(error, "the layers");
    }
    int index = builder->entry_count++;
    builder->entries[index] = (fv__layer_entry){.name = name,
                                                .type = type,
                                                .depth = builder->depth,
                                                .first_node = builder->graph->node_count,
                                                .output = input,
                                                .first_parameter = builder->graph->parameter_count};
    const char *outer = builder->layer;
    builder->layer = name;
    builder->depth++;
    status = type->build(builder, options, input, output, error);
    builder->depth--;
    builder->layer = outer;
    if (!status) {
        fv__layer_entry *entry = &builder->entries[index];
        entry->output = *output;
        entry->parameter_count = builder->graph->parameter_count - entry->first_parameter;
    }
    return status;
}

static fv_status build_layer(fv__builder *builder, const fv__value *item, int input, int *output, fv_error *error) {
    const char *name;
    const fv__value *arguments;
    fv_status status = fv__value_named(item, "a layer", &name, &arguments, error);
    if (status) {
        builder->located = true;
        return status;
    }
    const fv__layer_type *type = fv__layer_type_find(name);
    if (!type) {
        char known[400];
        return fv__fail(error, FV_INVALID, "no layer is called '%.40s'; %s", name,
                        fv__suggest_name(known, sizeof known, name, type_names));
    }
    void *options = fv__alloc(type->options_size);
    if (!options) {
        return fv__fail_memory(error, "a layer's options");
    }
    const fv__value nothing = {
        .kind = FV__VALUE_NULL, .line = item->line, .source = item->source, .text = "", .document = item->document};
    status = fv__options_read(type->options, arguments ? arguments : &nothing, name, options, error);
    builder->located = status != FV_OK;
    if (!status) {
        status = build_entry(builder, type, options, input, output, error);
    }
    fv__free(options);
    return status;
}

fv_status fv__layers_build(fv__builder *builder, const fv__value *list, int input, int *output, fv_error *error) {
    if (!list || list->kind != FV__VALUE_LIST || list->count == 0) {
        char found[64];
        builder->located = true;
        return fv__value_fail(error, list, "%s%sexpected a list of layers ('- dense: {units: 10}'), found %s",
                              builder->layer ? builder->layer : "", builder->layer ? ": " : "",
                              fv__value_describe(list, found, sizeof found));
    }
    for (size_t i = 0; i < list->count; i++) {
        const fv__value *item = list->items[i];
        fv_status status = build_layer(builder, item, input, &input, error);
        if (status) {
            if (!builder->located && item->line) {
                status = fv__fail_in(error, status, "%s:%d", item->source, item->line);
            }
            builder->located = true;
            return status;
        }
    }
    *output = input;
    return FV_OK;
}

void fv__layer_entries_truncate(fv__layer_entry **entries, int *entry_count, int count) {
    while (*entry_count > count) {
        fv__free((*entries)[--*entry_count].name);
    }
    if (count == 0) {
        fv__free(*entries);
        *entries = NULL;
    }
}
