// SPDX-License-Identifier: Apache-2.0
// Samples of a data set as the command line names them: test:0-9, train:5, 3,5,7-9, test:9990-
#ifndef FOVEA_CLI_SUPPORT_SAMPLES_H
#define FOVEA_CLI_SUPPORT_SAMPLES_H

#include "support/command.h"

#define CLI_SAMPLES(type, member, ...) CLI_TEXT("samples", "RANGE", type, member, __VA_ARGS__)

typedef struct cli_samples {
    char split[16]; // "test" when none is named
    size_t *index;  // (count), in the order asked for; release with free
    size_t count;
} cli_samples;

// The split alone, before the data set is open. `text` NULL: "test". Returns the exit code.
int cli_samples_split(const cli_command *command, const char *text, cli_samples *samples);

// The numbers, for a data set of `total` samples. `text` NULL: the first `usual`. Returns the exit code.
int cli_samples_read(const cli_command *command, const char *text, size_t total, size_t usual, cli_samples *samples);

#endif
