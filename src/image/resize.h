// SPDX-License-Identifier: Apache-2.0
// Images of any size to the size of a model's input: bilinear with half-pixel centres, as TensorFlow and Keras resize.
#ifndef FOVEA_IMAGE_RESIZE_H
#define FOVEA_IMAGE_RESIZE_H

#include "image/decode.h"
#include "kernels/kernels.h"

typedef enum fv__resize_mode {
    FV__RESIZE_BILINEAR,  // from the nearest two pixels each way, however much smaller the result
    FV__RESIZE_ANTIALIAS, // from all pixels that a pixel of the result covers
    FV__RESIZE_CROP       // as antialias, with one factor for both sides, and cut to the middle of the longer one
} fv__resize_mode;

extern const char *const fv__resize_names[]; // as the modes; ends with NULL

typedef struct fv__resize {
    fv__resize_mode mode;
    int height, width; // of the result
} fv__resize;

// To numbers, (height, width, 3).
fv_status fv__resize_image(const fv__resize *resize, const fv__kernels *kernels, const fv__bitmap *image, float *out,
                           fv_error *error);

// To bytes, (height, width, channels) of 3 channels or 1 (grey), each rounded to the nearest.
fv_status fv__resize_pixels(const fv__resize *resize, const fv__kernels *kernels, const fv__bitmap *image, int channels,
                            uint8_t *out, fv_error *error);

// The same for an image file.
fv_status fv__resize_file(const fv__resize *resize, const fv__kernels *kernels, const char *path, int channels,
                          uint8_t *out, fv_error *error);

#endif
