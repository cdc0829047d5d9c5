// SPDX-License-Identifier: Apache-2.0
// Resampling of pictures of four values a pixel (missing channels are zeros): one vector is one pixel.
//
// As Keras's affine_transform with bilinear interpolation and fill mode "reflect" (d c b a | a b c d): the value at
// (x, y) is taken from
//   x' = m0 x + m1 y + m2,   y' = m3 x + m4 y + m5,
// each first reflected into the picture (period 2 · size, then what is left beyond the centre of an edge pixel is that
// pixel) and then interpolated between the two nearest pixels.
#include "kernels/kernels.h"
#include "kernels/vector.h"

typedef float four_values __attribute__((vector_size(16)));

FV__VECTOR fv__v floor_of(fv__v x) { // for |x| < 2^31
    const fv__v whole = __builtin_convertvector(__builtin_convertvector(x, fv__vi), fv__v);
    return fv__v_select(whole > x, whole - 1.0f, whole);
}

// Into [0, size - 1].
FV__VECTOR fv__v reflect_into(fv__v x, float size) {
    const float period = 2 * size;
    x = x - period * floor_of(x / period);             // [0, period)
    x = fv__v_select(x >= size, period - 1.0f - x, x); // the mirrored half: below 0 by up to 1
    return fv__v_max(fv__v_min(x, fv__v_all(size - 1)), (fv__v){0});
}

// One of the two pixels that x' lies between, and how far it is on the way to the next. The last pixel counts as the
// next of the one before, so that there always is a next one in the picture (except in one of a single pixel).
FV__VECTOR fv__vi split_place(fv__v x, int size, fv__v *share) {
    const fv__v last = fv__v_all((float)(size > 1 ? size - 2 : 0));
    const fv__v low = fv__v_min(floor_of(x), last);
    *share = x - low;
    return __builtin_convertvector(low, fv__vi);
}

FV__VECTOR four_values load_pixel(const float *from) {
    four_values value;
    memcpy(&value, from, sizeof value);
    return value;
}

static void resample(const float *image, // (height, width, 4)
                     float *out,         // the same; not `image`
                     int height, int width, const float matrix[6]) {
    const int right = width > 1 ? 4 : 0, below = height > 1 ? 4 * width : 0;
    fv__v lanes;
    for (int i = 0; i < FV__LANES; i++) {
        lanes[i] = (float)i;
    }
    for (int y = 0; y < height; y++) {
        const float row_x = matrix[1] * (float)y + matrix[2], row_y = matrix[4] * (float)y + matrix[5];
        for (int x = 0; x < width; x += FV__LANES) {
            const fv__v at = lanes + (float)x;
            int32_t offset[FV__LANES];
            float across[FV__LANES], down[FV__LANES];
            fv__v share_x, share_y;
            const fv__vi column = split_place(reflect_into(at * matrix[0] + row_x, (float)width), width, &share_x);
            const fv__vi row = split_place(reflect_into(at * matrix[3] + row_y, (float)height), height, &share_y);
            const fv__vi from = (row * width + column) * 4;
            memcpy(offset, &from, sizeof offset);
            fv__v_store(across, share_x);
            fv__v_store(down, share_y);
            const int count = width - x < FV__LANES ? width - x : FV__LANES;
            for (int i = 0; i < count; i++) {
                const float *corner = image + offset[i];
                const four_values a = load_pixel(corner), b = load_pixel(corner + right);
                const four_values c = load_pixel(corner + below), d = load_pixel(corner + below + right);
                const four_values upper = a + (b - a) * across[i], lower = c + (d - c) * across[i];
                const four_values value = upper + (lower - upper) * down[i];
                memcpy(out + ((ptrdiff_t)y * width + x + i) * 4, &value, sizeof value);
            }
        }
    }
}

// Contrast: (x − mean) · factor + mean, mean over the pixels for each channel, then clipped to 0…255.
static void contrast(float *image, // (places, 4)
                     int places, float factor) {
    four_values sums[4] = {{0}};
    for (int i = 0; i < places; i++) {
        sums[i % 4] += load_pixel(image + (ptrdiff_t)i * 4);
    }
    const four_values mean = ((sums[0] + sums[1]) + (sums[2] + sums[3])) / (float)places;
    const four_values shift = mean - mean * factor;
    float shifts[FV__LANES];
    for (int i = 0; i < FV__LANES; i++) {
        shifts[i] = shift[i % 4];
    }
    const fv__v all = fv__v_load(shifts);
    int i = 0;
    for (; i + FV__LANES <= places * 4; i += FV__LANES) {
        const fv__v value = fv__v_load(image + i) * factor + all;
        fv__v_store(image + i, fv__v_max(fv__v_min(value, fv__v_all(255)), (fv__v){0}));
    }
    for (; i < places * 4; i++) {
        const float value = image[i] * factor + shifts[i % 4];
        image[i] = value < 0 ? 0 : value > 255 ? 255 : value;
    }
}

// Bytes (places, channels) as numbers (places, 4).
static void widen_pixels(const uint8_t *pixels, float *image, int places, int channels) {
    if (channels == 3) {
        for (int i = 0; i < places; i++) {
            for (int c = 0; c < 3; c++) {
                image[i * 4 + c] = (float)pixels[i * 3 + c];
            }
            image[i * 4 + 3] = 0;
        }
        return;
    }
    for (int i = 0; i < places; i++) {
        for (int c = 0; c < 4; c++) {
            image[i * 4 + c] = c < channels ? (float)pixels[i * channels + c] : 0;
        }
    }
}

// The way back: value · scale + shift of each channel, (places, channels).
static void narrow_pixels(const float *image, float *out, int places, int channels, const float *scale,
                          const float *shift) {
    if (channels == 3) {
        const float scales[3] = {scale[0], scale[1], scale[2]}, shifts[3] = {shift[0], shift[1], shift[2]};
        for (int i = 0; i < places; i++) {
            for (int c = 0; c < 3; c++) {
                out[i * 3 + c] = image[i * 4 + c] * scales[c] + shifts[c];
            }
        }
        return;
    }
    for (int i = 0; i < places; i++) {
        for (int c = 0; c < channels; c++) {
            out[i * channels + c] = image[i * 4 + c] * scale[c] + shift[c];
        }
    }
}
