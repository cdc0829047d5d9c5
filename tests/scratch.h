// SPDX-License-Identifier: Apache-2.0
// A folder for a test's files, removed at the end, and ways of making broken files. Include it first.
#ifndef FOVEA_TESTS_SCRATCH_H
#define FOVEA_TESTS_SCRATCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE // for nftw
#endif

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocations.h"
#include "fovea.h"

static char scratch[256]; // the folder

static int scratch_remove(const char *path, const struct stat *about, int kind, struct FTW *walk) {
    (void)about;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline int scratch_open(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(scratch, sizeof scratch, "%s/fovea-test-XXXXXX", base ? base : "/tmp");
    return mkdtemp(scratch) ? 0 : -1;
}

static inline int scratch_close(void **state) {
    (void)state;
    return nftw(scratch, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
}

// The path of `name` in the folder; a few results stay valid at once.
static inline const char *scratch_path(const char *name) {
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
    return path;
}

static inline const char *scratch_file(const char *name, const void *bytes, size_t size) {
    const char *path = scratch_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

// Runs `call` with 0, 1, 2... allocations allowed until it works; before that it must report FV_MEMORY each time.
#define assert_survives_allocation_failure(call, error)                                                                \
    do {                                                                                                               \
        fv_status status = FV_MEMORY;                                                                                  \
        for (long allowed = 0; status != FV_OK; allowed++) {                                                           \
            limit_allocations(allowed);                                                                                \
            status = call;                                                                                             \
            lift_limit();                                                                                              \
            if (status != FV_OK && status != FV_MEMORY) {                                                              \
                fail_msg("with %ld allocations: %s", allowed, (error).message);                                        \
            }                                                                                                          \
            assert_true(allowed < 1000);                                                                               \
        }                                                                                                              \
    } while (0)

// Fails the test unless the message contains the text.
#define assert_says(error, text)                                                                                       \
    do {                                                                                                               \
        if (!strstr((error).message, text)) {                                                                          \
            fail_msg("the message lacks \"%s\": %s", text, (error).message);                                           \
        }                                                                                                              \
    } while (0)

#endif
