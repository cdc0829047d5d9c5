// `fovea data` has its actions in three files: looking at sets and getting them, drawing what
// augmentation does, and checking files.
#ifndef FOVEA_CLI_DATA_H
#define FOVEA_CLI_DATA_H

#include "cli.h"

// `data show SET|RECIPE --augment FILE`.
int cli_data_augment(const cli_options *options);

int cli_data_check(const cli_options *options);

#endif
