// SPDX-License-Identifier: Apache-2.0
#include "data/image.h"

#include <math.h>
#include <string.h>

#include "kernels/draw.h"

static size_t places_of(const fv__image *image) {
    return (size_t)image->height * (size_t)image->width;
}

static float *pixel_at(const fv__image *image, int y, int x) {
    return image->values + ((size_t)y * (size_t)image->width + (size_t)x) * FV__PIXEL;
}

static void swap_pixels(float *a, float *b) {
    float held[FV__PIXEL];
    memcpy(held, a, sizeof held);
    memcpy(a, b, sizeof held);
    memcpy(b, held, sizeof held);
}

void fv__image_flip(fv__image *image, bool horizontal, bool vertical) {
    for (int y = 0; y < image->height && horizontal; y++) {
        for (int left = 0, right = image->width - 1; left < right; left++, right--) {
            swap_pixels(pixel_at(image, y, left), pixel_at(image, y, right));
        }
    }
    for (int top = 0, bottom = image->height - 1; top < bottom && vertical; top++, bottom--) {
        for (int x = 0; x < image->width; x++) {
            swap_pixels(pixel_at(image, top, x), pixel_at(image, bottom, x));
        }
    }
}

// --- Resampling

static void resample(fv__image *image, const fv__kernels *kernels, const double matrix[6]) {
    float rounded[6];
    for (int i = 0; i < 6; i++) {
        rounded[i] = (float)matrix[i];
    }
    kernels->resample(image->values, image->spare, image->height, image->width, rounded);
    float *values = image->values;
    image->values = image->spare;
    image->spare = values;
}

void fv__image_rotate(fv__image *image, const fv__kernels *kernels, double turns) {
    if (turns == 0) {
        return;
    }
    double angle = turns * 6.283185307179586, c = cos(angle), s = sin(angle);
    double right = image->width - 1, bottom = image->height - 1;
    // The centre stays: x' = c x − s y + …, y' = s x + c y + …
    const double matrix[6] = {c, -s, (right - (c * right - s * bottom)) / 2,
                              s, c,  (bottom - (s * right + c * bottom)) / 2};
    resample(image, kernels, matrix);
}

void fv__image_zoom(fv__image *image, const fv__kernels *kernels, double height, double width) {
    if (height == 0 && width == 0) {
        return;
    }
    const double matrix[6] = {1 + width, 0,          -width * (image->width - 1) / 2,
                              0,         1 + height, -height * (image->height - 1) / 2};
    resample(image, kernels, matrix);
}

void fv__image_translate(fv__image *image, const fv__kernels *kernels, double height, double width) {
    if (height == 0 && width == 0) {
        return;
    }
    const double matrix[6] = {1, 0, -width * image->width, 0, 1, -height * image->height};
    resample(image, kernels, matrix);
}

// --- Values

void fv__image_contrast(fv__image *image, const fv__kernels *kernels, double factor) {
    if (factor != 1) {
        kernels->contrast(image->values, (int)places_of(image), (float)factor);
    }
}

void fv__image_brighten(fv__image *image, double amount) {
    float added = (float)amount;
    for (size_t i = 0; i < places_of(image); i++) {
        for (int c = 0; c < image->channels; c++) {
            float *value = image->values + i * FV__PIXEL + c;
            *value = fminf(fmaxf(*value + added, 0), 255);
        }
    }
}

void fv__image_blend(fv__image *image, const fv__image *other, double share) {
    float part = (float)share;
    for (size_t i = 0; i < places_of(image) * FV__PIXEL; i++) {
        image->values[i] += (other->values[i] - image->values[i]) * part;
    }
}

// --- Parts

// As for resampling; -1 where black is wanted.
static int source_of(int at, int size, fv__fill fill) {
    if (at >= 0 && at < size) {
        return at;
    }
    if (fill != FV__FILL_REFLECT) {
        return -1;
    }
    int period = 2 * size;
    at = (at % period + period) % period;
    return at < size ? at : period - 1 - at;
}

void fv__image_shift(fv__image *image, int down, int right, fv__fill fill) {
    if (down == 0 && right == 0) {
        return;
    }
    float *out = image->spare;
    for (int y = 0; y < image->height; y++) {
        int from_y = source_of(y - down, image->height, fill);
        for (int x = 0; x < image->width; x++, out += FV__PIXEL) {
            int from_x = source_of(x - right, image->width, fill);
            if (from_y < 0 || from_x < 0) {
                memset(out, 0, FV__PIXEL * sizeof *out);
            } else {
                memcpy(out, pixel_at(image, from_y, from_x), FV__PIXEL * sizeof *out);
            }
        }
    }
    out = image->values;
    image->values = image->spare;
    image->spare = out;
}

static void mean_of(const fv__image *image, float mean[FV__PIXEL]) {
    double sums[FV__PIXEL] = {0};
    for (size_t i = 0; i < places_of(image) * FV__PIXEL; i++) {
        sums[i % FV__PIXEL] += (double)image->values[i];
    }
    for (int c = 0; c < FV__PIXEL; c++) {
        mean[c] = (float)(sums[c] / (double)places_of(image));
    }
}

void fv__image_erase(fv__image *image, fv__box box, fv__fill fill, fv__random *random) {
    int top = box.top > 0 ? box.top : 0, left = box.left > 0 ? box.left : 0;
    int bottom = box.top + box.height < image->height ? box.top + box.height : image->height;
    int right = box.left + box.width < image->width ? box.left + box.width : image->width;
    float value[FV__PIXEL] = {0};
    uint32_t key[2] = {0, 0}, position = 0;
    if (fill == FV__FILL_MEAN) {
        mean_of(image, value);
    } else if (fill == FV__FILL_NOISE) {
        key[0] = fv__random_word(random);
        key[1] = fv__random_word(random);
    }
    for (int y = top; y < bottom; y++) {
        for (int x = left; x < right; x++) {
            for (int c = 0; c < image->channels && fill == FV__FILL_NOISE; c++) {
                value[c] = (float)(fv__draw(position++, key[0], key[1]) >> 24);
            }
            memcpy(pixel_at(image, y, x), value, sizeof value);
        }
    }
}

void fv__image_paste(fv__image *image, const fv__image *other, fv__box box) {
    for (int y = box.top; y < box.top + box.height; y++) {
        memcpy(pixel_at(image, y, box.left), pixel_at(other, y, box.left),
               (size_t)box.width * FV__PIXEL * sizeof(float));
    }
}
