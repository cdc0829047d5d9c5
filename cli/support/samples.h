// Samples of a data set as the command line names them: test:0-9, train:5, 3,5,7-9, test:9990-
#ifndef FOVEA_CLI_SAMPLES_H
#define FOVEA_CLI_SAMPLES_H

#include "support/cli.h"

typedef struct cli_samples {
    char split[16]; // "test" when none is named
    size_t *index;  // (count), in the order asked for
    size_t count;
} cli_samples;

// The split alone, before the data set is open; false when there is no such split.
bool cli_samples_split(const char *text, char split[16]);

// The numbers, for a data set of `total` samples. NULL: fine; else what is wrong, in `problem`.
const char *cli_samples_read(const char *text, size_t total, cli_samples *samples, char *problem, size_t room);

#endif
