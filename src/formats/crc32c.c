// SPDX-License-Identifier: Apache-2.0
#include "formats/crc32c.h"

static const uint32_t polynomial = 0x82F63B78; // reflected

// Bit by bit, without a table: what is summed is small.
uint32_t fv__crc32c(const void *bytes, size_t size) {
    uint32_t crc = ~UINT32_C(0);
    for (const uint8_t *byte = bytes; size > 0; byte++, size--) {
        crc ^= *byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
        }
    }
    return ~crc;
}
