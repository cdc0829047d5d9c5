// SPDX-License-Identifier: Apache-2.0
// The pictures of a folder: which files there are, and what a look at every one has told. That look decodes the whole
// file, so that a broken picture is known before anything is made of it; what it told is kept in the cache, by size and
// time of change, so that each file is decoded for it once.
#ifndef FOVEA_DATA_PHOTOS_H
#define FOVEA_DATA_PHOTOS_H

#include "formats/sha256.h"

typedef struct fv__photo {
    char *path; // below the root: "train/cats/cat.0.jpg"
    uint64_t size;
    int64_t changed;   // nanoseconds
    int label;         // of its class
    int height, width; // 0: not to be read
    char format[8];    // "JPEG"
    char sha256[FV__SHA256_TEXT];
    uint64_t likeness[2]; // of pictures that look alike few bits differ: comparisons of neighbours across and down
    char *problem;        // why it cannot be read, without its name; NULL: it can
} fv__photo;

typedef struct fv__photos {
    char *root;
    fv__photo *items; // as added, or sorted
    size_t count, capacity;
} fv__photos;

// Starts as {0}, with `root` copied; to be freed also after a failure.
fv_status fv__photos_begin(fv__photos *photos, const char *root, fv_error *error);
void fv__photos_free(fv__photos *photos);

// Adds the pictures in the folder root/`folder` and those below it. Files are taken for pictures by their names or
// their first bytes; what begins with a dot is left out.
fv_status fv__photos_add(fv__photos *photos, const char *folder, int label, fv_error *error);

// By path: after the last of them was added.
void fv__photos_sort(fv__photos *photos);

// Sorts them and looks at every file, on `threads` threads (0: as many as there are).
fv_status fv__photos_look(fv__photos *photos, int threads, fv_error *error);

// Whether one looks like the other saved again or made smaller: few bits of likeness differ.
bool fv__photos_alike(const fv__photo *a, const fv__photo *b);

#endif
