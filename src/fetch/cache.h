// Where downloads live: $XDG_CACHE_HOME/fovea, or ~/.cache/fovea (XDG Base Directory Specification).
#ifndef FOVEA_FETCH_CACHE_H
#define FOVEA_FETCH_CACHE_H

#include "base/error.h"

// The path of `name` in the cache (NULL: the cache itself), to be freed with fv__free. Nothing is made on disk.
fv_status fv__cache_path(const char *name, char **out, fv_error *error);

#endif
