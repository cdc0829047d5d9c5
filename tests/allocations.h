// SPDX-License-Identifier: Apache-2.0
// For tests in which every single allocation of the library fails once:
//     for (int most = 0; status == FV_MEMORY; most++) { limit_allocations(most); status = …; lift_limit(); }
#ifndef FOVEA_TESTS_ALLOCATIONS_H
#define FOVEA_TESTS_ALLOCATIONS_H

#include <stdlib.h>

#include "fovea.h"

static long allocations_left; // below 0: no limit
static long blocks_made;      // made and not yet released

static inline void *limited_allocate(void *context, size_t size) {
    (void)context;
    if (allocations_left == 0) {
        return NULL;
    }
    allocations_left -= allocations_left > 0;
    void *block = malloc(size);
    blocks_made += block != NULL;
    return block;
}

static inline void counting_release(void *context, void *block) {
    (void)context;
    blocks_made--;
    free(block);
}

// From now on, `most` allocations succeed.
static inline void limit_allocations(long most) {
    allocations_left = most;
    fv_set_allocator(&(fv_allocator){limited_allocate, counting_release, NULL});
}

static inline void lift_limit(void) {
    fv_set_allocator(NULL);
}

#endif
