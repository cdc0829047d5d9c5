// SPDX-License-Identifier: Apache-2.0
// Image files as pixels: JPEG, PNG, GIF, WebP, TIFF, BMP and PNM, recognised by their first bytes and not by their names.
// Of an animation or a file of several pages the first is read. Pixels are red, green and blue bytes: grey becomes three
// equal channels, transparent pixels are blended with white, 16 bits are reduced to 8, CMYK is converted without a
// colour profile (as Pillow does), and a photograph that its camera marked as turned (EXIF orientation) is turned upright.
//
// Files are untrusted: a damaged or truncated one fails with a sentence, and its size is checked before memory is taken.
// All functions may run on several threads at once.
#ifndef FOVEA_IMAGE_DECODE_H
#define FOVEA_IMAGE_DECODE_H

#include "base/error.h"

enum {
    FV__IMAGE_BYTES = 1 << 28,  // of a file
    FV__IMAGE_PIXELS = 1 << 27, // 134 megapixels
    FV__IMAGE_SIDE = 65535,
    FV__IMAGE_START = 512 // first bytes of a file that are enough to recognise it
};

typedef struct fv__bitmap {
    int height, width;
    int whole[2];    // height and width of the image in the file, which a survey may have reduced
    uint8_t *pixels; // (height, width, 3)
} fv__bitmap;

// --- Which files are images

typedef struct fv__image_format fv__image_format;

// The format of a file that begins with these bytes; NULL when it is none that this build decodes.
const fv__image_format *fv__image_format_of(const uint8_t *bytes, size_t size);

// All formats of this build, for a message: "JPEG, PNG … or PNM".
extern const char fv__image_formats[];

// "JPEG", "PNG" …
const char *fv__image_format_name(const fv__image_format *format);

// Whether the path ends as those of a format ("JPEG") do.
bool fv__image_format_named(const char *format, const char *path);

// Whether the ending of the path is that of an image of any kind, decoded here or not.
bool fv__image_named(const char *path);

// Whether a file that begins with these bytes is an image of any kind, decoded here or not.
bool fv__image_begins(const uint8_t *bytes, size_t size);

// --- Decoding

// Decodes a file in memory. `name` is what messages call it. Release *out with fv__bitmap_free; it is empty after an
// error. Errors: FV_FORMAT (names what the file is, or what is wrong with it), FV_MEMORY.
fv_status fv__image_decode(const uint8_t *bytes, size_t size, const char *name, fv__bitmap *out, fv_error *error);

// The same for a first look, which finds the same faults: where that is faster, the image is reduced, to sides of
// `least` pixels or more.
fv_status fv__image_survey(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                           fv_error *error);

// fv__image_decode for a file on disk. Errors also: FV_NOT_FOUND, FV_IO.
fv_status fv__image_read(const char *path, fv__bitmap *out, fv_error *error);

void fv__bitmap_free(fv__bitmap *bitmap); // leaves {0}

#endif
