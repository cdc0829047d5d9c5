// SPDX-License-Identifier: Apache-2.0
// Reading values of a document's tree, and complaining about them with file and line.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "formats/yaml.h"
#include "formats/yaml_tree.h"

bool fv__is_null(const fv__value *value) {
    return !value || value->kind == FV__VALUE_NULL;
}

fv__value *fv__map_get(const fv__value *map, const char *key) {
    if (map && map->kind == FV__VALUE_MAP) {
        for (size_t i = 0; i < map->count; i++) {
            if (!strcmp(map->keys[i].name, key)) {
                return map->items[i];
            }
        }
    }
    return NULL;
}

fv_status fv__value_named(const fv__value *value, const char *what, const char **name, const fv__value **arguments,
                          fv_error *error) {
    if (value && value->kind == FV__VALUE_SCALAR) {
        *name = value->text;
        *arguments = NULL;
        return FV_OK;
    }
    if (value && value->kind == FV__VALUE_MAP && value->count == 1) {
        *name = value->keys[0].name;
        *arguments = value->items[0];
        return FV_OK;
    }
    if (value && value->kind == FV__VALUE_MAP && value->count > 1) {
        return fv__key_fail(error, &value->keys[1],
                            "expected %s as one name with its options, found two: '%s' and '%s' (leave one out; or, "
                            "if one is an option of the other: '%s: {%s%s: ...}')",
                            what, value->keys[0].name, value->keys[1].name, value->keys[0].name,
                            value->items[0]->kind == FV__VALUE_SCALAR ? "..., " : "", value->keys[1].name);
    }
    char found[64];
    return fv__value_fail(error, value, "expected %s ('name' or 'name: {option: ...}'), found %s", what,
                          fv__value_describe(value, found, sizeof found));
}

bool fv__value_equal(const fv__value *a, const fv__value *b) {
    if (fv__is_null(a) || fv__is_null(b)) {
        return fv__is_null(a) && fv__is_null(b);
    }
    if (a->kind != b->kind || a->count != b->count || strcmp(a->text, b->text)) {
        return false;
    }
    if (a->kind == FV__VALUE_SCALAR && a->quoted != b->quoted && fv__means_more_than_text(a->text)) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (a->kind == FV__VALUE_MAP && strcmp(a->keys[i].name, b->keys[i].name)) {
            return false;
        }
        if (!fv__value_equal(a->items[i], b->items[i])) {
            return false;
        }
    }
    return true;
}

const char *fv__value_describe(const fv__value *value, char *buffer, size_t size) {
    if (fv__is_null(value)) {
        snprintf(buffer, size, "nothing");
    } else if (value->kind == FV__VALUE_LIST) {
        snprintf(buffer, size, "a list of %zu", value->count);
    } else if (value->kind == FV__VALUE_MAP) {
        snprintf(buffer, size, "a map");
    } else {
        snprintf(buffer, size, "%s'%.40s%s'", value->quoted ? "the text " : "", value->text,
                 strlen(value->text) > 40 ? "..." : "");
    }
    return buffer;
}

// --- messages

__attribute__((format(printf, 4, 0))) static fv_status fail_at(fv_error *error, const char *source, int line,
                                                               const char *format, va_list arguments) {
    char sentence[sizeof error->message];
    vsnprintf(sentence, sizeof sentence, format, arguments);
    return line ? fv__fail(error, FV_INVALID, "%s:%d: %s", source, line, sentence)
                : fv__fail(error, FV_INVALID, "%s%s%s", source, *source ? ": " : "", sentence);
}

fv_status fv__value_fail(fv_error *error, const fv__value *value, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fv_status status = fail_at(error, value ? value->source : "", value ? value->line : 0, format, arguments);
    va_end(arguments);
    return status;
}

fv_status fv__key_fail(fv_error *error, const fv__key *key, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fv_status status = fail_at(error, key->source, key->line, format, arguments);
    va_end(arguments);
    return status;
}
