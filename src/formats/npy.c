// SPDX-License-Identifier: Apache-2.0
#include "fovea.h"

#include <stdio.h>
#include <string.h>

void fv_npy_header(uint8_t header[FV_NPY_HEADER], const size_t *shape, size_t rank) {
    static const uint8_t magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    const size_t before = sizeof magic + 2;
    char text[FV_NPY_HEADER];
    const char order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>';
    int length = snprintf(text, sizeof text, "{'descr': '%cf4', 'fortran_order': False, 'shape': (", order);
    for (size_t i = 0; i < rank; i++) {
        length += snprintf(text + length, sizeof text - (size_t)length, i + 1 < rank ? "%zu, " : "%zu,", shape[i]);
    }
    length += snprintf(text + length, sizeof text - (size_t)length, "), }");
    memset(header, ' ', FV_NPY_HEADER);
    memcpy(header, magic, sizeof magic);
    header[before - 2] = (uint8_t)(FV_NPY_HEADER - before);
    header[before - 1] = 0;
    memcpy(header + before, text, (size_t)length);
    header[FV_NPY_HEADER - 1] = '\n';
}
