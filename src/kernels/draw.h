// SPDX-License-Identifier: Apache-2.0
// The many draws of one mask: an integer hash of the position under a key of 64 bits that Philox made (base/random.h).
//
// Three multiply-and-shift rounds on 32 bits ("triple32", found by search: Wellons, hash-prospector). The second half
// of the key joins after the first round, so that the streams of two keys are not one stream read in another order; two
// rounds have to follow, or masks under neighbouring keys are seen to be alike.
#ifndef FOVEA_KERNELS_DRAW_H
#define FOVEA_KERNELS_DRAW_H

#include <stdint.h>

// x, a position or a vector of positions, becomes the draw.
#define FV__DRAW(x, key0, key1)                                                                                        \
    do {                                                                                                               \
        x ^= key0;                                                                                                     \
        x ^= x >> 17;                                                                                                  \
        x *= 0xed5ad4bbu;                                                                                              \
        x ^= x >> 11;                                                                                                  \
        x += key1;                                                                                                     \
        x *= 0xac4c1b51u;                                                                                              \
        x ^= x >> 15;                                                                                                  \
        x *= 0x31848babu;                                                                                              \
        x ^= x >> 14;                                                                                                  \
    } while (0)

static inline uint32_t fv__draw(uint32_t position, uint32_t key0, uint32_t key1) {
    FV__DRAW(position, key0, key1);
    return position;
}

// An element is kept if its draw is at least this: dropped with probability `rate`, 0 <= rate < 1.
static inline uint32_t fv__draw_threshold(float rate) {
    return (uint32_t)((double)rate * 0x1p32);
}

#endif
