// `data:` of a recipe: which samples are learned from and which are kept for validation.
#ifndef FOVEA_RECIPE_DATA_SECTION_H
#define FOVEA_RECIPE_DATA_SECTION_H

#include "data/registry.h"
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
    fv__validation validation;
    fv__validation_split split;
    const fv__value *validation_value; // as written
} fv__data_settings;

extern const fv__option fv__data_options[];

fv_status fv__data_settings_read(const fv__value *section, fv__data_settings *settings, fv_error *error);
fv_status fv__data_settings_write(const fv__data_settings *settings, fv__document *document, fv__value **section,
                                  fv_error *error);

// Opens the training split, all of it.
fv_status fv__data_open_training(const fv__data_settings *settings, fv_dataset **all, fv_error *error);

// What training works on, given all of the training split. *validation is NULL where there is none. Release both with
// fv_dataset_close.
fv_status fv__data_divide(const fv__data_settings *settings, const fv_dataset *all, fv_dataset **train,
                          fv_dataset **validation, fv_error *error);

// Opens what training works on. *validation is NULL where there is none. Release both with fv_dataset_close.
fv_status fv__data_open(const fv__data_settings *settings, fv_dataset **train, fv_dataset **validation,
                        fv_error *error);

#endif
