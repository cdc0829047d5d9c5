// SPDX-License-Identifier: Apache-2.0
// Memory and texts of the program itself. Where there is no memory left, these end it with a sentence: a command line
// has nothing better to do. Everything is released with free().
#ifndef FOVEA_CLI_SUPPORT_MEMORY_H
#define FOVEA_CLI_SUPPORT_MEMORY_H

#include <stdio.h>

// `count` elements of `size` bytes, filled with zeros.
void *cli_alloc(size_t count, size_t size);

// Makes room for `count` elements; new bytes are not cleared.
void *cli_grow(void *block, size_t count, size_t size);

char *cli_copy(const char *text);
char *cli_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

// A stream into a text that grows with it; fclose completes *text.
FILE *cli_stream(char **text, size_t *size);

#endif
