// SPDX-License-Identifier: Apache-2.0
// IDX, the file format of MNIST and its relatives: two zero bytes, a type (0x08: unsigned bytes, the only one here),
// the rank, `rank` big-endian 32-bit sizes, then the values. Plain or packed with gzip, told apart by their first
// bytes.
#ifndef FOVEA_FORMATS_IDX_H
#define FOVEA_FORMATS_IDX_H

#include "base/error.h"

enum { FV__IDX_RANK = 4 };

// An opened file: header checked, size checked against it. Values of a plain file are read where they are asked for;
// a packed one is unpacked as far as it has been asked for (so that one test image costs one test image).
typedef struct fv__idx fv__idx;

// `rank` is what the caller can use (1 for labels, 3 for images); another one is an error that says so.
fv_status fv__idx_open(const char *path, int rank, fv__idx **out, fv_error *error);

// The same over bytes in memory, which must outlive the result; `name` is for messages.
fv_status fv__idx_parse(const void *bytes, size_t size, const char *name, int rank, fv__idx **out, fv_error *error);

void fv__idx_close(fv__idx *idx); // NULL is fine

const size_t *fv__idx_shape(const fv__idx *idx); // `rank` sizes
size_t fv__idx_bytes(const fv__idx *idx);        // their product

// Copies `size` values from position `offset` on; several threads may do so at once.
fv_status fv__idx_read(fv__idx *idx, size_t offset, size_t size, uint8_t *target, fv_error *error);

#endif
