// SPDX-License-Identifier: Apache-2.0
#include "image/resize.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

const char *const fv__resize_names[] = {"bilinear", "antialias", "crop", NULL};

// Along one axis, result i is the sum over t of weights[i][t] · source[first[i] + t].
typedef struct axis {
    int taps;
    int32_t *first; // (count)
    float *weights; // (count, taps)
} axis;

// Where result i lies in the source: (i + ½) · scale + offset − ½, in single precision as TensorFlow computes it.
static float place_of(int i, float scale, float offset) {
    return ((float)i + 0.5F) * scale + offset - 0.5F;
}

// Between the two nearest; beyond the centre of an edge pixel that pixel itself.
static void interpolate(axis *out, int count, int size, float scale) {
    for (int i = 0; i < count; i++) {
        float place = place_of(i, scale, 0), low = floorf(place), share = place - low;
        int lower = low < 0 ? 0 : (int)low, upper = (int)low + 1 < size ? (int)low + 1 : size - 1;
        int first = lower < size - out->taps ? lower : size - out->taps;
        out->first[i] = first;
        out->weights[i * out->taps + lower - first] += 1 - share;
        out->weights[i * out->taps + upper - first] += share;
    }
}

// A triangle as wide as two pixels of the result, its sum made 1 where it hangs over the edge.
static void cover(axis *out, int count, int size, float scale, float offset) {
    float reach = scale > 1 ? scale : 1;
    for (int i = 0; i < count; i++) {
        float place = place_of(i, scale, offset), sum = 0;
        float *weights = out->weights + i * out->taps;
        int first = (int)ceilf(place - reach);
        first = first < 0 ? 0 : first < size - out->taps ? first : size - out->taps;
        out->first[i] = first;
        for (int t = 0; t < out->taps; t++) {
            float distance = fabsf((float)(first + t) - place) / reach;
            weights[t] = distance < 1 ? 1 - distance : 0;
            sum += weights[t];
        }
        for (int t = 0; t < out->taps; t++) {
            weights[t] /= sum;
        }
    }
}

static bool make_axis(axis *out, bool smooth, int count, int size, float scale, float offset) {
    int taps = smooth ? 2 * (int)ceilf(scale > 1 ? scale : 1) + 1 : 2;
    out->taps = taps < size ? taps : size;
    out->first = fv__alloc_array((size_t)count, sizeof *out->first);
    out->weights = fv__alloc_array((size_t)count * (size_t)out->taps, sizeof *out->weights);
    if (out->first && out->weights && smooth) {
        cover(out, count, size, scale, offset);
    } else if (out->first && out->weights) {
        interpolate(out, count, size, scale);
    }
    return out->first && out->weights;
}

typedef struct plan {
    axis down, across;
    float *line; // (image width, 3): rows blended
    float *row;  // (width, 3): of the result
} plan;

static void free_plan(plan *now) {
    fv__free(now->down.first);
    fv__free(now->down.weights);
    fv__free(now->across.first);
    fv__free(now->across.weights);
    fv__free(now->line);
    fv__free(now->row);
}

static fv_status make_plan(const fv__resize *resize, const fv__bitmap *image, plan *out, fv_error *error) {
    float down = (float)image->height / (float)resize->height, across = (float)image->width / (float)resize->width;
    float below = 0, beside = 0; // what is cut off at each end
    *out = (plan){0};
    if (resize->mode == FV__RESIZE_CROP) {
        down = across = down < across ? down : across;
        below = ((float)image->height - down * (float)resize->height) / 2;
        beside = ((float)image->width - across * (float)resize->width) / 2;
    }
    bool smooth = resize->mode != FV__RESIZE_BILINEAR;
    out->line = fv__alloc_array((size_t)image->width * 3 + 1, sizeof(float)); // one more: see blend_pixels
    out->row = fv__alloc_array((size_t)resize->width * 3 + 1, sizeof(float));
    if (out->line && out->row && make_axis(&out->down, smooth, resize->height, image->height, down, below) &&
        make_axis(&out->across, smooth, resize->width, image->width, across, beside)) {
        return FV_OK;
    }
    free_plan(out);
    return fv__fail_memory(error, "resizing an image");
}

static const float *make_row(const plan *now, const fv__kernels *kernels, const fv__bitmap *image, int width, int y) {
    ptrdiff_t stride = (ptrdiff_t)image->width * 3;
    kernels->blend_rows(image->pixels + now->down.first[y] * stride, stride, now->down.weights + y * now->down.taps,
                        now->down.taps, now->line, image->width * 3);
    kernels->blend_pixels(now->line, now->across.first, now->across.weights, now->across.taps, now->row, width);
    return now->row;
}

fv_status fv__resize_image(const fv__resize *resize, const fv__kernels *kernels, const fv__bitmap *image, float *out,
                           fv_error *error) {
    plan now;
    size_t values = (size_t)resize->width * 3;
    FV__TRY(make_plan(resize, image, &now, error));
    for (int y = 0; y < resize->height; y++, out += values) {
        memcpy(out, make_row(&now, kernels, image, resize->width, y), values * sizeof *out);
    }
    free_plan(&now);
    return FV_OK;
}

// ITU-R BT.601, in place.
static void make_grey(float *row, int width) {
    for (int x = 0; x < width; x++) {
        row[x] = 0.299F * row[3 * x] + 0.587F * row[3 * x + 1] + 0.114F * row[3 * x + 2];
    }
}

fv_status fv__resize_pixels(const fv__resize *resize, const fv__kernels *kernels, const fv__bitmap *image, int channels,
                            uint8_t *out, fv_error *error) {
    plan now;
    FV__TRY(make_plan(resize, image, &now, error));
    for (int y = 0; y < resize->height; y++, out += resize->width * channels) {
        make_row(&now, kernels, image, resize->width, y);
        if (channels == 1) {
            make_grey(now.row, resize->width);
        }
        kernels->round_values(now.row, out, resize->width * channels);
    }
    free_plan(&now);
    return FV_OK;
}

fv_status fv__resize_file(const fv__resize *resize, const fv__kernels *kernels, const char *path, int channels,
                          uint8_t *out, fv_error *error) {
    fv__bitmap image;
    FV__TRY(fv__image_read(path, &image, error));
    const fv_status status = fv__resize_pixels(resize, kernels, &image, channels, out, error);
    fv__bitmap_free(&image);
    return status;
}
