// SPDX-License-Identifier: Apache-2.0
// Where downloads live, and what can be computed again but should not have to be: $XDG_CACHE_HOME/fovea, or
// ~/.cache/fovea (XDG Base Directory Specification).
#ifndef FOVEA_FETCH_CACHE_H
#define FOVEA_FETCH_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// The path of `name` in the cache (NULL: the cache itself), to be freed with fv__free. Nothing is made on disk.
fv_status fv__cache_path(const char *name, char **out, fv_error *error);

// What is in the cache: a folder or file of it, with everything inside.
typedef struct fv__cache_entry {
    char name[256];
    uint64_t bytes;
    size_t files;
} fv__cache_entry;

// All of them, sorted by name; *entries is freed with fv__free. No cache is an empty one.
fv_status fv__cache_list(fv__cache_entry **entries, int *count, fv_error *error);

// Removes an entry. Who is reading a file of it keeps what he has open.
fv_status fv__cache_remove(const char *name, fv_error *error);

#endif
