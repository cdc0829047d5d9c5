// SPDX-License-Identifier: Apache-2.0
// `fovea train` in three files: the command (train.c), the lines of its epochs (epochs.c), and what it says before the
// first step and after the last (report.c).
#ifndef FOVEA_CLI_TRAIN_H
#define FOVEA_CLI_TRAIN_H

#include "support/subject.h"

typedef struct train_options {
    cli_source source;
    const char *out, *resume;
    int checkpoint_steps;
    bool tensorboard, json;
} train_options;

// Shows an event of training; remembers the last progress in *last.
void cli_train_show(const train_options *options, const fv_event *event, fv_progress *last);

// Shapes of the data and, where the model has some, its patches; on standard error.
void cli_train_begin(const fv_recipe *recipe, const fv_model *model, const fv_dataset *train,
                     const fv_dataset *validation);

// The test set's loss and accuracies, where there is one (`test` has samples), and what the folder holds. `last`: of the
// last epoch. Returns the exit code.
int cli_train_end(const train_options *options, const fv_recipe *recipe, const char *folder, const fv_progress *last,
                  const fv_metrics *test);

#endif
