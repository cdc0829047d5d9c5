// SPDX-License-Identifier: Apache-2.0
// Unpacks gzip from memory a piece at a time (zlib), so that a caller decides how much it is willing to receive.
#ifndef FOVEA_FORMATS_GZIP_H
#define FOVEA_FORMATS_GZIP_H

#include "base/error.h"

typedef struct fv__gzip fv__gzip;

bool fv__gzip_is(const void *bytes, size_t size); // does it begin like a gzip file?

// `bytes` must outlive the reader; `name` is for messages and is copied.
fv_status fv__gzip_open(const void *bytes, size_t size, const char *name, fv__gzip **out, fv_error *error);

// Up to `wanted` bytes. *got is less only at the end of the data: where the file ends in the middle, *got tells how far
// it went and the status is FV_FORMAT.
fv_status fv__gzip_read(fv__gzip *gzip, void *target, size_t wanted, size_t *got, fv_error *error);

void fv__gzip_close(fv__gzip *gzip); // NULL is fine

#endif
