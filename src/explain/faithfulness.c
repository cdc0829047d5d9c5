// SPDX-License-Identifier: Apache-2.0
// Deletion and insertion (Petsiuk et al. 2018, "RISE: Randomized input sampling for explanation of black-box models"):
// the target's probability while pixels leave or enter in the order of a map, and the area under each curve by the
// trapezoidal rule. Deleted pixels take the image's mean colour; what is inserted into is the image blurred until
// little of its shapes is left, by a Gaussian whose deviation is an eighth of the shorter side.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "explain/explainer.h"

typedef struct image_size {
    int height, width, channels;
    size_t places, bytes;
} image_size;

static image_size size_of(const fv_explainer *explainer) {
    const int *size = explainer->model->input_settings.size.values;
    size_t places = (size_t)size[0] * (size_t)size[1];
    return (image_size){size[0], size[1], size[2], places, places * (size_t)size[2]};
}

// One pass of the blur, along an axis of `count` cells of `width` values; beyond its ends the axis goes on as it ends.
// weights[d] is that of a distance d up to `reach`.
static void blur_axis(const float *from, float *to, int count, int width, const float *weights, int reach) {
    memset(to, 0, (size_t)count * (size_t)width * sizeof *to);
    for (int i = 0; i < count; i++, to += width) {
        for (int d = -reach; d <= reach; d++) {
            const int at = i + d < 0 ? 0 : i + d >= count ? count - 1 : i + d;
            const float weight = weights[d < 0 ? -d : d], *cell = from + (ptrdiff_t)at * width;
            for (int k = 0; k < width; k++) {
                to[k] += weight * cell[k];
            }
        }
    }
}

static fv_status blur(const image_size *size, const uint8_t *image, uint8_t *out, fv_error *error) {
    const double deviation = (size->height < size->width ? size->height : size->width) / 8.0;
    const int reach = (int)ceil(3 * deviation), row = size->width * size->channels;
    float *memory = fv__alloc_array(2 * size->bytes + (size_t)reach + 1, sizeof *memory);
    if (!memory) {
        return fv__fail_memory(error, "a blurred image");
    }
    float *other = memory + size->bytes, *weights = other + size->bytes;
    double sum = 0;
    for (int d = 0; d <= reach; d++) {
        weights[d] = (float)exp(-0.5 * d * d / (deviation * deviation));
        sum += (d ? 2 : 1) * (double)weights[d];
    }
    for (int d = 0; d <= reach; d++) {
        weights[d] = (float)((double)weights[d] / sum);
    }
    for (size_t i = 0; i < size->bytes; i++) {
        memory[i] = (float)image[i];
    }
    for (int y = 0; y < size->height; y++) {
        blur_axis(memory + (ptrdiff_t)y * row, other + (ptrdiff_t)y * row, size->width, size->channels, weights, reach);
    }
    blur_axis(other, memory, size->height, row, weights, reach);
    for (size_t i = 0; i < size->bytes; i++) {
        out[i] = (uint8_t)(memory[i] + 0.5F);
    }
    fv__free(memory);
    return FV_OK;
}

// The images of a curve: the pixels of `from` replaced by those of `to` in this order, from none to all.
static void replace(const image_size *size, const uint8_t *from, const uint8_t *to, const uint32_t *order,
                    uint8_t *images) {
    const size_t channels = (size_t)size->channels;
    size_t done = 0;
    for (size_t point = 0; point < FV_FAITHFULNESS_POINTS; point++, images += size->bytes) {
        memcpy(images, point ? images - size->bytes : from, size->bytes);
        for (size_t wanted = point * size->places / (FV_FAITHFULNESS_POINTS - 1); done < wanted; done++) {
            memcpy(images + order[done] * channels, to + order[done] * channels, channels);
        }
    }
}

// Takes the target's probability out of those of a curve's images; returns the area.
static double read_curve(const fv_explainer *explainer, const float *probabilities, float *curve) {
    double area = 0;
    for (int point = 0; point < FV_FAITHFULNESS_POINTS; point++) {
        bool end = point == 0 || point == FV_FAITHFULNESS_POINTS - 1;
        curve[point] = probabilities[(ptrdiff_t)point * explainer->model->classes + explainer->target];
        area += (double)curve[point] * (end ? 0.5 : 1) / (FV_FAITHFULNESS_POINTS - 1);
    }
    return area;
}

// Both curves of one order of the pixels, whose images are one batch of prediction.
static fv_status measure(fv_explainer *explainer, const uint32_t *order, fv_faithfulness *out, fv_error *error) {
    enum { IMAGES = 2 * FV_FAITHFULNESS_POINTS };
    _Static_assert((int)IMAGES == (int)FV__PREDICTION_BATCH, "the images of two curves should be a batch");
    const image_size size = size_of(explainer);
    const size_t classes = (size_t)explainer->model->classes, half = IMAGES / 2;
    uint8_t colour[FV__MAX_CHANNELS];
    *out = (fv_faithfulness){0};
    uint8_t *images = fv__alloc_array(IMAGES + 2, size.bytes);
    float *probabilities = fv__alloc_array(IMAGES, classes * sizeof *probabilities);
    fv_predictor *predictor;
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(images && probabilities ? FV_OK : fv__fail_memory(error, "the changed images"));
    uint8_t *plain = images + IMAGES * size.bytes, *blurred = plain + size.bytes;
    FV__TRY_OR_DONE(blur(&size, explainer->image, blurred, error));
    fv__explainer_mean_colour(explainer, colour);
    for (size_t p = 0; p < size.places; p++) {
        memcpy(plain + p * (size_t)size.channels, colour, (size_t)size.channels);
    }
    replace(&size, explainer->image, plain, order, images);
    replace(&size, blurred, explainer->image, order, images + half * size.bytes);
    FV__TRY_OR_DONE(fv__explainer_predictor(explainer, &predictor, error));
    FV__TRY_OR_DONE(fv_predictor_run(predictor, images, IMAGES, probabilities, error));
    out->deletion = read_curve(explainer, probabilities, out->deleted);
    out->insertion = read_curve(explainer, probabilities + half * classes, out->inserted);
done:
    fv__free(images);
    fv__free(probabilities);
    return status;
}

// Larger values first; equal ones in a random order, so that a map that says nothing is worth no more than chance and
// no less.
typedef struct ranked_pixel {
    float value;
    uint32_t chance, pixel;
} ranked_pixel;

static int compare(const void *a, const void *b) {
    const ranked_pixel *first = a, *second = b;
    if (first->value != second->value) {
        return first->value > second->value ? -1 : 1;
    }
    return first->chance < second->chance ? -1 : first->chance > second->chance;
}

static fv_status sort_pixels(const float *map, size_t count, uint32_t *order, fv_error *error) {
    ranked_pixel *pixels = fv__alloc_array(count, sizeof *pixels);
    if (!pixels) {
        return fv__fail_memory(error, "the order of the pixels");
    }
    fv__random random = fv__random_start(0, FV__DRAW_EXPLAIN, UINT64_MAX);
    fv__random_permutation(&random, count, order);
    for (size_t p = 0; p < count; p++) {
        pixels[p] = (ranked_pixel){map[p], order[p], (uint32_t)p};
    }
    qsort(pixels, count, sizeof *pixels, compare);
    for (size_t p = 0; p < count; p++) {
        order[p] = pixels[p].pixel;
    }
    fv__free(pixels);
    return FV_OK;
}

static fv_status check(const fv_explainer *explainer, fv_error *error) {
    return explainer->image ? FV_OK
                            : fv__fail(error, FV_INVALID, "no image to explain yet: call fv_explainer_set_image first");
}

fv_status fv_explainer_faithfulness(fv_explainer *explainer, const float *map, fv_faithfulness *out, fv_error *error) {
    const image_size size = size_of(explainer);
    fv_status status = FV_OK;
    FV__TRY(check(explainer, error));
    uint32_t *order = fv__alloc_array(size.places, sizeof *order);
    FV__TRY_OR_DONE(order ? FV_OK : fv__fail_memory(error, "the order of the pixels"));
    FV__TRY_OR_DONE(sort_pixels(map, size.places, order, error));
    FV__TRY_OR_DONE(measure(explainer, order, out, error));
done:
    fv__free(order);
    return status;
}

static void add_share(fv_faithfulness *mean, const fv_faithfulness *one, int repeats) {
    mean->deletion += one->deletion / repeats;
    mean->insertion += one->insertion / repeats;
    for (int point = 0; point < FV_FAITHFULNESS_POINTS; point++) {
        mean->deleted[point] += one->deleted[point] / (float)repeats;
        mean->inserted[point] += one->inserted[point] / (float)repeats;
    }
}

fv_status fv_explainer_random_faithfulness(fv_explainer *explainer, int repeats, uint64_t seed, fv_faithfulness *out,
                                           fv_error *error) {
    const image_size size = size_of(explainer);
    fv_status status = FV_OK;
    FV__TRY(check(explainer, error));
    if (repeats < 1) {
        return fv__fail(error, FV_INVALID, "the mean of %d random orders; at least 1 is needed", repeats);
    }
    uint32_t *order = fv__alloc_array(size.places, sizeof *order);
    FV__TRY_OR_DONE(order ? FV_OK : fv__fail_memory(error, "the order of the pixels"));
    *out = (fv_faithfulness){0};
    for (int i = 0; i < repeats; i++) {
        fv_faithfulness one;
        fv__random random = fv__random_start(seed, FV__DRAW_EXPLAIN, (uint64_t)i);
        fv__random_permutation(&random, size.places, order);
        FV__TRY_OR_DONE(measure(explainer, order, &one, error));
        add_share(out, &one, repeats);
    }
done:
    fv__free(order);
    return status;
}
