// `data:` of a recipe: which samples are learned from and which are kept for validation.
#ifndef FOVEA_RECIPE_DATA_SECTION_H
#define FOVEA_RECIPE_DATA_SECTION_H

#include "data/registry.h"
#include "formats/options.h"

typedef enum fv__validation { FV__VALIDATE_TEST, FV__VALIDATE_NONE, FV__VALIDATE_FRACTION } fv__validation;

typedef struct fv__data_settings {
    const fv__dataset_info *info;
    const char *set, *path; // the recipe's; path may be NULL
    int limit;              // 0: all
    fv__validation validation;
    double fraction;                   // of the training set, its last part
    const fv__value *validation_value; // as written
} fv__data_settings;

extern const fv__option fv__data_options[];

fv_status fv__data_settings_read(const fv__value *section, fv__data_settings *settings, fv_error *error);
fv_status fv__data_settings_write(const fv__data_settings *settings, fv__document *document, fv__value **section,
                                  fv_error *error);

// Opens what training works on. *validation is NULL where there is none. Release both with fv_dataset_close.
fv_status fv__data_open(const fv__data_settings *settings, fv_dataset **train, fv_dataset **validation,
                        fv_error *error);

#endif
