// SPDX-License-Identifier: Apache-2.0
// CIFAR-10 and CIFAR-100 in the official binary layout: records of one label byte (CIFAR-10) or two (CIFAR-100: coarse,
// fine), then 1024 bytes of red, 1024 of green, 1024 of blue (Krizhevsky 2009). Each file as it is or packed with gzip
// or xz, in a folder or in the archive as published.
#ifndef FOVEA_DATA_CIFAR_H
#define FOVEA_DATA_CIFAR_H

#include "data/registry.h"
#include "formats/archive.h"

typedef struct fv__cifar_layout {
    int label_bytes;   // in front of the pixels
    int label_byte;    // which of them is the label
    const char *names; // file with the class names, a line each, if it is beside the data
} fv__cifar_layout;

fv_status fv__cifar_open(const fv__dataset_info *info, const char *split, const char *path, fv_dataset **out,
                         fv_error *error);

// The records of one file, pixels as (height, width, channels). They are kept in blocks of FV__CIFAR_BLOCK, so that a
// file whose size is not known before it is unpacked never has to be copied.
enum { FV__CIFAR_BLOCK = 1024, FV__CIFAR_PIXELS = 32 * 32 * 3, FV__CIFAR_MOST = 1 << 20 };

typedef struct fv__cifar_records {
    uint8_t **blocks; // (block_count), each (FV__CIFAR_BLOCK, FV__CIFAR_PIXELS)
    int32_t *labels;  // (count)
    size_t block_count, count;
} fv__cifar_records;

// Adds all records of the file that `file` has in hand; `name` is for messages. `records` starts as {0} and is to be
// freed also after a failure.
fv_status fv__cifar_read(fv__archive *file, const fv__cifar_layout *layout, int classes, const char *name,
                         fv__cifar_records *records, fv_error *error);
void fv__cifar_free(fv__cifar_records *records);

#endif
