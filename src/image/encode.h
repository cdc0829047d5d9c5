// SPDX-License-Identifier: Apache-2.0
// Pixels as an image file.
#ifndef FOVEA_IMAGE_ENCODE_H
#define FOVEA_IMAGE_ENCODE_H

#include "base/error.h"

// A PNG of (height, width, channels) bytes; 1 channel is grey, 3 are red, green and blue. Free *bytes with fv__free.
fv_status fv__png_encode(const uint8_t *pixels, int height, int width, int channels, uint8_t **bytes, size_t *size,
                         fv_error *error);

#endif
