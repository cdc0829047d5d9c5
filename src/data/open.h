// SPDX-License-Identifier: Apache-2.0
// From what people call a data set to its row in the registry and its files.
#ifndef FOVEA_DATA_OPEN_H
#define FOVEA_DATA_OPEN_H

#include "data/registry.h"

typedef struct fv__dataset_place {
    const fv__dataset_info *info;
    const char *path; // of its files; NULL: searched
} fv__dataset_place;

// `name` is the name of a known set (whose files are at `path`, if that is given), or the path of a folder or archive.
// FV_NOT_FOUND lists the names there are.
fv_status fv__dataset_find(const char *name, const char *path, fv__dataset_place *out, fv_error *error);

#endif
