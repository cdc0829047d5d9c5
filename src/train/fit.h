// SPDX-License-Identifier: Apache-2.0
// The loop of epochs: steps, validation, the best weights, early stopping, and all that a run leaves in its folder.
#ifndef FOVEA_TRAIN_FIT_H
#define FOVEA_TRAIN_FIT_H

#include "train/run_folder.h"
#include "train/trainer.h"

typedef struct fv__fit_options {
    const fv__train_settings *settings;
    const fv__samples *train;
    const fv__augmentations *augmentations; // of these; NULL: none
    const fv__samples *validation;          // NULL: none
    int from;                               // node where samples of both enter; 0: the model's input
    const char *recipe;                     // as resolved; identifies the run
    const char *data_set, *data;            // name and digest of the data; may be NULL
    bool rewrite;                           // whether the algebra pass is used; set by fv__fit_prepare
    size_t left_out;                        // files of it that cannot be read
    const fv__run_folder *folder;           // open; NULL: the run leaves nothing
    const fv_train_options *run;            // threads, seed, callback
} fv__fit_options;

// Refuses what cannot be trained, or resumed, before anything is computed; chooses the algebra pass as the run has it
// and, resuming, gives the model the weights of the checkpoint. `options` are those of fv__fit, but for `from`.
fv_status fv__fit_prepare(fv_model *model, fv__fit_options *options, fv_error *error);

// Trains `model` in place: at the end it has the weights of the last epoch or, with keep_best, of the best. Resuming,
// the seed is that of the run's beginning. Errors as fv_recipe_train.
fv_status fv__fit(fv_model *model, const fv__fit_options *options, fv_error *error);

#endif
