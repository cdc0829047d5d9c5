// SPDX-License-Identifier: Apache-2.0
// Resizing of photographs with three bytes a pixel, an axis at a time: a row of the result is the weighted sum of a few
// rows, and a pixel of it the weighted sum of a few pixels of that. Which and with what weights is up to the caller
// (image/resize.c).
#include "kernels/kernels.h"
#include "kernels/vector.h"

// out[x] = sum over t of weights[t] · rows[t][x], rows `stride` bytes apart.
static void blend_rows(const uint8_t *rows, ptrdiff_t stride, const float *weights, int taps,
                       float *restrict out, // (count)
                       int count) {
    const uint8_t *next = taps > 1 ? rows + stride : rows; // two at a time, which is all that bilinear needs
    const float first = weights[0], second = taps > 1 ? weights[1] : 0;
    for (int x = 0; x < count; x++) {
        out[x] = first * (float)rows[x] + second * (float)next[x];
    }
    for (int t = 2; t < taps; t++) {
        const uint8_t *row = rows + t * stride;
        const float weight = weights[t];
        for (int x = 0; x < count; x++) {
            out[x] += weight * (float)row[x];
        }
    }
}

// A pixel is read and written as four values of which the next pixel overwrites the last.
static void blend_pixels(const float *restrict row, // (…, 3) and one value more
                         const int32_t *first,      // (width): the pixel that the first weight is of
                         const float *weights,      // (width, taps)
                         int taps,
                         float *restrict out, // (width, 3) and one value more
                         int width) {
    for (int x = 0; taps == 2 && x < width; x++) {
        const float *at = row + 3 * (ptrdiff_t)first[x];
        const four_values sum = load_pixel(at) * weights[2 * x] + load_pixel(at + 3) * weights[2 * x + 1];
        memcpy(out + 3 * (ptrdiff_t)x, &sum, sizeof sum);
    }
    for (int x = 0; taps != 2 && x < width; x++, weights += taps) {
        const float *at = row + 3 * (ptrdiff_t)first[x];
        four_values sum = load_pixel(at) * weights[0];
        for (int t = 1; t < taps; t++) {
            sum += load_pixel(at + 3 * t) * weights[t];
        }
        memcpy(out + 3 * (ptrdiff_t)x, &sum, sizeof sum);
    }
}

// To the nearest byte; values within 0…255.
static void round_values(const float *values, uint8_t *out, int count) {
    for (int i = 0; i < count; i++) {
        out[i] = (uint8_t)(int32_t)(values[i] + 0.5f);
    }
}
