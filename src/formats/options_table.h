// SPDX-License-Identifier: Apache-2.0
// What options.c (reading) and options_write.c (writing, describing, checking) share.
#ifndef FOVEA_FORMATS_OPTIONS_TABLE_H
#define FOVEA_FORMATS_OPTIONS_TABLE_H

#include "formats/options.h"

// "a whole number", "one of relu, gelu". Returns `buffer`.
const char *fv__option_kind_text(const fv__option *option, char *buffer, size_t size);

// "at least 1", "at least 0 and below 1", "0 to 1", or "" when any number will do. Returns `buffer`.
const char *fv__option_range_text(const fv__option *option, char *buffer, size_t size);

// Whether numbers of the option are bounded at all.
bool fv__option_has_range(const fv__option *option);

// The member of `target` that the option describes.
static inline void *fv__option_member(const fv__option *option, const void *target) {
    return (char *)target + option->offset;
}

#endif
