// SPDX-License-Identifier: Apache-2.0
// Fuzzing the IDX reader: any bytes, plain or packed, give values or an error.
#include "base/memory.h"
#include "formats/idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    for (int rank = 1; rank <= 3; rank += 2) {
        fv_error error;
        fv__idx *idx;
        if (fv__idx_parse(bytes, size, "fuzz", rank, &idx, &error) != FV_OK) {
            continue;
        }
        uint8_t *values = fv__alloc(fv__idx_bytes(idx));
        if (values) {
            fv__idx_read(idx, 0, fv__idx_bytes(idx) / 2, values, &error);
            fv__idx_read(idx, 0, fv__idx_bytes(idx), values, &error);
        }
        fv__free(values);
        fv__idx_close(idx);
    }
    return 0;
}
