// SPDX-License-Identifier: Apache-2.0
// Attention weights and rollout against plain loops; what an explainer refuses.
#include "explaining.h"
#include "predicting.h"

// --- Attention weights

static void weights_sum_to_one(void **state) {
    (void)state;
    static const char *const models[] = {
        "- patches: 2\n- dense: 6\n- attention: {units: 3}\n- class_token\n- multi_head_attention: {heads: 3}\n"
        "- take_token\n- dense: 3\n",
        "- conv2d: {filters: 8, kernel: 3}\n- multi_head_attention: {heads: 4, over: heads}\n- flatten\n- dense: 3\n",
        "- patches: 2\n- dense: 8\n- residual: [{external_attention: {heads: 2, coefficient: 2}}]\n"
        "- external_attention: {heads: 1, coefficient: 1, slots: 5}\n- global_average_pool\n- dense: 3\n",
    };
    static const struct {
        int groups, heads, queries, keys, before;
        bool slots, residual;
    } wanted[3][2] = {{{1, 1, 16, 16, 0, false, false}, {1, 3, 17, 17, 1, false, false}},
                      {{36, 1, 4, 4, 0, false, false}},
                      {{1, 4, 16, 4, 0, true, true}, {1, 1, 16, 5, 0, true, false}}};
    for (int m = 0; m < 3; m++) {
        fv_model *model = model_of(8, 1, models[m]);
        fv_explainer *explainer = explainer_of(model, -1);
        int layers = fv_explainer_get_result(explainer)->layers;
        assert_int_equal(layers, m == 1 ? 1 : 2);
        for (int i = 0; i < layers; i++) {
            fv_attention_weights w = *fv_explainer_get_attention(explainer, i);
            assert_int_equal(w.groups, wanted[m][i].groups);
            assert_int_equal(w.heads, wanted[m][i].heads);
            assert_int_equal(w.queries, wanted[m][i].queries);
            assert_int_equal(w.keys, wanted[m][i].keys);
            assert_int_equal(w.before, wanted[m][i].before);
            assert_int_equal(w.slots, wanted[m][i].slots);
            assert_int_equal(w.residual, wanted[m][i].residual);
            assert_int_equal(w.rows * w.columns, m == 1 ? 36 : 16);
            for (int q = 0; q < w.groups * w.heads * w.queries; q++) {
                double sum = 0;
                for (int k = 0; k < w.keys; k++) {
                    sum += (double)w.weights[q * w.keys + k];
                }
                assert_near(sum, 1, 1e-5);
            }
        }
        assert_null(fv_explainer_get_attention(explainer, layers)->layer);
        assert_null(fv_explainer_get_attention(explainer, -1)->layer);
        fv_explainer_free(explainer);
        fv_model_free(model);
    }
}

// The weights of `attention: {units}` by hand, and the same probabilities as prediction gives.
static void weights_by_hand(void **state) {
    (void)state;
    enum { TOKENS = 16, FEATURES = 4, UNITS = 3 };
    fv_model *model = model_of(8, 1, "- patches: 2\n- attention: {units: 3}\n- flatten\n- dense: 3\n");
    fv_explainer *explainer = explainer_of(model, -1);
    fv_attention_weights w = *fv_explainer_get_attention(explainer, 0);
    const uint8_t *pixels = image_of(model, 1);
    const float *query = parameter(model, "attention/query/kernel"), *key = parameter(model, "attention/key/kernel");
    double tokens[TOKENS][FEATURES], projected[2][TOKENS][UNITS] = {0};
    for (int t = 0; t < TOKENS; t++) {
        for (int f = 0; f < FEATURES; f++) {
            tokens[t][f] = pixels[(t / 4 * 2 + f / 2) * 8 + t % 4 * 2 + f % 2] / 255.0;
            for (int u = 0; u < UNITS; u++) {
                projected[0][t][u] += tokens[t][f] * (double)query[f * UNITS + u];
                projected[1][t][u] += tokens[t][f] * (double)key[f * UNITS + u];
            }
        }
    }
    for (int q = 0; q < TOKENS; q++) {
        double score[TOKENS] = {0}, sum = 0;
        for (int k = 0; k < TOKENS; k++) {
            for (int u = 0; u < UNITS; u++) {
                score[k] += projected[0][q][u] * projected[1][k][u];
            }
            sum += exp(score[k]);
        }
        for (int k = 0; k < TOKENS; k++) {
            assert_near((double)w.weights[q * TOKENS + k], exp(score[k]) / sum, 1e-5);
        }
    }
    float probabilities[3];
    assert_ok(predict_once(model, pixels, 1, probabilities, &failure));
    fv_explained seen = *fv_explainer_get_result(explainer);
    for (int c = 0; c < 3; c++) {
        assert_near((double)seen.probabilities[c], (double)probabilities[c], 1e-5);
        assert_true(probabilities[c] <= probabilities[seen.predicted]);
    }
    assert_int_equal(seen.target, seen.predicted);
    // One query's weights as a map of blocks: token (1, 2) has the pixels of rows 2-3, columns 4-5.
    float map[64];
    fv_explain_options options = FV_EXPLAIN_OPTIONS;
    options.query = 6;
    options.head = 0;
    options.blocky = true;
    assert_ok(fv_explainer_map(explainer, FV_EXPLAIN_ATTENTION, &options, map, &failure));
    for (int p = 0; p < 64; p++) {
        assert_near((double)map[p], (double)w.weights[6 * TOKENS + p / 16 * 4 + p % 8 / 2], 1e-7);
    }
    // Received: the mean over the queries. Without blocks, in between: pixel (0, 2) lies a quarter of the way from
    // token 1's centre, 2.5, to token 0's, 0.5.
    assert_ok(fv_explainer_map(explainer, FV_EXPLAIN_ATTENTION, NULL, map, &failure));
    double received[2] = {0};
    for (int q = 0; q < TOKENS; q++) {
        received[0] += (double)w.weights[q * TOKENS] / TOKENS;
        received[1] += (double)w.weights[q * TOKENS + 1] / TOKENS;
    }
    assert_near((double)map[0], received[0], 1e-6);
    assert_near((double)map[2], 0.25 * received[0] + 0.75 * received[1], 1e-6);
    fv_explainer_free(explainer);
    fv_model_free(model);
}

// The map of a slot is a column of the weights.
static void slots(void **state) {
    (void)state;
    fv_model *model = model_of(8, 1,
                               "- patches: 2\n- dense: 8\n- external_attention: {heads: 2, coefficient: 2}\n"
                               "- global_average_pool\n- dense: 3\n");
    fv_explainer *explainer = explainer_of(model, 0);
    fv_attention_weights w = *fv_explainer_get_attention(explainer, 0);
    float map[64];
    fv_explain_options options = FV_EXPLAIN_OPTIONS;
    options.query = 3;
    options.blocky = true;
    assert_ok(fv_explainer_map(explainer, FV_EXPLAIN_ATTENTION, &options, map, &failure));
    for (int p = 0; p < 64; p++) {
        double mean = 0;
        for (int head = 0; head < w.heads; head++) {
            mean += (double)w.weights[(head * w.queries + p / 16 * 4 + p % 8 / 2) * w.keys + 3] / w.heads;
        }
        assert_near((double)map[p], mean, 1e-6);
    }
    assert_int_equal(fv_explainer_map(explainer, FV_EXPLAIN_ATTENTION, NULL, map, &failure), FV_UNSUPPORTED);
    assert_says(failure, "choose a slot, 0 to 3");
    assert_int_equal(fv_explainer_map(explainer, FV_EXPLAIN_ROLLOUT, NULL, map, &failure), FV_UNSUPPORTED);
    assert_says(failure, "memory slots");
    assert_int_equal(fv_explainer_map(explainer, FV_EXPLAIN_GRAD_CAM, NULL, map, &failure), FV_UNSUPPORTED);
    fv_explainer_free(explainer);
    fv_model_free(model);
}

// Workers that share the image give the same bits.
static void threads_change_nothing(void **state) {
    (void)state;
    enum { SIDE = 32, PLACES = SIDE * SIDE, TOKENS = 256 };
    static float maps[2][FV_EXPLAIN_OCCLUSION + 1][PLACES], weights[2][8 * TOKENS * TOKENS];
    fv_model *model = model_of(SIDE, 1,
                               "- conv2d: {filters: 64, kernel: 3, padding: same}\n- max_pool2d\n"
                               "- residual: [{multi_head_attention: {heads: 8}}]\n- flatten\n- dense: 3\n");
    for (int i = 0; i < 2; i++) {
        fv_explainer *explainer = explainer_with(model, 2, i ? 4 : 1);
        memcpy(weights[i], fv_explainer_get_attention(explainer, 0)->weights, sizeof weights[i]);
        for (int method = 0; method <= FV_EXPLAIN_OCCLUSION; method++) {
            assert_ok(fv_explainer_map(explainer, (fv_explain_method)method, NULL, maps[i][method], &failure));
        }
        fv_explainer_free(explainer);
    }
    assert_memory_equal(weights[0], weights[1], sizeof weights[0]);
    assert_memory_equal(maps[0], maps[1], sizeof maps[0]);
    fv_model_free(model);
}

// --- Rollout

// The product of the layers' matrices, by the definition.
static void rollout_is_the_product(void **state) {
    (void)state;
    enum { TOKENS = 17 };
    static const struct {
        const char *layers;
        int before;
        bool residual[2];
    } cases[] = {
        {token_model, 0, {true, true}},
        {"- patches: 2\n- dense: 6\n- class_token\n- multi_head_attention: {heads: 2, residual: before_output}\n"
         "- residual: [dense: 6]\n- multi_head_attention: {heads: 3}\n- residual: [dense: 6]\n- take_token\n"
         "- dense: 4\n",
         1,
         {true, false}}};
    for (int c = 0; c < 2; c++) {
        fv_model *model = model_of(8, 1, cases[c].layers);
        fv_explainer *explainer = explainer_of(model, -1);
        double product[TOKENS][TOKENS] = {0}, next[TOKENS][TOKENS];
        const int tokens = 16 + cases[c].before;
        for (int t = 0; t < tokens; t++) {
            product[t][t] = 1;
        }
        for (int i = 0; i < 2; i++) {
            fv_attention_weights w = *fv_explainer_get_attention(explainer, i);
            assert_int_equal(w.residual, cases[c].residual[i]);
            memset(next, 0, sizeof next);
            for (int q = 0; q < tokens; q++) {
                for (int k = 0; k < tokens; k++) {
                    double mixed = 0;
                    for (int head = 0; head < w.heads; head++) {
                        mixed += (double)w.weights[(head * tokens + q) * tokens + k] / w.heads;
                    }
                    mixed = w.residual ? 0.5 * mixed + 0.5 * (q == k) : mixed;
                    for (int t = 0; t < tokens; t++) {
                        next[q][t] += mixed * product[k][t];
                    }
                }
            }
            memcpy(product, next, sizeof product);
        }
        float map[64];
        fv_explain_options options = FV_EXPLAIN_OPTIONS;
        options.blocky = true;
        assert_ok(fv_explainer_map(explainer, FV_EXPLAIN_ROLLOUT, &options, map, &failure));
        for (int p = 0; p < 64; p++) {
            int token = cases[c].before + p / 16 * 4 + p % 8 / 2;
            double wanted = 0;
            for (int q = 0; q < tokens; q++) {
                wanted += cases[c].before ? (q == 0) * product[q][token] : product[q][token] / tokens;
            }
            assert_near((double)map[p], wanted, 1e-6);
        }
        fv_explainer_free(explainer);
        fv_model_free(model);
    }
}

// An explainer that was made before the weights changed sees the new ones.
static void follows_the_weights(void **state) {
    (void)state;
    float maps[2][64];
    fv_model *model = model_of(8, 1, token_model);
    fv_explainer *old = explainer_of(model, 1);
    assert_ok(fv_explainer_map(old, FV_EXPLAIN_GRADIENT, NULL, maps[0], &failure));
    for (size_t i = 0; i < model->graph.weight_count; i++) {
        model->weights[i] *= 0.5F;
    }
    fv__model_weights_changed(model);
    fv_explainer *fresh = explainer_of(model, 1);
    assert_ok(fv_explainer_set_image(old, image_of(model, 1), 1, &failure));
    assert_memory_equal(fv_explainer_get_result(old)->probabilities, fv_explainer_get_result(fresh)->probabilities,
                        4 * sizeof(float));
    assert_ok(fv_explainer_map(old, FV_EXPLAIN_GRADIENT, NULL, maps[0], &failure));
    assert_ok(fv_explainer_map(fresh, FV_EXPLAIN_GRADIENT, NULL, maps[1], &failure));
    assert_memory_equal(maps[0], maps[1], sizeof maps[0]);
    fv_explainer_free(old);
    fv_explainer_free(fresh);
    fv_model_free(model);
}

// --- Mistakes

static void mistakes(void **state) {
    (void)state;
    fv_model *model = model_of(8, 1, token_model);
    fv_explainer *explainer;
    float map[64];
    assert_ok(fv_explainer_create(model, NULL, &explainer, &failure));
    assert_int_equal(fv_explainer_map(explainer, FV_EXPLAIN_ROLLOUT, NULL, map, &failure), FV_INVALID);
    assert_says(failure, "fv_explainer_set_image");
    assert_null(fv_explainer_get_attention(explainer, 0)->weights);
    assert_int_equal(fv_explainer_set_image(explainer, image_of(model, 1), 4, &failure), FV_INVALID);
    assert_says(failure, "0 to 3");
    assert_ok(fv_explainer_set_image(explainer, image_of(model, 1), 3, &failure));
    assert_int_equal(fv_explainer_get_result(explainer)->target, 3);
    fv_explain_options options = FV_EXPLAIN_OPTIONS;
    options.layer = 2;
    assert_int_equal(fv_explainer_map(explainer, FV_EXPLAIN_ATTENTION, &options, map, &failure), FV_INVALID);
    assert_int_equal(fv_explainer_map(explainer, FV_EXPLAIN_GRADIENT, &options, map, &failure), FV_INVALID);
    options = (fv_explain_options)FV_EXPLAIN_OPTIONS;
    options.head = 3;
    assert_int_equal(fv_explainer_map(explainer, FV_EXPLAIN_ATTENTION, &options, map, &failure), FV_INVALID);
    assert_says(failure, "0 to 2");
    options = (fv_explain_options)FV_EXPLAIN_OPTIONS;
    options.query = 16;
    assert_int_equal(fv_explainer_map(explainer, FV_EXPLAIN_ATTENTION, &options, map, &failure), FV_INVALID);
    assert_int_equal(fv_explainer_map(explainer, (fv_explain_method)9, NULL, map, &failure), FV_INVALID);
    fv_explainer_free(explainer);
    fv_explainer_free(NULL);
    fv_model_free(model);
    assert_ok(fv_model_create(8, 8, 1, "unit", &model, &failure));
    assert_int_equal(fv_explainer_create(model, NULL, &explainer, &failure), FV_INVALID);
    assert_null(explainer);
    fv_model_free(model);
}

static fv_status explain_all(fv_model *model) {
    fv_explainer *explainer;
    fv_faithfulness found;
    float map[64];
    const fv_explainer_options options = {.size = sizeof options, .threads = 1};
    fv_status status = fv_explainer_create(model, &options, &explainer, &failure);
    if (!status) {
        status = fv_explainer_set_image(explainer, image_of(model, 1), 1, &failure);
    }
    for (int method = 0; method <= FV_EXPLAIN_OCCLUSION && !status; method++) {
        status = fv_explainer_map(explainer, (fv_explain_method)method, NULL, map, &failure);
    }
    if (!status) {
        status = fv_explainer_faithfulness(explainer, map, &found, &failure);
    }
    if (!status) {
        status = fv_explainer_random_faithfulness(explainer, 1, 1, &found, &failure);
    }
    fv_explainer_free(explainer);
    return status;
}

static void survives_without_memory(void **state) {
    (void)state;
    fv_model *model = model_of(
        8, 1, "- conv2d: {filters: 4, kernel: 3}\n- residual: [{attention: {units: 2}}]\n- flatten\n- dense: 2\n");
    assert_survives_allocation_failure(explain_all(model), failure);
    fv_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_sum_to_one),     cmocka_unit_test(weights_by_hand),         cmocka_unit_test(slots),
        cmocka_unit_test(threads_change_nothing), cmocka_unit_test(rollout_is_the_product),  cmocka_unit_test(mistakes),
        cmocka_unit_test(follows_the_weights),    cmocka_unit_test(survives_without_memory),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
