// SPDX-License-Identifier: Apache-2.0
// What the files behind yaml.h share among themselves.
#ifndef FOVEA_FORMATS_YAML_TREE_H
#define FOVEA_FORMATS_YAML_TREE_H

#include "formats/yaml.h"

// Adds a key without looking whether it is there; the key's texts belong to the map's document.
fv_status fv__map_add(fv__value *map, fv__key key, fv__value *item, fv_error *error);

// Whether plain text would be read as something else than text: nothing, a truth value or a number.
bool fv__means_more_than_text(const char *text);

// Where a text comes from and where it will stand.
typedef struct fv__yaml_place {
    const char *source; // for messages; belongs to the document
    bool lines;         // whether line numbers make sense to the user
    int depth;          // nesting of what it will be put into
} fv__yaml_place;

// Parses one YAML text into a value of `document`.
fv_status fv__yaml_parse(fv__document *document, const char *bytes, size_t size, fv__yaml_place place,
                         fv__value **value, fv_error *error);

#endif
