// SPDX-License-Identifier: Apache-2.0
// `fovea data`: a file for each action (list.c, show.c, check.c, get.c); augment.c is a part of show.
#ifndef FOVEA_CLI_DATA_H
#define FOVEA_CLI_DATA_H

#include <jansson.h>

#include "support/command.h"
#include "support/subject.h"

extern const cli_command cli_data_list, cli_data_show, cli_data_check, cli_data_get;

typedef struct data_show_options {
    cli_source source;
    const char *out, *augment;
    bool json;
} data_show_options;

// `data show SET|RECIPE --augment FILE`.
int cli_data_augment(const data_show_options *options, const char *name);

// A set opened as training samples of 128 × 128, cropped where they are photographs. Returns the exit code.
int cli_data_open_squares(const data_show_options *options, const char *name, fv_dataset **data);

// Photographs: where they are, and how many images of each class are in each part.
void cli_check_print_parts(const fv_check_info *info);
json_t *cli_check_json_parts(const fv_check_info *info);

#endif
