// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) of memory and files, as 64 lower-case hexadecimal digits; the arithmetic is libmd's.
#ifndef FOVEA_FORMATS_SHA256_H
#define FOVEA_FORMATS_SHA256_H

#include "base/error.h"

enum { FV__SHA256_TEXT = 65 }; // digits and a NUL

// For content that comes in pieces. The state is libmd's SHA2_CTX, hidden so that its header stays in one file.
typedef struct fv__sha256 {
    _Alignas(16) unsigned char state[256];
} fv__sha256;

void fv__sha256_start(fv__sha256 *sum);
void fv__sha256_add(fv__sha256 *sum, const void *bytes, size_t size);
void fv__sha256_end(fv__sha256 *sum, char text[FV__SHA256_TEXT]);

void fv__sha256_memory(const void *bytes, size_t size, char text[FV__SHA256_TEXT]);
fv_status fv__sha256_file(const char *path, char text[FV__SHA256_TEXT], fv_error *error);

// Of the content of a gzip file, unpacked: two ways of packing the same file have the same sum. A file that is not
// packed is summed as it is.
fv_status fv__sha256_unpacked_file(const char *path, char text[FV__SHA256_TEXT], fv_error *error);

#endif
