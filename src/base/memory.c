// SPDX-License-Identifier: Apache-2.0
// Alignment is kept by a small header before each block, so that any malloc-like function of a host will do.
#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea.h"

static void *standard_allocate(void *context, size_t size) {
    (void)context;
    return malloc(size);
}

static void standard_release(void *context, void *block) {
    (void)context;
    free(block);
}

static const fv_allocator standard = {standard_allocate, standard_release, NULL};
static fv_allocator host = {standard_allocate, standard_release, NULL};

// What stands directly before an aligned block.
typedef struct header {
    void *origin; // what the host's malloc returned
    size_t size;  // usable bytes of the block
} header;

void fv_set_allocator(const fv_allocator *allocator) {
    host = allocator ? *allocator : standard;
}

static void *allocate(size_t size) {
    if (size > SIZE_MAX - FV__ALIGNMENT - sizeof(header)) {
        return NULL;
    }
    void *origin = host.allocate(host.context, size + FV__ALIGNMENT + sizeof(header));
    if (!origin) {
        return NULL;
    }
    uintptr_t start = (uintptr_t)origin + sizeof(header);
    char *block = (char *)origin + sizeof(header) + (-start & (FV__ALIGNMENT - 1));
    ((header *)(void *)block)[-1] = (header){origin, size};
    return block;
}

void *fv__alloc(size_t size) {
    void *block = allocate(size);
    return block ? memset(block, 0, size) : NULL;
}

void *fv__alloc_array(size_t count, size_t size) {
    return size && count > SIZE_MAX / size ? NULL : fv__alloc(count * size);
}

void *fv__realloc(void *block, size_t size) {
    void *grown = allocate(size);
    if (grown && block) {
        size_t old = ((header *)block)[-1].size;
        memcpy(grown, block, old < size ? old : size);
        fv__free(block);
    }
    return grown;
}

bool fv__reserve(void **array, int count, int *capacity, size_t size) {
    if (count < *capacity) {
        return true;
    }
    int grown = *capacity ? 2 * *capacity : 32;
    void *block = fv__realloc(*array, (size_t)grown * size);
    if (block) {
        *array = block;
        *capacity = grown;
    }
    return block != NULL;
}

void fv__free(void *block) {
    if (block) {
        host.release(host.context, ((header *)block)[-1].origin);
    }
}

void fv_free(void *block) {
    fv__free(block);
}

char *fv__strndup(const char *text, size_t length) {
    char *copy = fv__alloc(length + 1);
    return copy ? memcpy(copy, text, length) : NULL;
}

char *fv__strdup(const char *text) {
    return fv__strndup(text, strlen(text));
}

char *fv__format(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : fv__alloc((size_t)length + 1);
    if (text) {
        va_start(arguments, format);
        vsnprintf(text, (size_t)length + 1, format, arguments);
        va_end(arguments);
    }
    return text;
}
