// What the decoders of this folder share.
#ifndef FOVEA_IMAGE_CODEC_H
#define FOVEA_IMAGE_CODEC_H

#include "image/decode.h"

// The decoders: *out is {0} before, and to be released also after a failure.
fv_status fv__jpeg_decode(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                          fv_error *error);
fv_status fv__png_decode(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                         fv_error *error);
fv_status fv__gif_decode(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                         fv_error *error);
fv_status fv__bmp_decode(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                         fv_error *error);
fv_status fv__pnm_decode(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                         fv_error *error);

// Refuses a size that no picture should have.
fv_status fv__bitmap_check(uint64_t height, uint64_t width, const char *name, fv_error *error);

// Checks the size, then takes memory of `depth` ≥ 3 bytes a pixel.
fv_status fv__bitmap_make(fv__bitmap *out, uint64_t height, uint64_t width, size_t depth, const char *name,
                          fv_error *error);

// The orientation, 1 … 8, that the EXIF data (a TIFF header and what follows) tells; 1 where it tells none or is
// broken.
int fv__exif_orientation(const uint8_t *bytes, size_t size);

// Turns and mirrors the picture as the orientation asks for.
fv_status fv__bitmap_orient(fv__bitmap *bitmap, int orientation, const char *name, fv_error *error);

#endif
