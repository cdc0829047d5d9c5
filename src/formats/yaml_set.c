// SPDX-License-Identifier: Apache-2.0
// One value at a dotted path, as `--set train.epochs=2` asks for.
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "formats/yaml.h"
#include "formats/yaml_tree.h"

// A path on its way down.
typedef struct path_walk {
    fv__document *document;
    const char *source; // "--set train.epochs=2", in the document
    const char *path;
    const char *at;   // the part that is looked up now
    size_t length;    // of that part
    fv__value **slot; // where the value it is looked up in hangs
    fv_error *error;
} path_walk;

// Names what the path has reached so far, for a message: "'train.optimizer'" or "the recipe".
static const char *reached(const path_walk *walk, char *buffer, size_t size) {
    int length = (int)(walk->at - walk->path) - 1;
    snprintf(buffer, size, length > 0 ? "'%.*s'" : "the document", length > 120 ? 120 : length, walk->path);
    return buffer;
}

static fv__value *new_value(const path_walk *walk, fv__value_kind kind) {
    fv__value *value = fv__value_new(walk->document, kind);
    if (value) {
        value->source = walk->source;
    }
    return value;
}

// Adds the present part as a key with a null value and moves to it.
static fv_status add_key(path_walk *walk) {
    fv__value *map = *walk->slot, *item = new_value(walk, FV__VALUE_NULL);
    const char *name = fv__document_text(walk->document, walk->at, walk->length);
    if (!item || !name) {
        return fv__fail_memory(walk->error, walk->source);
    }
    fv_status status = fv__map_add(map, (fv__key){.name = name, .source = walk->source}, item, walk->error);
    if (!status) {
        walk->slot = &map->items[map->count - 1];
    }
    return status;
}

static bool is_part(const path_walk *walk, const char *name) {
    return strlen(name) == walk->length && !memcmp(name, walk->at, walk->length);
}

static fv_status step_into_map(path_walk *walk) {
    fv__value *map = *walk->slot;
    for (size_t i = 0; i < map->count; i++) {
        if (is_part(walk, map->keys[i].name)) {
            walk->slot = &map->items[i];
            return FV_OK;
        }
    }
    return add_key(walk);
}

static fv_status step_into_list(path_walk *walk) {
    fv__value *list = *walk->slot;
    char name[256], digits[16] = "";
    int index = -1;
    if (walk->length < sizeof digits) {
        memcpy(digits, walk->at, walk->length);
    }
    if (fv__parse_int(digits, &index) && index >= 0 && (size_t)index < list->count) {
        walk->slot = &list->items[index];
        return FV_OK;
    }
    if (!list->count) {
        return fv__fail(walk->error, FV_INVALID, "%s: %s is an empty list", walk->source,
                        reached(walk, name, sizeof name));
    }
    return fv__fail(walk->error, FV_INVALID, "%s: %s is a list; expected the number of an item, 0 to %zu, not '%.*s'",
                    walk->source, reached(walk, name, sizeof name), list->count - 1,
                    walk->length > 80 ? 80 : (int)walk->length, walk->at);
}

static fv_status step(path_walk *walk) {
    fv__value *value = *walk->slot;
    if (value->kind == FV__VALUE_LIST) {
        return step_into_list(walk);
    }
    if (value->kind == FV__VALUE_MAP) {
        return step_into_map(walk);
    }
    bool bare_name = value->kind == FV__VALUE_SCALAR && !value->quoted && is_part(walk, value->text);
    if (value->kind == FV__VALUE_SCALAR && !bare_name) {
        char name[256], found[64];
        return fv__fail(walk->error, FV_INVALID, "%s: %s is %s, which has nothing inside; expected a map or a list",
                        walk->source, reached(walk, name, sizeof name), fv__value_describe(value, found, sizeof found));
    }
    fv__value *map = new_value(walk, FV__VALUE_MAP);
    if (!map) {
        return fv__fail_memory(walk->error, walk->source);
    }
    *walk->slot = map;
    return add_key(walk);
}

// The number of parts of a path, or 0 when one of them is empty.
static int count_parts(const char *path) {
    int parts = 1;
    for (const char *letter = path; *letter; letter++) {
        if (*letter == '.') {
            parts++;
            if (letter == path || letter[1] == '.') {
                return 0;
            }
        }
    }
    size_t length = strlen(path);
    return length && path[length - 1] != '.' ? parts : 0;
}

static const char *name_source(fv__document *document, const char *path, const char *text) {
    char *source = fv__format("--set %.120s=%.60s%s", path, text, strlen(text) > 60 ? "..." : "");
    const char *kept = source ? fv__document_text(document, source, strlen(source)) : NULL;
    fv__free(source);
    return kept;
}

fv_status fv__document_set(fv__document *document, const char *path, const char *text, fv_error *error) {
    path_walk walk = {.document = document, .path = path, .at = path, .error = error};
    walk.source = name_source(document, path, text);
    if (!walk.source) {
        return fv__fail_memory(error, "--set");
    }
    int parts = fv__is_utf8(path) ? count_parts(path) : 0;
    if (!parts || parts > FV__YAML_DEPTH) {
        return fv__fail(error, FV_INVALID, "%s: expected a path of keys with dots between, like train.epochs",
                        walk.source);
    }
    fv__value *value;
    fv__yaml_place place = {.source = walk.source, .lines = false, .depth = parts};
    fv_status status = fv__yaml_parse(document, text, strlen(text), place, &value, error);
    fv__value *root = fv__document_root(document);
    walk.slot = &root;
    while (!status && walk.at) {
        const char *dot = strchr(walk.at, '.');
        walk.length = dot ? (size_t)(dot - walk.at) : strlen(walk.at);
        status = step(&walk);
        fv__document_set_root(document, root);
        walk.at = dot ? dot + 1 : NULL;
    }
    if (!status) {
        *walk.slot = value;
    }
    return status;
}

fv_status fv__document_assign(fv__document *document, const char *assignment, fv_error *error) {
    const char *equals = strchr(assignment, '=');
    if (!equals) {
        return fv__fail(error, FV_INVALID, "--set %.200s: expected key=value, like train.epochs=2", assignment);
    }
    char *path = fv__strndup(assignment, (size_t)(equals - assignment));
    if (!path) {
        return fv__fail_memory(error, "--set");
    }
    fv_status status = fv__document_set(document, path, equals + 1, error);
    fv__free(path);
    return status;
}
