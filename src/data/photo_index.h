// SPDX-License-Identifier: Apache-2.0
// What is known of the pictures below a folder, kept in the cache from one time to the next.
#ifndef FOVEA_DATA_PHOTO_INDEX_H
#define FOVEA_DATA_PHOTO_INDEX_H

#include "data/photos.h"

// Fills in what is known of files that have not changed since. Returns of how many. No index is no failure.
size_t fv__photo_index_load(fv__photos *photos);

// Keeps it. A cache that cannot be written is no failure: the files are looked at again.
void fv__photo_index_store(const fv__photos *photos);

#endif
