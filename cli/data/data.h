// `fovea data` has its actions in files of their own: list and show (data.c), check (check.c) and get (get.c).
#ifndef FOVEA_CLI_DATA_H
#define FOVEA_CLI_DATA_H

#include <jansson.h>

#include "support/cli.h"

int cli_data_check(const cli_options *options);
int cli_data_get(const cli_options *options); // SET|URL

// Photographs: where they are, and how many images of each class are in each part.
void cli_check_print_parts(const fv_check_info *info);
json_t *cli_check_json_parts(const fv_check_info *info);

#endif
