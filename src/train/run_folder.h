// SPDX-License-Identifier: Apache-2.0
// The folder of a run: recipe.yaml, history.csv, checkpoint.safetensors, model.safetensors, run.json.
#ifndef FOVEA_TRAIN_RUN_FOLDER_H
#define FOVEA_TRAIN_RUN_FOLDER_H

#include "train/history.h"

typedef struct fv__run_folder {
    char *path, *recipe, *history, *checkpoint, *model, *report; // its files
    int lock;                                                    // descriptor of the folder, or -1
    bool made;                                                   // it was not there
} fv__run_folder;

// Makes the folder for a new run (one that already holds a run is refused), or checks that there is a run to go on
// with. Until it is closed no other process opens it. On failure there is nothing to close.
fv_status fv__run_folder_open(fv__run_folder *folder, const char *path, bool resume, fv_error *error);

// A folder that was made and got nothing goes again.
void fv__run_folder_close(fv__run_folder *folder);

// What run.json says.
typedef struct fv__run_report {
    const char *state; // "running", "interrupted", "finished", or the message of a failure
    const char *level, *data, *data_set;
    int threads;
    uint64_t seed;
    size_t train_samples, validation_samples, left_out, parameters, trainable;
    const char *started; // fv__timestamp
    double seconds;      // since then
    bool rewrite;        // whether the algebra pass was used
    bool resumed;
    uint64_t best_epoch; // 0: not kept
    const fv__history *history;
} fv__run_report;

fv_status fv__run_report_write(const fv__run_report *report, const char *path, fv_error *error);

// Adds what the model reaches on the test set to a report that is there.
fv_status fv__run_report_add_test(const char *path, const fv_metrics *metrics, fv_error *error);

// The time now in UTC: "2025-01-31T12:34:56Z".
typedef struct fv__timestamp {
    char text[32];
} fv__timestamp;
fv__timestamp fv__timestamp_now(void);

#endif
