// SPDX-License-Identifier: Apache-2.0
// `data:` of a recipe: which samples are learned from and which are kept for validation.
#ifndef FOVEA_RECIPE_DATA_SECTION_H
#define FOVEA_RECIPE_DATA_SECTION_H

#include "data/folder.h"
#include "formats/options.h"

typedef enum fv__validation { FV__VALIDATE_TEST, FV__VALIDATE_NONE, FV__VALIDATE_FRACTION } fv__validation;

// `validation: {fraction: …}`; a number alone is the fraction.
typedef struct fv__validation_split {
    double fraction; // of the training set: its last part or, stratified, the same share of every class
    bool stratified;
    int seed; // that the samples of a class are drawn by
} fv__validation_split;

extern const fv__option fv__validation_options[];

typedef struct fv__data_settings {
    const fv__dataset_info *info;
    const char *set, *labels, *path; // the recipe's; the last two may be NULL
    int limit;                       // 0: all
    bool strict;                     // photographs: none is left out
    fv__photo_settings photos;       // as the model's input; set by the recipe
    fv__validation validation;
    fv__validation_split split;
    const fv__value *validation_value; // as written
} fv__data_settings;

extern const fv__option fv__data_options[];

fv_status fv__data_settings_read(const fv__value *section, fv__data_settings *settings, fv_error *error);
fv_status fv__data_settings_write(const fv__data_settings *settings, fv__document *document, fv__value **section,
                                  fv_error *error);

// How many classes there are, and 0 for photographs whose folder has not been looked at.
int fv__data_known_classes(const fv__data_settings *settings);

// The same, after looking at the folder if need be.
fv_status fv__data_count_classes(const fv__data_settings *settings, int *classes, fv_error *error);

// Opens "train" or "test" for evaluation. Of photographs without a test folder, the two are what training learns from
// and what it validates on.
fv_status fv__data_open_split(const fv__data_settings *settings, const char *split, fv_dataset **out, fv_error *error);

// Whether what training validates on is what fv__data_open_split opens as "test".
bool fv__data_validates_on_test(const fv__data_settings *settings);

// Opens the training split, all of it.
fv_status fv__data_open_training(const fv__data_settings *settings, fv_dataset **all, fv_error *error);

// What training works on, given all of the training split. *validation is NULL where there is none. Release both with
// fv_dataset_free.
fv_status fv__data_divide(const fv__data_settings *settings, const fv_dataset *all, fv_dataset **train,
                          fv_dataset **validation, fv_error *error);

// Opens what training works on. *validation is NULL where there is none. Release both with fv_dataset_free.
fv_status fv__data_open(const fv__data_settings *settings, fv_dataset **train, fv_dataset **validation,
                        fv_error *error);

#endif
