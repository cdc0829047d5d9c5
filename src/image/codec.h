// SPDX-License-Identifier: Apache-2.0
// What the decoders of this folder share.
#ifndef FOVEA_IMAGE_CODEC_H
#define FOVEA_IMAGE_CODEC_H

#include "image/decode.h"

// A file to decode.
typedef struct fv__image_source {
    const uint8_t *bytes;
    size_t size;
    const char *name; // in messages
    int least;        // sides of the smallest image that will do; 0: the whole one
} fv__image_source;

// A decoder. *out is {0} before; the caller releases it, also after an error.
typedef fv_status fv__image_decoder(const fv__image_source *file, fv__bitmap *out, fv_error *error);

fv__image_decoder fv__jpeg_decode, fv__png_decode, fv__gif_decode, fv__bmp_decode, fv__pnm_decode, fv__webp_decode,
    fv__tiff_decode;

// "NAME: a damaged WHAT (PROBLEM)"
#define fv__fail_damaged(error, file, what, problem)                                                                   \
    fv__fail(error, FV_FORMAT, "%s: a damaged %s (%s)", (file)->name, what, problem)

// "NAME: WHAT, which cannot be read; convert it to JPEG or PNG"
#define fv__fail_unread(error, file, what)                                                                             \
    fv__fail(error, FV_FORMAT, "%s: %s, which cannot be read; convert it to JPEG or PNG", (file)->name, what)

// Says what a file is that no decoder reads.
fv_status fv__image_refuse(const fv__image_source *file, fv_error *error);

// Whether the name is that of a camera's raw file.
bool fv__image_named_raw(const char *path);

// Whether bytes begin as the pattern does, in which . is any byte and _ is white space or #.
bool fv__image_matches(const uint8_t *bytes, size_t size, const char *pattern, size_t length);

// Refuses a size that no image should have.
fv_status fv__bitmap_check(uint64_t height, uint64_t width, const char *name, fv_error *error);

// Checks the size, then takes memory of `depth` ≥ 3 bytes a pixel. All bytes are 0.
fv_status fv__bitmap_make(fv__bitmap *out, uint64_t height, uint64_t width, size_t depth, const char *name,
                          fv_error *error);

// Fails where there is no memory for the small blocks of a library that crashes for lack of one, as libtiff 4.5.0 and
// libwebp 1.2.4 do. Not a promise: other threads may take the memory in between.
fv_status fv__check_memory(const char *name, fv_error *error);

// Reduces four bytes a pixel (red, green, blue, alpha) to three, in place, over white.
void fv__bitmap_flatten(fv__bitmap *bitmap);

// The orientation, 1 … 8, in EXIF data (a TIFF header and what follows, with or without "Exif\0\0" before it); 1 where
// there is none or the data are damaged.
int fv__exif_orientation(const uint8_t *bytes, size_t size);

// Turns and mirrors the image as the orientation asks for.
fv_status fv__bitmap_orient(fv__bitmap *bitmap, int orientation, const char *name, fv_error *error);

#endif
