// SPDX-License-Identifier: Apache-2.0
// Folders of photographs as data sets: DIR/CLASS/…, or DIR/train/CLASS/… with DIR/validation (or val, test) beside it.
// A zip or tar file of such a folder is unpacked into the cache, once.
#ifndef FOVEA_DATA_FOLDER_H
#define FOVEA_DATA_FOLDER_H

#include "data/photos.h"
#include "data/registry.h"

// Where the pictures of each part are.
typedef struct fv__folder {
    char *root;         // without a folder around it that has nothing else in it
    char *train;        // "train", or NULL where root has the classes themselves
    char *validation;   // "validation", "val", …, else "test"; NULL: there is none
    char *test;         // "test", else "validation", …
    char **class_names; // (classes), sorted; of the training part
    int classes;
} fv__folder;

// Finds out, without opening a picture; `path` is a folder or an archive (NULL, for a set known by name: where that
// is). Starts as anything; to be freed also after a failure.
fv_status fv__folder_find(const fv__dataset_info *info, const char *path, fv__folder *folder, fv_error *error);
void fv__folder_free(fv__folder *folder);

// Every class of a part must be one of the training part.
fv_status fv__folder_check_part(const fv__folder *folder, const char *part, fv_error *error);

// The pictures of one part ("train", "validation" or "test"), each looked at, with labels.
fv_status fv__folder_photos(const fv__folder *folder, const char *split, int threads, fv__photos *photos,
                            fv_error *error);

// The data set of a part. Pictures that cannot be read are left out and are in its `left_out`.
fv_status fv__folder_open(const fv__dataset_info *info, const char *split, const char *path,
                          const fv__photo_settings *settings, fv_dataset **out, fv_error *error);

#endif
