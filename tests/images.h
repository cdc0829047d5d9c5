// SPDX-License-Identifier: Apache-2.0
// What the tests of src/image share: an image to encode, and checks of what a decoder makes of a file.
#ifndef FOVEA_TESTS_IMAGES_H
#define FOVEA_TESTS_IMAGES_H

#include "training.h"

#include "base/memory.h"
#include "image/codec.h"
#include "pictures.h"

enum { HEIGHT = 24, WIDTH = 40 };

// Soft, so that JPEG keeps it, and different in each corner.
static inline void fill(uint8_t *pixels, int channels) {
    for (int i = 0; i < HEIGHT * WIDTH; i++) {
        int y = i / WIDTH, x = i % WIDTH;
        const int values[4] = {x * 6, y * 10, 255 - x * 3 - y * 4, 40 + x};
        for (int c = 0; c < channels; c++) {
            pixels[i * channels + c] = (uint8_t)values[c];
        }
    }
}

// A colour over white.
static inline uint8_t over_white(int value, int alpha) {
    return (uint8_t)((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

static inline fv__bitmap decode(const encoded *file) {
    fv__bitmap image;
    fv_status status = fv__image_decode(file->bytes, file->size, "test", &image, &failure);
    if (status) {
        fail_msg("%s", failure.message);
    }
    return image;
}

// Largest difference from `expected` (height, width, 3).
static inline int difference(const fv__bitmap *image, const uint8_t *expected, int height, int width) {
    int most = 0;
    assert_int_equal(image->height, height);
    assert_int_equal(image->width, width);
    for (int i = 0; i < height * width * 3; i++) {
        most = abs(image->pixels[i] - expected[i]) > most ? abs(image->pixels[i] - expected[i]) : most;
    }
    return most;
}

static inline void check_size(const encoded *file, const uint8_t *expected, int height, int width, int tolerance) {
    fv__bitmap image = decode(file);
    int most = difference(&image, expected, height, width);
    if (most > tolerance) {
        fail_msg("differs by %d, allowed %d", most, tolerance);
    }
    fv__bitmap_free(&image);
}

static inline void check(const encoded *file, const uint8_t *expected, int tolerance) {
    check_size(file, expected, HEIGHT, WIDTH, tolerance);
}

static inline void refuses(const void *bytes, size_t size, const char *message) {
    fv__bitmap image;
    assert_int_equal(fv__image_decode(bytes, size, "x.jpg", &image, &failure), FV_FORMAT);
    assert_null(image.pixels);
    assert_says(failure, message);
    // A first look finds the same.
    assert_int_equal(fv__image_survey(bytes, size, "x.jpg", 1, &image, &failure), FV_FORMAT);
    assert_says(failure, message);
}

// The file cut off at every place `step` bytes apart, and with bits of every such byte changed: an image or a sentence.
static inline void survives_damage(const encoded *file, size_t step) {
    for (size_t place = 0; place < file->size; place += step) {
        for (int change = 0; change < 4; change++) {
            static const uint8_t changes[] = {0, 0x01, 0x80, 0xff};
            const size_t size = change ? file->size : place;
            uint8_t *copy = malloc(size ? size : 1); // exactly as long, so that AddressSanitizer sees a step too far
            fv__bitmap image;
            memcpy(copy, file->bytes, size);
            if (change) {
                copy[place] ^= changes[change];
            }
            failure.message[0] = 0;
            fv_status status = fv__image_decode(copy, size, "damaged", &image, &failure);
            assert_true(status == FV_OK || status == FV_FORMAT || status == FV_MEMORY);
            assert_true(status == FV_OK ? image.height > 0 : !image.pixels && failure.message[0]);
            fv__bitmap_free(&image);
            free(copy);
        }
    }
}

#endif
