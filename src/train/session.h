// SPDX-License-Identifier: Apache-2.0
// One run of training from its beginning, or from its checkpoint, to its end: where it is, and what it leaves in its
// folder. The loop that drives it is fit.c.
#ifndef FOVEA_TRAIN_SESSION_H
#define FOVEA_TRAIN_SESSION_H

#include "train/checkpoint.h"
#include "train/fit.h"
#include "train/run_folder.h"

typedef struct fv__session {
    fv_model *model;
    const fv__fit_options *options;
    const fv__train_settings *settings;
    fv__trainer *trainer;
    const fv__run_folder *folder; // NULL: nothing is to be written
    fv__run_state state;
    fv__history history;
    uint32_t *order;       // (train samples): of the current epoch
    float *result_weights; // (weight_count): after the last whole epoch; with keep_best, after the best
    float *class_weights;  // (classes), with balanced classes
    fv__timestamp started;
    double start;      // fv__seconds
    double written;    // when the folder was brought up to date
    double writing;    // seconds that it took
    bool model_wanted; // the model file is to be written with it
} fv__session;

// Whether the options fit together and to the model.
fv_status fv__session_check(const fv_model *model, const fv__fit_options *options, fv_error *error);

// Whether the run that is to be resumed is this one; its weights and use of the algebra pass go to the model.
fv_status fv__session_check_resumed(fv_model *model, fv__fit_options *options, fv_error *error);

// fv__session_end is fine also after a failure.
fv_status fv__session_begin(fv__session *session, fv_model *model, const fv__fit_options *options, fv_error *error);
void fv__session_end(fv__session *session);

// What goes into the folder, where there is one.
fv_status fv__session_write_checkpoint(fv__session *session, fv_error *error);
fv_status fv__session_write_model(const fv__session *session, fv_error *error);
fv_status fv__session_write_history(const fv__session *session, fv_error *error);
fv_status fv__session_write_report(const fv__session *session, const char *state, fv_error *error);

#endif
