// SPDX-License-Identifier: Apache-2.0
// Records of CIFAR files into memory.
#include <string.h>

#include "base/memory.h"
#include "data/cifar.h"

enum { PLANE = 32 * 32, CHANNELS = 3, PIECE = 256 }; // records read at a time

static fv_status add_block(fv__cifar_records *records, const char *name, fv_error *error) {
    size_t blocks = records->block_count + 1;
    uint8_t **grown = fv__realloc(records->blocks, blocks * sizeof *grown);
    if (grown) {
        records->blocks = grown;
    }
    int32_t *labels = grown ? fv__realloc(records->labels, blocks * FV__CIFAR_BLOCK * sizeof *labels) : NULL;
    if (labels) {
        records->labels = labels;
    }
    uint8_t *block = labels ? fv__alloc((size_t)FV__CIFAR_BLOCK * FV__CIFAR_PIXELS) : NULL;
    if (!block) {
        return fv__fail_memory(error, name);
    }
    records->blocks[records->block_count++] = block;
    return FV_OK;
}

// The three planes of a record become pixels of three values.
static void interleave(const uint8_t *planes, uint8_t *pixels) {
    for (int i = 0; i < PLANE; i++) {
        for (int c = 0; c < CHANNELS; c++) {
            pixels[i * CHANNELS + c] = planes[c * PLANE + i];
        }
    }
}

static fv_status add_record(const uint8_t *record, const fv__cifar_layout *layout, int classes, const char *name,
                            fv__cifar_records *records, fv_error *error) {
    size_t index = records->count;
    int label = record[layout->label_byte];
    if (label >= classes) {
        return fv__fail(error, FV_FORMAT, "%s: label %zu is %d, but there are %d classes (0 to %d)", name, index, label,
                        classes, classes - 1);
    }
    if (index == FV__CIFAR_MOST) {
        return fv__fail(error, FV_FORMAT, "%s: more than %d records", name, FV__CIFAR_MOST);
    }
    if (index == records->block_count * FV__CIFAR_BLOCK) {
        fv_status status = add_block(records, name, error);
        if (status != FV_OK) {
            return status;
        }
    }
    records->labels[index] = label;
    interleave(record + layout->label_bytes,
               records->blocks[index / FV__CIFAR_BLOCK] + index % FV__CIFAR_BLOCK * FV__CIFAR_PIXELS);
    records->count++;
    return FV_OK;
}

fv_status fv__cifar_read(fv__archive *file, const fv__cifar_layout *layout, int classes, const char *name,
                         fv__cifar_records *records, fv_error *error) {
    size_t record = (size_t)layout->label_bytes + FV__CIFAR_PIXELS, got = PIECE * record;
    uint8_t *piece = fv__alloc(PIECE * record);
    fv_status status = piece ? FV_OK : fv__fail_memory(error, name);
    while (status == FV_OK && got == PIECE * record) {
        status = fv__archive_read(file, piece, PIECE * record, &got, error);
        for (size_t at = 0; at + record <= got && status == FV_OK; at += record) {
            status = add_record(piece + at, layout, classes, name, records, error);
        }
        if (status == FV_OK && got % record != 0) {
            status = fv__fail(error, FV_FORMAT,
                              "%s: truncated, or not a file of this kind: record %zu has %zu of its %zu bytes", name,
                              records->count, got % record, record);
        }
    }
    if (status == FV_OK && records->count == 0) {
        status = fv__fail(error, FV_FORMAT, "%s: no records in it", name);
    }
    fv__free(piece);
    return status;
}

void fv__cifar_free(fv__cifar_records *records) {
    for (size_t i = 0; i < records->block_count; i++) {
        fv__free(records->blocks[i]);
    }
    fv__free(records->blocks);
    fv__free(records->labels);
    *records = (fv__cifar_records){0};
}
