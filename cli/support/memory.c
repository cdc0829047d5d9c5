// SPDX-License-Identifier: Apache-2.0
#include "support/memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "support/exit.h"

static void *checked(void *block) {
    if (!block) {
        fputs("fovea: out of memory\n", stderr);
        exit(CLI_FAILED);
    }
    return block;
}

void *cli_alloc(size_t count, size_t size) {
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *cli_grow(void *block, size_t count, size_t size) {
    return checked(reallocarray(block, count ? count : 1, size));
}

char *cli_copy(const char *text) {
    return checked(strdup(text));
}

char *cli_format(const char *format, ...) {
    char *text;
    va_list arguments;
    va_start(arguments, format);
    const int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return checked(length < 0 ? NULL : text);
}

FILE *cli_stream(char **text, size_t *size) {
    return checked(open_memstream(text, size));
}
