// SPDX-License-Identifier: Apache-2.0
// One of several things, each with its own name and options, as a recipe writes them: `optimizer: adam`,
// `optimizer: {adam: {lr: 1e-3}}`. What has variants (optimizers, schedules, losses) declares a list of them.
#ifndef FOVEA_TRAIN_VARIANT_H
#define FOVEA_TRAIN_VARIANT_H

#include "formats/options.h"

typedef struct fv__variant {
    const char *name, *sentence;
    const fv__option *options; // a table for the settings struct that all variants of a list share
} fv__variant;

// Finds which variant `value` names and reads its options into `target`, whose other members stay as they are. `what`
// is what has variants ("optimizer"). The list ends with {0}.
fv_status fv__variant_read(const fv__variant *variants, const fv__value *value, const char *what, int *index,
                           void *target, fv_error *error);

// The way back, with every option: {adam: {lr: 0.001, ...}}.
fv_status fv__variant_write(const fv__variant *variant, const void *source, fv__document *document, fv__value **written,
                            fv_error *error);

// A Markdown section of a list.
void fv__variants_describe(const fv__variant *variants, const char *what, fv__text *out);

#endif
