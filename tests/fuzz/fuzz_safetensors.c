// SPDX-License-Identifier: Apache-2.0
// Fuzzing the safetensors reader: any bytes give an error, or tensors that can be read to their last byte.
#include <stdlib.h>

#include "formats/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fv_error error;
    fv__tensor_file *file;
    volatile unsigned sum = 0; // so that the reads happen
    if (fv__safetensors_parse(bytes, size, "fuzz", &file, &error) != FV_OK) {
        return 0;
    }
    for (size_t i = 0; i < fv__safetensors_count(file); i++) {
        const fv__tensor_entry *entry = fv__safetensors_entry(file, i);
        const uint8_t *data = entry->data;
        for (size_t at = 0; at < entry->bytes; at++) {
            sum = sum + data[at];
        }
        if (fv__safetensors_find(file, entry->name) != entry) {
            abort();
        }
    }
    for (size_t i = 0; i < fv__safetensors_metadata_count(file); i++) {
        fv__metadata pair = fv__safetensors_metadata_entry(file, i);
        sum = sum + (unsigned char)pair.value[0];
        if (fv__safetensors_metadata(file, pair.key) != pair.value) {
            abort();
        }
    }
    fv__safetensors_close(file);
    return 0;
}
