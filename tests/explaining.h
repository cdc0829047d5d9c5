// SPDX-License-Identifier: Apache-2.0
// What the tests of explanations share: a model with biases, an image of noise, an explainer that has looked at it.
#ifndef FOVEA_TESTS_EXPLAINING_H
#define FOVEA_TESTS_EXPLAINING_H

#include "training.h"

#include "explain/explainer.h"

enum { MOST = 4096 }; // bytes of an image

static inline fv_model *model_of(int side, int channels, const char *layers) {
    fv_model *model;
    assert_ok(fv_model_create(side, side, channels, "unit", &model, &failure));
    assert_ok(fv_model_add(model, &failure, "%s", layers));
    fv__random random = fv__random_start(9, FV__DRAW_TEST, 0); // biases, too, should not be zero
    for (size_t i = 0; i < model->graph.weight_count; i++) {
        model->weights[i] += (float)(0.2 * fv__random_uniform(&random) - 0.1);
    }
    return model;
}

static inline const uint8_t *image_of(const fv_model *model, uint64_t key) {
    static uint8_t pixels[MOST];
    fv_model_info info = *fv_model_get_info(model);
    assert_true(info.height * info.width * info.channels <= MOST);
    fv__random random = fv__random_start(3, FV__DRAW_TEST, key);
    for (int i = 0; i < MOST; i++) {
        pixels[i] = (uint8_t)fv__random_below(&random, 256);
    }
    return pixels;
}

static inline fv_explainer *explainer_with(const fv_model *model, int target, int threads) {
    const fv_explainer_options options = {.size = sizeof options, .threads = threads};
    fv_explainer *explainer;
    assert_ok(fv_explainer_create(model, &options, &explainer, &failure));
    assert_ok(fv_explainer_set_image(explainer, image_of(model, 1), target, &failure));
    return explainer;
}

static inline fv_explainer *explainer_of(const fv_model *model, int target) {
    return explainer_with(model, target, 0);
}

static inline const float *parameter(const fv_model *model, const char *name) {
    int p = fv__graph_find_parameter(&model->graph, name);
    assert_true(p >= 0);
    return model->weights + model->graph.parameters[p].offset;
}

// Two attention layers with residuals over 16 tokens.
static __attribute__((unused)) const char *const token_model =
    "- patches: 2\n- dense: {units: 6}\n- position_embedding\n"
    "- residual: [layer_norm, {multi_head_attention: {heads: 2}}]\n"
    "- residual: [layer_norm, {dense: {units: 6, activation: tanh}}]\n"
    "- residual: [layer_norm, {multi_head_attention: {heads: 3}}]\n"
    "- global_average_pool\n- dense: 4\n";

#endif
