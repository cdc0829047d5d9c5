// SPDX-License-Identifier: Apache-2.0
// Memory: every allocation of the library goes through here, so that a host (or a test) can watch or limit it.
#ifndef FOVEA_BASE_MEMORY_H
#define FOVEA_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

enum { FV__ALIGNMENT = 64 }; // a cache line, and the widest vector

// Zero-filled, aligned to FV__ALIGNMENT; NULL when there is none. Free with fv__free.
void *fv__alloc(size_t size);

// `count` elements of `size` bytes, as fv__alloc; NULL also when the product overflows.
void *fv__alloc_array(size_t count, size_t size);

// Grows (or makes) a block; new bytes are not cleared. On failure the old block stays valid.
void *fv__realloc(void *block, size_t size);

// Room for one more element of `size` bytes in a growing array of `count`; false when out of memory: the array stays.
bool fv__reserve(void **array, int count, int *capacity, size_t size);

void fv__free(void *block);

// A copy of the text (or of its first `length` bytes), to be freed with fv__free.
char *fv__strdup(const char *text);
char *fv__strndup(const char *text, size_t length);

// printf into a new string, to be freed with fv__free; NULL when out of memory.
char *fv__format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
