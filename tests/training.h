// SPDX-License-Identifier: Apache-2.0
// What the tests of training share: small pictures whose class can be seen, a small model, and a run of both.
#ifndef FOVEA_TESTS_TRAINING_H
#define FOVEA_TESTS_TRAINING_H

#include "scratch.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "train/fit.h"

enum { PICTURE_SIDE = 8, PICTURE_CLASSES = 4, PICTURE_BYTES = PICTURE_SIDE * PICTURE_SIDE };

typedef struct picture_set {
    size_t count;
    uint8_t *pixels; // (count, 8, 8, 1)
    int32_t *labels; // (count)
} picture_set;

// The bright quarter of a picture is its class; the rest is noise.
static inline picture_set pictures_make(size_t count, uint64_t key) {
    picture_set set = {count, malloc(count * PICTURE_BYTES), malloc(count * sizeof(int32_t))};
    assert_true(set.pixels && set.labels);
    fv__random random = fv__random_start(1, FV__DRAW_TEST, key);
    for (size_t i = 0; i < count; i++) {
        int label = set.labels[i] = (int32_t)fv__random_below(&random, PICTURE_CLASSES);
        for (int p = 0; p < PICTURE_BYTES; p++) {
            int quarter = (p / PICTURE_SIDE >= PICTURE_SIDE / 2) * 2 + (p % PICTURE_SIDE >= PICTURE_SIDE / 2);
            uint64_t noise = fv__random_below(&random, 128);
            set.pixels[i * PICTURE_BYTES + (size_t)p] = (uint8_t)(noise + (quarter == label ? 100 : 0));
        }
    }
    return set;
}

static inline void pictures_free(picture_set *set) {
    free(set->pixels);
    free(set->labels);
}

static inline fv_status pictures_read(void *context, size_t index, uint8_t *pixels, fv_error *error) {
    (void)error;
    const picture_set *set = context;
    memcpy(pixels, set->pixels + index * PICTURE_BYTES, PICTURE_BYTES);
    return FV_OK;
}

static inline fv__samples pictures_samples(picture_set *set) {
    return (fv__samples){.count = set->count, .labels = set->labels, .read = pictures_read, .context = set};
}

static __attribute__((unused)) fv_error failure; // of the call inside assert_ok

#define assert_ok(call)                                                                                                \
    do {                                                                                                               \
        if ((call) != FV_OK) {                                                                                         \
            fail_msg("%s: %s", #call, failure.message);                                                                \
        }                                                                                                              \
    } while (0)

#define assert_near(value, wanted, tolerance)                                                                          \
    do {                                                                                                               \
        double value_ = (value), wanted_ = (wanted);                                                                   \
        if (!(fabs(value_ - wanted_) <= (tolerance))) {                                                                \
            fail_msg("%s is %.17g, expected %.17g", #value, value_, wanted_);                                          \
        }                                                                                                              \
    } while (0)

// Convolution, dropout, dense.
static inline fv_model *picture_model(void) {
    fv_model *model;
    assert_ok(fv_model_create(PICTURE_SIDE, PICTURE_SIDE, 1, "unit", &model, &failure));
    assert_ok(fv_model_add(model, &failure, "conv2d: {filters: 6, kernel: 3, activation: relu}"));
    assert_ok(fv_model_add(model, &failure, "max_pool2d: {size: 2}"));
    assert_ok(fv_model_add(model, &failure, "flatten"));
    assert_ok(fv_model_add(model, &failure, "dropout: 0.1"));
    assert_ok(fv_model_add(model, &failure, "dense: {units: 16, activation: relu}"));
    assert_ok(fv_model_add(model, &failure, "dense: {units: %d}", PICTURE_CLASSES));
    return model;
}

// Settings as a recipe's `train:` section says.
static inline fv__train_settings picture_settings(const char *yaml) {
    fv__document *document;
    fv__train_settings settings;
    assert_ok(fv__document_parse(yaml, strlen(yaml), "settings", &document, &failure));
    assert_ok(fv__train_settings_read(fv__document_root(document), &settings, &failure));
    fv__document_free(document);
    return settings;
}

static inline fv__optimizer_settings optimizer_settings(const char *yaml) {
    char text[256];
    snprintf(text, sizeof text, "optimizer: %s", yaml);
    return picture_settings(text).optimizer;
}

#endif
