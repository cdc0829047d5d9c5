// What `fovea train` says before the first step and after the last.
#ifndef FOVEA_CLI_TRAIN_REPORT_H
#define FOVEA_CLI_TRAIN_REPORT_H

#include "support/cli.h"

// Shapes of the data and, where the model has some, its patches; on standard error.
void cli_train_tell_start(const fv_recipe *recipe, const fv_model *model, const fv_dataset *train,
                          const fv_dataset *validation);

// The test set's loss and accuracies, where there is one (`test` has samples), and where the results are. `last` is the
// progress of the last epoch. Returns the exit code.
int cli_train_tell_end(const cli_options *options, const fv_recipe *recipe, const char *folder, const fv_progress *last,
                       const fv_metrics *test);

#endif
