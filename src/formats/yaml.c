// SPDX-License-Identifier: Apache-2.0
// The tree of a document: its memory (an arena of blocks), making and copying values. Reading values and complaining
// about them is in yaml_read.c, parsing in yaml_parse.c, writing in yaml_emit.c, dotted paths in yaml_set.c.
#include "formats/yaml.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "formats/yaml_tree.h"

enum { BLOCK_SIZE = 16 * 1024, ARENA_ALIGNMENT = 16 };

typedef struct arena_block {
    struct arena_block *next;
    size_t size, used; // counted from the start of this header
} arena_block;

struct fv__document {
    arena_block *blocks; // the first has room
    fv__value *root;
    fv__value *nothing;
    const char *source;
};

// --- documents

void *fv__document_alloc(fv__document *document, size_t size) {
    enum { HEADER = (sizeof(arena_block) + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT };
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    arena_block *block = document->blocks;
    if (!block || block->size - block->used < size) {
        size_t needed = HEADER + size < BLOCK_SIZE ? BLOCK_SIZE : HEADER + size;
        block = fv__alloc(needed);
        if (!block) {
            return NULL;
        }
        *block = (arena_block){document->blocks, needed, HEADER};
        document->blocks = block;
    }
    void *memory = (char *)block + block->used;
    block->used += size;
    return memory;
}

const char *fv__document_text(fv__document *document, const char *text, size_t length) {
    char *copy = fv__document_alloc(document, length + 1);
    return copy ? memcpy(copy, text, length) : NULL;
}

fv__document *fv__document_new(const char *source) {
    fv__document *document = fv__alloc(sizeof *document);
    if (!document) {
        return NULL;
    }
    document->source = fv__document_text(document, source, strlen(source));
    document->root = document->source ? fv__value_new(document, FV__VALUE_NULL) : NULL;
    document->nothing = document->root ? fv__value_new(document, FV__VALUE_NULL) : NULL;
    if (!document->nothing) {
        fv__document_free(document);
        return NULL;
    }
    return document;
}

void fv__document_free(fv__document *document) {
    if (document) {
        for (arena_block *block = document->blocks, *next; block; block = next) {
            next = block->next;
            fv__free(block);
        }
        fv__free(document);
    }
}

fv__value *fv__document_root(const fv__document *document) {
    return document->root;
}

void fv__document_set_root(fv__document *document, fv__value *root) {
    document->root = root;
}

const fv__value *fv__document_nothing(const fv__document *document) {
    return document->nothing;
}

// --- making values

fv__value *fv__value_new(fv__document *document, fv__value_kind kind) {
    fv__value *value = fv__document_alloc(document, sizeof *value);
    if (value) {
        *value = (fv__value){.kind = kind, .source = document->source, .document = document, .text = ""};
    }
    return value;
}

bool fv__means_more_than_text(const char *text) {
    int whole;
    double number;
    return !*text || !strcmp(text, "~") || !strcmp(text, "null") || !strcmp(text, "Null") || !strcmp(text, "NULL") ||
           !strcmp(text, "true") || !strcmp(text, "false") || fv__parse_int(text, &whole) ||
           fv__parse_float(text, &number);
}

static fv__value *new_scalar(fv__document *document, const char *text, bool quoted) {
    fv__value *value = fv__value_new(document, FV__VALUE_SCALAR);
    const char *copy = value ? fv__document_text(document, text, strlen(text)) : NULL;
    if (!copy) {
        return NULL;
    }
    value->text = copy;
    value->quoted = quoted;
    return value;
}

fv__value *fv__value_text(fv__document *document, const char *text) {
    return new_scalar(document, text, fv__means_more_than_text(text));
}

fv__value *fv__value_int(fv__document *document, int number) {
    char text[FV__NUMBER_SIZE];
    snprintf(text, sizeof text, "%d", number);
    return new_scalar(document, text, false);
}

fv__value *fv__value_float(fv__document *document, double number) {
    char text[FV__NUMBER_SIZE];
    return new_scalar(document, fv__format_float(text, number), false);
}

fv__value *fv__value_bool(fv__document *document, bool truth) {
    return new_scalar(document, truth ? "true" : "false", false);
}

// Room for one more item (and key, in a map). The old arrays stay in the arena until the document is freed.
static bool reserve_item(fv__value *value) {
    if (value->count < value->capacity) {
        return true;
    }
    size_t capacity = value->capacity ? value->capacity * 2 : 4;
    fv__value **items = fv__document_alloc(value->document, capacity * sizeof(fv__value *));
    fv__key *keys =
        value->kind == FV__VALUE_MAP ? fv__document_alloc(value->document, capacity * sizeof(fv__key)) : NULL;
    if (!items || (value->kind == FV__VALUE_MAP && !keys)) {
        return false;
    }
    if (value->count) {
        memcpy(items, value->items, value->count * sizeof(fv__value *));
    }
    if (value->count && keys) {
        memcpy(keys, value->keys, value->count * sizeof(fv__key));
    }
    value->items = items;
    value->keys = keys;
    value->capacity = capacity;
    return true;
}

fv_status fv__list_add(fv__value *list, fv__value *item, fv_error *error) {
    if (!reserve_item(list)) {
        return fv__fail_memory(error, "a list");
    }
    list->items[list->count++] = item;
    return FV_OK;
}

fv_status fv__map_add(fv__value *map, fv__key key, fv__value *item, fv_error *error) {
    if (!reserve_item(map)) {
        return fv__fail_memory(error, "a map");
    }
    map->keys[map->count] = key;
    map->items[map->count++] = item;
    return FV_OK;
}

fv_status fv__map_set(fv__value *map, const char *key, fv__value *item, fv_error *error) {
    for (size_t i = 0; i < map->count; i++) {
        if (!strcmp(map->keys[i].name, key)) {
            map->items[i] = item;
            return FV_OK;
        }
    }
    const char *name = fv__document_text(map->document, key, strlen(key));
    if (!name) {
        return fv__fail_memory(error, "a key");
    }
    return fv__map_add(map, (fv__key){name, item->source, item->line}, item, error);
}

// Copies keep messages right: a source of another document is copied too, once for a run of values that share it.
typedef struct source_copy {
    const char *original, *copy;
} source_copy;

static const char *copy_source(fv__document *document, source_copy *last, const char *source) {
    if (source != last->original) {
        last->original = source;
        last->copy = fv__document_text(document, source, strlen(source));
    }
    return last->copy;
}

static fv__value *copy_value(fv__document *document, source_copy *last, const fv__value *value) {
    fv__value *copy = new_scalar(document, value->text, value->quoted);
    const char *source = copy ? copy_source(document, last, value->source) : NULL;
    if (!source) {
        return NULL;
    }
    copy->kind = value->kind;
    copy->line = value->line;
    copy->source = source;
    for (size_t i = 0; i < value->count; i++) {
        fv__value *item = copy_value(document, last, value->items[i]);
        if (!item || !reserve_item(copy)) {
            return NULL;
        }
        if (value->kind == FV__VALUE_MAP) {
            const fv__key *key = &value->keys[i];
            const char *name = fv__document_text(document, key->name, strlen(key->name));
            const char *key_source = copy_source(document, last, key->source);
            if (!name || !key_source) {
                return NULL;
            }
            copy->keys[i] = (fv__key){name, key_source, key->line};
        }
        copy->items[copy->count++] = item;
    }
    return copy;
}

fv__value *fv__value_copy(fv__document *document, const fv__value *value) {
    return value ? copy_value(document, &(source_copy){0}, value) : fv__value_new(document, FV__VALUE_NULL);
}
