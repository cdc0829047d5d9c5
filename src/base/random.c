// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

static void philox_round(uint32_t word[4], const uint32_t key[2]) {
    uint64_t low = (uint64_t)0xD2511F53u * word[0];
    uint64_t high = (uint64_t)0xCD9E8D57u * word[2];
    uint32_t next[4] = {(uint32_t)(high >> 32) ^ word[1] ^ key[0], (uint32_t)high,
                        (uint32_t)(low >> 32) ^ word[3] ^ key[1], (uint32_t)low};
    for (int i = 0; i < 4; i++) {
        word[i] = next[i];
    }
}

fv__philox fv__philox_block(uint64_t seed, fv__purpose purpose, uint64_t a, uint64_t b) {
    // The purpose takes the top byte of the second counter: no counter of ours comes near 2^56.
    uint64_t tagged = b ^ ((uint64_t)purpose << 56);
    fv__philox block = {{(uint32_t)a, (uint32_t)(a >> 32), (uint32_t)tagged, (uint32_t)(tagged >> 32)}};
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    for (int round = 0; round < 10; round++) {
        philox_round(block.word, key);
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return block;
}

fv__random fv__random_start(uint64_t seed, fv__purpose purpose, uint64_t key) {
    return (fv__random){.seed = seed, .purpose = purpose, .key = key};
}

uint32_t fv__random_word(fv__random *random) {
    uint64_t position = random->position++;
    return fv__philox_block(random->seed, random->purpose, random->key, position / 4).word[position % 4];
}

double fv__random_uniform(fv__random *random) {
    uint64_t high = fv__random_word(random);
    uint64_t low = fv__random_word(random);
    return (double)((high << 21) ^ (low >> 11)) * 0x1p-53;
}

uint64_t fv__random_below(fv__random *random, uint64_t bound) {
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound; // a multiple of bound
    for (;;) {
        uint64_t high = fv__random_word(random);
        uint64_t draw = high << 32 | fv__random_word(random);
        if (draw < limit) {
            return draw % bound;
        }
    }
}

void fv__random_permutation(fv__random *random, size_t count, uint32_t *order) {
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
    }
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)fv__random_below(random, i);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}
