// SPDX-License-Identifier: Apache-2.0
// A known data set whose files are at a path.
#ifndef FOVEA_TESTS_DATASETS_H
#define FOVEA_TESTS_DATASETS_H

#include "fovea.h"

static inline fv_status open_set(const char *name, const char *split, const char *path, fv_dataset **out,
                                 fv_error *error) {
    const fv_dataset_options options = {.size = sizeof options, .path = path};
    return fv_dataset_open(name, split, &options, out, error);
}

#endif
