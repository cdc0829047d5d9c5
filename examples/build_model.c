// SPDX-License-Identifier: Apache-2.0
// Builds a small attention classifier in code, saves it, loads it again and asks both for a prediction. The weights are
// fresh, so the answer is no better than a guess; training works on recipes (train_recipe.c).
#include <math.h>
#include <stdio.h>

#include "fovea.h"

enum { SIZE = 28, CLASSES = 10 };

// Each layer is written as in a recipe; `fovea help recipe` lists them all. Shapes are checked with every call.
static fv_status build(fv_model **model, fv_error *error) {
    fv_status status = fv_model_create(SIZE, SIZE, 1, "unit", model, error);
    const char *const layers[] = {
        "conv2d: {filters: 16, kernel: 3, activation: relu}", // (26, 26, 16)
        "max_pool2d: {size: 2}",                              // (13, 13, 16)
        "reshape: {shape: [169, 16]}",                        // 169 tokens of 16
        "attention: {units: 8}",                              // each looks at all
        "global_average_pool",                                // (16)
    };
    for (size_t i = 0; i < sizeof layers / sizeof *layers && status == FV_OK; i++) {
        status = fv_model_add(*model, error, "%s", layers[i]);
    }
    return status == FV_OK ? fv_model_add(*model, error, "dense: {units: %d}", CLASSES) : status;
}

static fv_status predict(const fv_model *model, const uint8_t *image, float *probabilities, fv_error *error) {
    fv_predictor *predictor = NULL;
    fv_status status = fv_predictor_create(model, NULL, &predictor, error);
    if (status == FV_OK) {
        status = fv_predictor_run(predictor, image, 1, probabilities, error);
    }
    fv_predictor_free(predictor);
    return status;
}

int main(void) {
    fv_error error;
    fv_model *built = NULL, *loaded = NULL;
    uint8_t image[SIZE * SIZE];
    float first[CLASSES], second[CLASSES];
    for (int i = 0; i < SIZE * SIZE; i++) {
        image[i] = (uint8_t)(i % SIZE * 9); // grey, brighter to the right
    }
    fv_status status = build(&built, &error);
    if (status == FV_OK) {
        printf("%zu weights, %.0f multiply-adds an image\n", fv_model_get_info(built)->parameters,
               fv_model_get_info(built)->multiply_adds);
        status = predict(built, image, first, &error);
    }
    if (status == FV_OK && (status = fv_model_save(built, "built.safetensors", &error)) == FV_OK &&
        (status = fv_model_load("built.safetensors", &loaded, &error)) == FV_OK) {
        status = predict(loaded, image, second, &error);
    }
    for (int c = 0; c < CLASSES && status == FV_OK; c++) {
        printf("class %d: %.4f built, %.4f loaded%s\n", c, (double)first[c], (double)second[c],
               fabsf(first[c] - second[c]) > 0 ? " DIFFERENT" : "");
    }
    if (status != FV_OK) {
        fprintf(stderr, "%s\n", error.message);
    }
    fv_model_free(loaded);
    fv_model_free(built);
    return status == FV_OK ? 0 : 1;
}
