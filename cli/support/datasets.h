// SPDX-License-Identifier: Apache-2.0
// Data sets as the command line names them.
#ifndef FOVEA_CLI_SUPPORT_DATASETS_H
#define FOVEA_CLI_SUPPORT_DATASETS_H

#include <fovea.h>

// Names the files that are left out of a data set on standard error, the first few of many.
void cli_say_left_out(const fv_dataset *data);

#endif
