// `fovea data` has its actions in two files: looking at sets and getting them, and checking their files.
#ifndef FOVEA_CLI_DATA_H
#define FOVEA_CLI_DATA_H

#include "cli.h"

int cli_data_check(const cli_options *options);

#endif
