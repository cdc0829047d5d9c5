// SPDX-License-Identifier: Apache-2.0
// Explanations by gradients, against numbers that are changed to see what happens: gradients of values in the middle,
// of attention weights and memory slots, and Grad-CAM.
#include "explaining.h"
#include "predicting.h"

// --- Gradients

// The map of an image of 8 × 8 pixels whose 4 × 4 tokens have these relevances.
static void assert_gradient_map(fv_explainer *explainer, const double *relevance) {
    float map[64];
    fv_explain_options options = FV_EXPLAIN_OPTIONS;
    options.blocky = true;
    assert_ok(fv_explainer_map(explainer, FV_EXPLAIN_GRADIENT, &options, map, &failure));
    for (int p = 0; p < 64; p++) {
        assert_near((double)map[p], relevance[p / 16 * 4 + p % 8 / 2], 1e-5);
    }
}

// What plans give as the gradient of a value in the middle: that of a table added there, by finite differences.
static void middle_gradients(void **state) {
    (void)state;
    fv_model *model = model_of(8, 1, token_model);
    int table = fv__graph_find_parameter(&model->graph, "position_embedding/embeddings"), node = -1;
    assert_true(table >= 0);
    for (int n = 0; n < model->graph.node_count; n++) {
        node = model->graph.nodes[n].op == &fv__op_position_embedding ? n : node;
    }
    enum { TARGET = 2, CLASSES = 4, COUNT = 16 * 6 };
    fv_explainer *explainer;
    assert_ok(fv_explainer_create(model, NULL, &explainer, &failure));
    explainer->graph.nodes[node].wants_gradient = true;
    assert_ok(fv_explainer_set_image(explainer, image_of(model, 1), TARGET, &failure));
    assert_ok(fv__explainer_differentiate(explainer, &failure));
    const float *gradient = fv__plan_gradient(explainer->backward, node);
    assert_non_null(gradient);
    float *values = model->weights + model->graph.parameters[table].offset;
    for (int i = 0; i < COUNT; i++) {
        const float step = 0.02F, before = values[i];
        float logits[2][CLASSES];
        for (int s = 0; s < 2; s++) {
            values[i] = before + (s ? step : -step);
            fv__model_weights_changed(model);
            assert_ok(logits_once(model, image_of(model, 1), 1, logits[s], &failure));
        }
        values[i] = before;
        double slope = ((double)logits[1][TARGET] - (double)logits[0][TARGET]) / (2 * (double)step);
        assert_near((double)gradient[i], slope, 2e-3 + 0.01 * fabs(slope));
    }
    fv_explainer_free(explainer);
    fv_model_free(model);
}

// A single layer whose output a linear layer reads: the logit is linear in the attention weights, so that its gradient
// is known, ∂y/∂A[q][k] = Σ_f W[q, f] · token[k][f].
static void attention_gradient_by_hand(void **state) {
    (void)state;
    enum { TOKENS = 16, FEATURES = 4, TARGET = 1, CLASSES = 3 };
    fv_model *model = model_of(8, 1, "- patches: 2\n- attention: {units: 3}\n- flatten\n- dense: 3\n");
    fv_explainer *explainer = explainer_of(model, TARGET);
    fv_attention_weights w = *fv_explainer_get_attention(explainer, 0);
    const uint8_t *pixels = image_of(model, 1);
    const float *kernel = parameter(model, "dense/kernel");
    double relevance[TOKENS] = {0};
    float gradient[TOKENS * TOKENS];
    assert_ok(fv__explainer_differentiate(explainer, &failure));
    assert_ok(fv__attention_gradient(explainer, &explainer->layers[0], gradient, &failure));
    for (int q = 0; q < TOKENS; q++) {
        for (int k = 0; k < TOKENS; k++) {
            double d = 0;
            for (int f = 0; f < FEATURES; f++) {
                double token = pixels[(k / 4 * 2 + f / 2) * 8 + k % 4 * 2 + f % 2] / 255.0;
                d += (double)kernel[(q * FEATURES + f) * CLASSES + TARGET] * token;
            }
            assert_near((double)gradient[q * TOKENS + k], d, 1e-5);
            d *= (double)w.weights[q * TOKENS + k];
            relevance[k] += d > 0 ? d : 0;
        }
    }
    assert_gradient_map(explainer, relevance);
    fv_explainer_free(explainer);
    fv_model_free(model);
}

// The rest of a model from external attention's weights on, (tokens, heads, slots) to the target's logit, for finite
// differences: M_v, output projection, average over the tokens, tanh, dense.
static double after_slots(const fv_model *model, const double *weights, int target) {
    enum { TOKENS = 16, HEADS = 4, SLOTS = 4, DIM = 4, WIDTH = HEADS * DIM, FEATURES = 8, CLASSES = 3 };
    const float *mv = parameter(model, "external_attention/mv/kernel"),
                *mv_bias = parameter(model, "external_attention/mv/bias");
    const float *out = parameter(model, "external_attention/out/kernel");
    const float *out_bias = parameter(model, "external_attention/out/bias");
    const float *kernel = parameter(model, "dense_1/kernel"), *bias = parameter(model, "dense_1/bias");
    double mean[FEATURES] = {0}, logit = (double)bias[target];
    for (int t = 0; t < TOKENS; t++) {
        double wide[WIDTH];
        for (int i = 0; i < WIDTH; i++) {
            wide[i] = (double)mv_bias[i % DIM];
            for (int s = 0; s < SLOTS; s++) {
                wide[i] += weights[(t * HEADS + i / DIM) * SLOTS + s] * (double)mv[s * DIM + i % DIM];
            }
        }
        for (int f = 0; f < FEATURES; f++) {
            double sum = (double)out_bias[f];
            for (int i = 0; i < WIDTH; i++) {
                sum += wide[i] * (double)out[i * FEATURES + f];
            }
            mean[f] += tanh(sum) / TOKENS;
        }
    }
    for (int f = 0; f < FEATURES; f++) {
        logit += mean[f] * (double)kernel[f * CLASSES + target];
    }
    return logit;
}

static void slot_gradient_by_differences(void **state) {
    (void)state;
    enum { TOKENS = 16, HEADS = 4, SLOTS = 4, COUNT = TOKENS * HEADS * SLOTS, TARGET = 2 };
    fv_model *model = model_of(8, 1,
                               "- patches: 2\n- dense: 8\n- external_attention: {heads: 2, coefficient: 2, slots: 4}\n"
                               "- activation: tanh\n- global_average_pool\n- dense: 3\n");
    fv_explainer *explainer = explainer_of(model, TARGET);
    fv_attention_weights w = *fv_explainer_get_attention(explainer, 0);
    assert_int_equal(w.heads * w.queries * w.keys, COUNT);
    double weights[COUNT], relevance[TOKENS] = {0};
    float gradient[COUNT], logits[3];
    for (int i = 0; i < COUNT; i++) { // from (heads, tokens, slots)
        int head = i / (TOKENS * SLOTS), token = i / SLOTS % TOKENS;
        weights[(token * HEADS + head) * SLOTS + i % SLOTS] = (double)w.weights[i];
    }
    assert_ok(logits_once(model, image_of(model, 1), 1, logits, &failure));
    assert_near(after_slots(model, weights, TARGET), (double)logits[TARGET], 1e-4);
    assert_ok(fv__explainer_differentiate(explainer, &failure));
    assert_ok(fv__attention_gradient(explainer, &explainer->layers[0], gradient, &failure));
    for (int i = 0; i < COUNT; i++) {
        int head = i / (TOKENS * SLOTS), token = i / SLOTS % TOKENS;
        double *at = &weights[(token * HEADS + head) * SLOTS + i % SLOTS], before = *at, step = 1e-5;
        *at = before + step;
        double slope = after_slots(model, weights, TARGET);
        *at = before - step;
        slope = (slope - after_slots(model, weights, TARGET)) / (2 * step);
        *at = before;
        assert_near((double)gradient[i], slope, 1e-5);
        relevance[token] += slope > 0 ? slope * before / HEADS : 0;
    }
    assert_gradient_map(explainer, relevance);
    fv_explainer_free(explainer);
    fv_model_free(model);
}

// Attention between the heads of a token: its relevance belongs to the token.
static void gradient_over_heads(void **state) {
    (void)state;
    fv_model *model = model_of(6, 1,
                               "- conv2d: {filters: 8, kernel: 3}\n- multi_head_attention: {heads: 4, over: heads}\n"
                               "- flatten\n- dense: 3\n");
    fv_explainer *explainer = explainer_of(model, 0);
    fv_attention_weights w = *fv_explainer_get_attention(explainer, 0);
    float *gradient = calloc((size_t)(w.groups * w.queries * w.keys), sizeof *gradient), map[36];
    assert_non_null(gradient);
    fv_explain_options options = FV_EXPLAIN_OPTIONS;
    options.blocky = true;
    assert_ok(fv_explainer_map(explainer, FV_EXPLAIN_GRADIENT, &options, map, &failure));
    assert_ok(fv__attention_gradient(explainer, &explainer->layers[0], gradient, &failure));
    for (int row = 0; row < 4; row++) {
        for (int column = 0; column < 4; column++) {
            double wanted = 0;
            for (int i = 0; i < w.queries * w.keys; i++) {
                int at = (row * 4 + column) * w.queries * w.keys + i;
                wanted += fmax(0, (double)gradient[at] * (double)w.weights[at]);
            }
            assert_near((double)map[(row + 1) * 6 + column + 1], wanted, 1e-6); // the window's middle
        }
    }
    assert_int_equal(fv_explainer_map(explainer, FV_EXPLAIN_ATTENTION, NULL, map, &failure), FV_UNSUPPORTED);
    assert_int_equal(fv_explainer_map(explainer, FV_EXPLAIN_ROLLOUT, NULL, map, &failure), FV_UNSUPPORTED);
    free(gradient);
    fv_explainer_free(explainer);
    fv_model_free(model);
}

// --- Grad-CAM

enum { CAM_SIDE = 8, CAM_STAGE = 6, CAM_FILTERS = 5, CAM_CLASSES = 3 };

// From the convolutional image on: average, tanh layer, dense.
static double after_stage(const fv_model *model, const double *stage, int target) {
    const float *first = parameter(model, "dense/kernel"), *first_bias = parameter(model, "dense/bias");
    const float *second = parameter(model, "dense_1/kernel"), *second_bias = parameter(model, "dense_1/bias");
    double mean[CAM_FILTERS] = {0}, logit = (double)second_bias[target];
    for (int i = 0; i < CAM_STAGE * CAM_STAGE * CAM_FILTERS; i++) {
        mean[i % CAM_FILTERS] += stage[i] / (CAM_STAGE * CAM_STAGE);
    }
    for (int u = 0; u < 7; u++) {
        double sum = (double)first_bias[u];
        for (int f = 0; f < CAM_FILTERS; f++) {
            sum += mean[f] * (double)first[f * 7 + u];
        }
        logit += tanh(sum) * (double)second[u * CAM_CLASSES + target];
    }
    return logit;
}

static void grad_cam_by_differences(void **state) {
    (void)state;
    fv_model *model = model_of(CAM_SIDE, 2,
                               "- conv2d: {filters: 5, kernel: 3, activation: tanh}\n- global_average_pool\n"
                               "- dense: {units: 7, activation: tanh}\n- dense: 3\n");
    const uint8_t *pixels = image_of(model, 1);
    const float *kernel = parameter(model, "conv2d/kernel"), *bias = parameter(model, "conv2d/bias");
    double stage[CAM_STAGE * CAM_STAGE * CAM_FILTERS];
    for (int i = 0; i < CAM_STAGE * CAM_STAGE * CAM_FILTERS; i++) {
        int row = i / (CAM_STAGE * CAM_FILTERS), column = i / CAM_FILTERS % CAM_STAGE, f = i % CAM_FILTERS;
        double sum = (double)bias[f];
        for (int k = 0; k < 18; k++) { // kernel row, column, channel
            int pixel = ((row + k / 6) * CAM_SIDE + column + k / 2 % 3) * 2 + k % 2;
            sum += pixels[pixel] / 255.0 * (double)kernel[k * CAM_FILTERS + f];
        }
        stage[i] = tanh(sum);
    }
    int positive = 0;
    for (int target = 0; target < CAM_CLASSES; target++) {
        double factors[CAM_FILTERS] = {0};
        float map[CAM_SIDE * CAM_SIDE], logits[CAM_CLASSES];
        assert_ok(logits_once(model, pixels, 1, logits, &failure));
        assert_near(after_stage(model, stage, target), (double)logits[target], 1e-4);
        for (int i = 0; i < CAM_STAGE * CAM_STAGE * CAM_FILTERS; i++) {
            double before = stage[i], step = 1e-4;
            stage[i] = before + step;
            double slope = after_stage(model, stage, target);
            stage[i] = before - step;
            slope = (slope - after_stage(model, stage, target)) / (2 * step);
            stage[i] = before;
            factors[i % CAM_FILTERS] += slope / (CAM_STAGE * CAM_STAGE);
        }
        fv_explainer *explainer = explainer_of(model, target);
        assert_ok(fv_explainer_map(explainer, FV_EXPLAIN_GRAD_CAM, NULL, map, &failure));
        for (int p = 0; p < CAM_STAGE * CAM_STAGE; p++) {
            double sum = 0;
            for (int f = 0; f < CAM_FILTERS; f++) {
                sum += factors[f] * stage[p * CAM_FILTERS + f];
            }
            positive += sum > 0;
            double value = (double)map[(p / CAM_STAGE + 1) * CAM_SIDE + p % CAM_STAGE + 1]; // the window's middle
            assert_near(value, fmax(sum, 0), 1e-6);
        }
        assert_int_equal(fv_explainer_map(explainer, FV_EXPLAIN_GRADIENT, NULL, map, &failure), FV_UNSUPPORTED);
        assert_says(failure, "no attention layer");
        fv_explainer_free(explainer);
    }
    assert_true(positive > 0 && positive < CAM_CLASSES * CAM_STAGE * CAM_STAGE);
    fv_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(middle_gradients),
        cmocka_unit_test(attention_gradient_by_hand),
        cmocka_unit_test(slot_gradient_by_differences),
        cmocka_unit_test(gradient_over_heads),
        cmocka_unit_test(grad_cam_by_differences),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
