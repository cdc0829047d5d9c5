// SPDX-License-Identifier: Apache-2.0
// Recipes as a tree: YAML text parsed into values that remember where they were written, so that whoever reads a value
// can complain with file and line. Anchors, aliases, tags, several documents and duplicate keys are refused: a recipe
// says what it says. (YAML 1.1 as libyaml reads it, but only true/false are booleans and only decimal numbers numbers.)
//
// Ownership: a document owns its values and all their text; fv__document_free frees everything at once. A value that is
// replaced stays allocated until then, so pointers into a document stay valid as long as the document.
#ifndef FOVEA_FORMATS_YAML_H
#define FOVEA_FORMATS_YAML_H

#include "base/error.h"
#include "base/text.h"

enum { FV__YAML_DEPTH = 64, FV__YAML_SIZE = 1 << 20 }; // the deepest nesting and the longest text accepted

typedef enum fv__value_kind {
    FV__VALUE_NULL,   // nothing, ~ or null
    FV__VALUE_SCALAR, // text
    FV__VALUE_LIST,   // items
    FV__VALUE_MAP,    // items, and a key for each
} fv__value_kind;

typedef struct fv__document fv__document;
typedef struct fv__value fv__value;

typedef struct fv__key {
    const char *name;
    const char *source; // as in fv__value
    int line;
} fv__key;

struct fv__value {
    fv__value_kind kind;
    bool quoted;        // a scalar in quotes: text, even when it looks like a number
    int line;           // first line is 1; 0 when there is none (made by code or by --set)
    const char *source; // for messages: file name, or "--set train.epochs=abc"
    const char *text;   // scalar
    size_t count;       // list, map
    fv__value **items;  // [count] list, map
    fv__key *keys;      // [count] map
    size_t capacity;    // of items and keys; private
    fv__document *document;
};

// --- documents

// An empty document (its root is null). `source` (a file name, copied) is what messages name. NULL when out of memory.
fv__document *fv__document_new(const char *source);

// Parses `size` bytes of YAML. On success *document is to be freed with fv__document_free.
fv_status fv__document_parse(const char *bytes, size_t size, const char *source, fv__document **document,
                             fv_error *error);

void fv__document_free(fv__document *document); // NULL is fine

fv__value *fv__document_root(const fv__document *document);
void fv__document_set_root(fv__document *document, fv__value *root);

// A null value of this document, for readers that want something to hold on to where a section is absent.
const fv__value *fv__document_nothing(const fv__document *document);

// Replaces (or adds) the value at a dotted path, "train.epochs" or "model.3.dense.units" (a number counts list items
// from 0), by what `text` says as YAML. Missing keys are created; null, and a bare name such as `adam` where the path
// goes on with "adam", become maps. `path` and `text` are copied. Messages about the value, here and later, begin with
// "--set path=text".
fv_status fv__document_set(fv__document *document, const char *path, const char *text, fv_error *error);

// The same from one command line argument, "train.epochs=2".
fv_status fv__document_assign(fv__document *document, const char *assignment, fv_error *error);

// Adds the value as YAML to `text`: block style outside, {a: 1, b: 2} for what holds only scalars, numbers as they
// were written. Parsing the result gives an equal tree.
fv_status fv__value_emit(const fv__value *value, fv__text *text, fv_error *error);

// --- reading values (NULL as a value is accepted everywhere and is like null)

bool fv__is_null(const fv__value *value);

// The value of a key, or NULL when there is none or `map` is no map.
fv__value *fv__map_get(const fv__value *map, const char *key);

// Names with options, as layers, optimizers and augmentations are written: `flatten` and `flatten:` give the name and
// no arguments (NULL or a null value), `dense: {units: 64}` and `dropout: 0.2` the name and its value. `what` says in
// messages what was expected ("a layer").
fv_status fv__value_named(const fv__value *value, const char *what, const char **name, const fv__value **arguments,
                          fv_error *error);

// Same kinds, texts, keys in order and items; lines and sources do not matter, quotes only where they change a meaning.
bool fv__value_equal(const fv__value *a, const fv__value *b);

// What a message calls the value: "'abc'", "nothing", "a list of 3", "a map". Returns `buffer`.
const char *fv__value_describe(const fv__value *value, char *buffer, size_t size);

// FV_INVALID with "file:line: " (or "--set ...: ") before the sentence.
fv_status fv__value_fail(fv_error *error, const fv__value *value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
fv_status fv__key_fail(fv_error *error, const fv__key *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// --- making values; each is owned by `document`, NULL (or FV_MEMORY) means out of memory

fv__value *fv__value_new(fv__document *document, fv__value_kind kind);
fv__value *fv__value_text(fv__document *document, const char *text); // stays text when it looks like a number
fv__value *fv__value_int(fv__document *document, int number);
fv__value *fv__value_float(fv__document *document, double number);
fv__value *fv__value_bool(fv__document *document, bool truth);

// A deep copy that belongs to `document`; lines and sources are kept.
fv__value *fv__value_copy(fv__document *document, const fv__value *value);

// `item` (of the same document, and in no other list or map) becomes the last of the list.
fv_status fv__list_add(fv__value *list, fv__value *item, fv_error *error);

// `item` becomes the value of the key, which is copied, replaced where it exists and else added last.
fv_status fv__map_set(fv__value *map, const char *key, fv__value *item, fv_error *error);

// Zero-filled memory that lives as long as the document, and a text copied there; NULL when out of memory.
void *fv__document_alloc(fv__document *document, size_t size);
const char *fv__document_text(fv__document *document, const char *text, size_t length);

#endif
