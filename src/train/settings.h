// SPDX-License-Identifier: Apache-2.0
// `train:` of a recipe.
#ifndef FOVEA_TRAIN_SETTINGS_H
#define FOVEA_TRAIN_SETTINGS_H

#include "train/optimizer.h"
#include "train/schedule.h"

enum { FV__MOST_BATCH = 65536 };

typedef struct fv__train_settings {
    int batch, epochs;
    fv__optimizer_settings optimizer;
    fv__schedule_settings schedule;
    double label_smoothing;
    double clip_norm;      // of the gradient of all weights; 0: off
    int top_k[FV_MAX_TOP]; // which top-k accuracies are counted besides accuracy; 0 after the last
    bool shuffle;
    bool balance;        // class weights: every class counts the same
    bool cache_features; // keep the output of a frozen beginning
    bool keep_best;      // the model file holds the weights of the best epoch (by validation accuracy) …
    int patience;        // … and training stops after so many epochs without a better one; 0: never
} fv__train_settings;

// Rows of the section, for the reference page; what `optimizer`, `schedule` and `loss` may be is in their variants.
extern const fv__option fv__train_options[];
extern const fv__variant fv__loss_variants[];

// Reads the section; NULL gives all defaults.
fv_status fv__train_settings_read(const fv__value *section, fv__train_settings *settings, fv_error *error);

// Whether the settings fit the number of classes (0: not known yet), and whether there is something to validate on. In
// the message keys are named as in a recipe.
fv_status fv__train_settings_check(const fv__train_settings *settings, int classes, bool validates, fv_error *error);

// The section as resolved, with every key.
fv_status fv__train_settings_write(const fv__train_settings *settings, fv__document *document, fv__value **section,
                                   fv_error *error);

#endif
