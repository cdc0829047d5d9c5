// SPDX-License-Identifier: Apache-2.0
// What a check of a data set finds: lists of files and sentences, collected by check.c (photographs) and check_files.c
// (known sets), given out as fv_check_info.
#ifndef FOVEA_DATA_CHECK_H
#define FOVEA_DATA_CHECK_H

#include "data/open.h"

enum { FV__CHECK_LISTS = 8, FV__CHECK_PARTS = 3 };

typedef struct fv__finding_list {
    fv_finding *items;
    int count, capacity;
} fv__finding_list;

struct fv_check {
    fv_check_info info; // what is given out, from the members below
    char *name, *root;
    fv_check_list lists[FV__CHECK_LISTS];
    fv__finding_list findings[FV__CHECK_LISTS];
    fv_check_part parts[FV__CHECK_PARTS];
    char **class_names; // (classes), owned, in one block
};

// Begins another list of findings; what is added next belongs to it.
void fv__check_list(fv_check *check, const char *key, const char *title, bool faulty);

// One finding: a file and what is the matter with it (or another file), both copied.
fv_status fv__check_add(fv_check *check, const char *file, const char *detail, bool good, fv_error *error);

// A known set: each file against its layout and published sum. `folder`: place->path is where all files should be.
fv_status fv__check_files(fv_check *check, const fv__dataset_place *place, bool folder, fv_error *error);

// The set that has files in a folder, all of them or not; NULL: none.
const fv__dataset_info *fv__check_recognize(const char *folder);

// Photographs: unreadable and misnamed files, small classes, and unless `brief` pictures that are there twice.
fv_status fv__check_photos(fv_check *check, const fv__dataset_place *place, bool brief, int threads, fv_error *error);

#endif
