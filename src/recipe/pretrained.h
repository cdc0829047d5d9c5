// SPDX-License-Identifier: Apache-2.0
// Weights that others have trained: the ones fovea knows by name, where they are, and `weights:` of a recipe.
#ifndef FOVEA_RECIPE_PRETRAINED_H
#define FOVEA_RECIPE_PRETRAINED_H

#include "fetch/fetch.h"
#include "model/import.h"

// Weights known by name: one row in pretrained.c, which is where new ones are added.
typedef struct fv__pretrained {
    fv_pretrained given;  // name, title, address: what is given out
    const char *headless; // a file without the last layer, which will do where that is not wanted
    const char *classes;  // a text file with the names of what the last layer tells apart, one a line; may be beside
} fv__pretrained;

size_t fv__pretrained_count(void);
const fv__pretrained *fv__pretrained_at(size_t index);

// NULL and, in the message, the names there are.
const fv__pretrained *fv__pretrained_find(const char *name, fv_error *error);

// The file: the first of $FOVEA_WEIGHTS, the cache's folder `weights`, and Keras's own cache that has it. To be freed
// with fv__free. When there is none, the message tells the places, the address, and the command that helps.
fv_status fv__pretrained_locate(const fv__pretrained *known, char **path, fv_error *error);

// The file of class names in the same places; *path is NULL where there is none.
fv_status fv__pretrained_classes(const fv__pretrained *known, char **path, fv_error *error);

// Downloads the file into `folder` (NULL: the cache), from MIRROR/weights/ where the environment has FOVEA_MIRROR, and
// checks it; *path is to be freed with fv__free.
fv_status fv__pretrained_get(const fv__pretrained *known, const char *folder, fv_event_callback *on_event,
                             void *context, char **path, fv_error *error);

// The file that `from` means, a name or a path; to be freed with fv__free.
fv_status fv__pretrained_path(const char *from, char **path, fv_error *error);

// The arrays of that file, and its path.
fv_status fv__pretrained_read(const char *from, fv__weights *weights, char **path, fv_error *error);

// --- `weights:` of a recipe

typedef struct fv__weights_settings {
    const char *from;     // NULL: none
    const char *layer;    // NULL: all
    const fv__value *map; // a list of rules
} fv__weights_settings;

extern const fv__option fv__weights_options[];

fv_status fv__weights_settings_read(const fv__value *section, fv__weights_settings *settings, fv_error *error);

// Whether the file is there, before anything costly is begun.
fv_status fv__weights_look(const fv__weights_settings *settings, fv_error *error);

// Takes the weights over into a model of the recipe.
fv_status fv__weights_load(const fv__weights_settings *settings, fv_model *model, fv_error *error);

#endif
