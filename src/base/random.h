// SPDX-License-Identifier: Apache-2.0
// Random numbers by counting, so that a draw depends on what it is for and never on which thread asked first.
//
// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") turns (seed, purpose, counters)
// into a key; a short integer hash of key and position makes the many draws of one mask.
#ifndef FOVEA_BASE_RANDOM_H
#define FOVEA_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

// What a draw is for: two purposes never share a stream.
typedef enum fv__purpose {
    FV__DRAW_INITIAL_WEIGHTS = 1,
    FV__DRAW_SHUFFLE,
    FV__DRAW_DROPOUT,
    FV__DRAW_AUGMENT,
    FV__DRAW_SPLIT,
    FV__DRAW_TEST,
    FV__DRAW_EXPLAIN
} fv__purpose;

typedef struct fv__philox {
    uint32_t word[4];
} fv__philox;

// The block of four words that belongs to these counters.
fv__philox fv__philox_block(uint64_t seed, fv__purpose purpose, uint64_t a, uint64_t b);

// A stream of draws under one key.
typedef struct fv__random {
    uint64_t seed;
    fv__purpose purpose;
    uint64_t key;
    uint64_t position;
} fv__random;

fv__random fv__random_start(uint64_t seed, fv__purpose purpose, uint64_t key);
uint32_t fv__random_word(fv__random *random);
double fv__random_uniform(fv__random *random);                 // [0, 1), 53 bits
uint64_t fv__random_below(fv__random *random, uint64_t bound); // [0, bound), unbiased; bound > 0

// `order` becomes a random permutation of 0 … count-1 (Fisher and Yates).
void fv__random_permutation(fv__random *random, size_t count, uint32_t *order);

#endif
