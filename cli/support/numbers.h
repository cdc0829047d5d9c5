// SPDX-License-Identifier: Apache-2.0
// Numbers as people write and read them.
#ifndef FOVEA_CLI_SUPPORT_NUMBERS_H
#define FOVEA_CLI_SUPPORT_NUMBERS_H

#include <fovea.h>

// A whole decimal number, nothing else around it. Refused: 0x10, 010, 1e3, blanks.
bool cli_parse_int(const char *text, int *number);

// A finite decimal number. Refused: inf, nan, hexadecimal, 010, blanks.
bool cli_parse_number(const char *text, double *number);

// What follows writes into a buffer, which is also returned.
enum { CLI_NUMBER_SIZE = 40, CLI_SHAPE_SIZE = 200 };
const char *cli_count(char buffer[CLI_NUMBER_SIZE], double number);     // 12,345
const char *cli_bytes(char buffer[CLI_NUMBER_SIZE], double bytes);      // 3.4 MB, of 1000² bytes
const char *cli_duration(char buffer[CLI_NUMBER_SIZE], double seconds); // 12 s, 3 min 20 s, 2 h 5 min
const char *cli_loss(char buffer[CLI_NUMBER_SIZE], double loss);        // 0.2511; short even when training goes wrong
const char *cli_shortest(char buffer[CLI_NUMBER_SIZE], double number);  // that reads back as the same double

// A shape of up to eight axes.
typedef struct cli_shape {
    int rank;
    int64_t sizes[8];
} cli_shape;
cli_shape cli_shape_of(int rank, const int *sizes);
cli_shape cli_shape_of_array(const fv_weight_array *array);
const char *cli_shape_print(const cli_shape *shape, char buffer[CLI_SHAPE_SIZE]); // (28, 28, 1)

double cli_seconds(void); // of a clock that never jumps

#endif
