// SPDX-License-Identifier: Apache-2.0
// Small things with text that several parts need: a growing string, numbers that do not depend on the host's locale,
// and the nearest name for "did you mean" in messages.
#ifndef FOVEA_BASE_TEXT_H
#define FOVEA_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

// A growing string. Starts as {0}. When memory runs out it remembers that in `failed` and ignores what follows, so that
// a writer checks once at the end. `bytes` is NULL while nothing was added, else ends with a zero byte.
typedef struct fv__text {
    char *bytes;
    size_t length, capacity;
    bool failed;
} fv__text;

void fv__text_add(fv__text *text, const char *added);
void fv__text_add_bytes(fv__text *text, const void *added, size_t length);
void fv__text_addf(fv__text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fv__text_addv(fv__text *text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
// What is not well-formed UTF-8 becomes replacement characters, one a byte.
void fv__text_add_utf8(fv__text *text, const char *added);
void fv__text_free(fv__text *text); // leaves {0}

// Whether the text is well-formed UTF-8 (Unicode 15, table 3-7: nothing overlong, no surrogates).
bool fv__is_utf8(const char *text);

// A whole decimal number in the range of int, nothing else around it. Refused: 0x10, 010, 1e3, 1_000, blanks.
bool fv__parse_int(const char *text, int *number);

// A finite decimal number: 1, 0.001, 1e-3, -.5. Refused: inf, nan, hexadecimal, 010, anything that overflows a double.
bool fv__parse_float(const char *text, double *number);

// The shortest decimal text that reads back as the same double. Returns `buffer`.
enum { FV__NUMBER_SIZE = 32 };
const char *fv__format_float(char buffer[FV__NUMBER_SIZE], double number);

// Typing errors between two names: letters inserted, left out, changed, or two neighbours swapped; upper and lower case
// count as the same. Names longer than 63 bytes are compared by their first 63.
size_t fv__edit_distance(const char *a, const char *b);

// The name of a NULL-terminated list that `name` was most likely meant to be, or NULL when none is near.
const char *fv__nearest_name(const char *name, const char *const *names);

// "did you mean 'units'? Known: units, activation" (or only "known: ...") in `buffer`, cut off with "..." where it does
// not fit. Returns `buffer`.
const char *fv__suggest_name(char *buffer, size_t size, const char *name, const char *const *names);

#endif
