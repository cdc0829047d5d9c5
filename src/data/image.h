// SPDX-License-Identifier: Apache-2.0
// What can be done to a picture whose values are numbers of 0…255, each with everything that augmentation draws given
// as an argument. Resampling is bilinear, and what lies beyond the border reflects (d c b a | a b c d), as in Keras.
#ifndef FOVEA_DATA_IMAGE_H
#define FOVEA_DATA_IMAGE_H

#include "base/random.h"
#include "kernels/kernels.h"

enum { FV__PIXEL = 4 }; // values of a pixel: its channels, then zeros

typedef struct fv__image {
    int height, width, channels;
    float *values; // (height, width, FV__PIXEL)
    float *spare;  // as large; what resamples writes here and swaps the two
} fv__image;

// Where there is nothing to show.
typedef enum fv__fill { FV__FILL_MEAN, FV__FILL_BLACK, FV__FILL_NOISE, FV__FILL_REFLECT } fv__fill;

typedef struct fv__box {
    int top, left, height, width;
} fv__box;

void fv__image_flip(fv__image *image, bool horizontal, bool vertical);

// Counter-clockwise, in turns, about the centre.
void fv__image_rotate(fv__image *image, const fv__kernels *kernels, double turns);

// About the centre; 0.2 shows a fifth more of the picture's height (width), reflected, and -0.2 a fifth less.
void fv__image_zoom(fv__image *image, const fv__kernels *kernels, double height, double width);

// By fractions of height (down) and width (to the right).
void fv__image_translate(fv__image *image, const fv__kernels *kernels, double height, double width);

// (x − mean) · factor + mean, the mean being that of the channel; the result is clipped to 0…255.
void fv__image_contrast(fv__image *image, const fv__kernels *kernels, double factor);

// x + amount, clipped to 0…255.
void fv__image_brighten(fv__image *image, double amount);

// By whole pixels, down and to the right; what comes in is black or reflected.
void fv__image_shift(fv__image *image, int down, int right, fv__fill fill);

// Fills the part of the box that is inside the picture. `random` is for noise.
void fv__image_erase(fv__image *image, fv__box box, fv__fill fill, fv__random *random);

// image = (1 − share) · image + share · other, pictures of one size.
void fv__image_blend(fv__image *image, const fv__image *other, double share);

// The box of the other picture takes its place in this one; it lies inside both.
void fv__image_paste(fv__image *image, const fv__image *other, fv__box box);

#endif
