// Explanations against slow computations of their own: attention weights, rollout and Grad-CAM written out in plain
// loops, gradients and receptive fields by changing numbers and looking what happens.
#include "training.h"

#include "explain/explainer.h"

enum { MOST = 4096 };

static fv_model *model_of(int side, int channels, const char *layers) {
    fv_model *model;
    assert_ok(fv_model_start(side, side, channels, "unit", &model, &failure));
    assert_ok(fv_model_add(model, &failure, "%s", layers));
    fv__random random = fv__random_start(9, FV__DRAW_TEST, 0); // biases, too, should not be zero
    for (size_t i = 0; i < model->graph.weight_count; i++) {
        model->weights[i] += (float)(0.2 * fv__random_uniform(&random) - 0.1);
    }
    return model;
}

static const uint8_t *image_of(const fv_model *model, uint64_t key) {
    static uint8_t pixels[MOST];
    fv_model_info info = fv_model_describe(model);
    assert_true(info.height * info.width * info.channels <= MOST);
    fv__random random = fv__random_start(3, FV__DRAW_TEST, key);
    for (int i = 0; i < MOST; i++) {
        pixels[i] = (uint8_t)fv__random_below(&random, 256);
    }
    return pixels;
}

static fv_explainer *explainer_of(fv_model *model, int target) {
    fv_explainer *explainer;
    assert_ok(fv_explainer_open(model, &explainer, &failure));
    assert_ok(fv_explainer_look(explainer, image_of(model, 1), target, &failure));
    return explainer;
}

static const float *parameter(const fv_model *model, const char *name) {
    int p = fv__graph_find_parameter(&model->graph, name);
    assert_true(p >= 0);
    return model->weights + model->graph.parameters[p].offset;
}

// --- Attention weights

static const char *const token_model = "- patches: 2\n- dense: {units: 6}\n- position_embedding\n"
                                       "- residual: [layer_norm, {multi_head_attention: {heads: 2}}]\n"
                                       "- residual: [layer_norm, {dense: {units: 6, activation: tanh}}]\n"
                                       "- residual: [layer_norm, {multi_head_attention: {heads: 3}}]\n"
                                       "- global_average_pool\n- dense: 4\n";

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
        int layers = fv_explainer_describe(explainer).layers;
        assert_int_equal(layers, m == 1 ? 1 : 2);
        for (int i = 0; i < layers; i++) {
            fv_attention_weights w = fv_explainer_attention(explainer, i);
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
        assert_null(fv_explainer_attention(explainer, layers).layer);
        assert_null(fv_explainer_attention(explainer, -1).layer);
        fv_explainer_close(explainer);
        fv_model_free(model);
    }
}

// The weights of `attention: {units}` by hand, and the same probabilities as prediction gives.
static void weights_by_hand(void **state) {
    (void)state;
    enum { TOKENS = 16, FEATURES = 4, UNITS = 3 };
    fv_model *model = model_of(8, 1, "- patches: 2\n- attention: {units: 3}\n- flatten\n- dense: 3\n");
    fv_explainer *explainer = explainer_of(model, -1);
    fv_attention_weights w = fv_explainer_attention(explainer, 0);
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
    assert_ok(fv_predict(model, pixels, 1, probabilities, &failure));
    fv_explained seen = fv_explainer_describe(explainer);
    for (int c = 0; c < 3; c++) {
        assert_near((double)seen.probabilities[c], (double)probabilities[c], 1e-5);
        assert_true(probabilities[c] <= probabilities[seen.predicted]);
    }
    assert_int_equal(seen.target, seen.predicted);
    // One query's weights as a map of blocks: token (1, 2) has the pixels of rows 2-3, columns 4-5.
    float map[64];
    fv_explain_options options = FV_EXPLAIN_DEFAULTS;
    options.query = 6;
    options.head = 0;
    options.blocky = true;
    assert_ok(fv_explain(explainer, FV_EXPLAIN_ATTENTION, &options, map, &failure));
    for (int p = 0; p < 64; p++) {
        assert_near((double)map[p], (double)w.weights[6 * TOKENS + p / 16 * 4 + p % 8 / 2], 1e-7);
    }
    // Received: the mean over the queries. Without blocks, in between: pixel (0, 2) lies a quarter of the way from
    // token 1's centre, 2.5, to token 0's, 0.5.
    assert_ok(fv_explain(explainer, FV_EXPLAIN_ATTENTION, NULL, map, &failure));
    double received[2] = {0};
    for (int q = 0; q < TOKENS; q++) {
        received[0] += (double)w.weights[q * TOKENS] / TOKENS;
        received[1] += (double)w.weights[q * TOKENS + 1] / TOKENS;
    }
    assert_near((double)map[0], received[0], 1e-6);
    assert_near((double)map[2], 0.25 * received[0] + 0.75 * received[1], 1e-6);
    fv_explainer_close(explainer);
    fv_model_free(model);
}

// The map of a slot is a column of the weights.
static void slots(void **state) {
    (void)state;
    fv_model *model = model_of(8, 1,
                               "- patches: 2\n- dense: 8\n- external_attention: {heads: 2, coefficient: 2}\n"
                               "- global_average_pool\n- dense: 3\n");
    fv_explainer *explainer = explainer_of(model, 0);
    fv_attention_weights w = fv_explainer_attention(explainer, 0);
    float map[64];
    fv_explain_options options = FV_EXPLAIN_DEFAULTS;
    options.query = 3;
    options.blocky = true;
    assert_ok(fv_explain(explainer, FV_EXPLAIN_ATTENTION, &options, map, &failure));
    for (int p = 0; p < 64; p++) {
        double mean = 0;
        for (int head = 0; head < w.heads; head++) {
            mean += (double)w.weights[(head * w.queries + p / 16 * 4 + p % 8 / 2) * w.keys + 3] / w.heads;
        }
        assert_near((double)map[p], mean, 1e-6);
    }
    assert_int_equal(fv_explain(explainer, FV_EXPLAIN_ATTENTION, NULL, map, &failure), FV_UNSUPPORTED);
    assert_says(failure, "choose a slot, 0 to 3");
    assert_int_equal(fv_explain(explainer, FV_EXPLAIN_ROLLOUT, NULL, map, &failure), FV_UNSUPPORTED);
    assert_says(failure, "memory slots");
    assert_int_equal(fv_explain(explainer, FV_EXPLAIN_GRAD_CAM, NULL, map, &failure), FV_UNSUPPORTED);
    fv_explainer_close(explainer);
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
            fv_attention_weights w = fv_explainer_attention(explainer, i);
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
        fv_explain_options options = FV_EXPLAIN_DEFAULTS;
        options.blocky = true;
        assert_ok(fv_explain(explainer, FV_EXPLAIN_ROLLOUT, &options, map, &failure));
        for (int p = 0; p < 64; p++) {
            int token = cases[c].before + p / 16 * 4 + p % 8 / 2;
            double wanted = 0;
            for (int q = 0; q < tokens; q++) {
                wanted += cases[c].before ? (q == 0) * product[q][token] : product[q][token] / tokens;
            }
            assert_near((double)map[p], wanted, 1e-6);
        }
        fv_explainer_close(explainer);
        fv_model_free(model);
    }
}

// --- Gradients

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
    assert_ok(fv_explainer_open(model, &explainer, &failure));
    explainer->graph.nodes[node].wants_gradient = true;
    assert_ok(fv_explainer_look(explainer, image_of(model, 1), TARGET, &failure));
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
            assert_ok(fv__model_logits(model, image_of(model, 1), 1, logits[s], &failure));
        }
        values[i] = before;
        double slope = ((double)logits[1][TARGET] - (double)logits[0][TARGET]) / (2 * (double)step);
        assert_near((double)gradient[i], slope, 2e-3 + 0.01 * fabs(slope));
    }
    fv_explainer_close(explainer);
    fv_model_free(model);
}

// A single layer whose output a linear layer reads: the logit is linear in the attention weights, so that its gradient
// is known, ∂y/∂A[q][k] = Σ_f W[q, f] · token[k][f].
static void attention_gradient_by_hand(void **state) {
    (void)state;
    enum { TOKENS = 16, FEATURES = 4, TARGET = 1, CLASSES = 3 };
    fv_model *model = model_of(8, 1, "- patches: 2\n- attention: {units: 3}\n- flatten\n- dense: 3\n");
    fv_explainer *explainer = explainer_of(model, TARGET);
    fv_attention_weights w = fv_explainer_attention(explainer, 0);
    const uint8_t *pixels = image_of(model, 1);
    const float *kernel = parameter(model, "dense/kernel");
    double relevance[TOKENS] = {0};
    float gradient[TOKENS * TOKENS], map[64];
    assert_ok(fv__explainer_differentiate(explainer, &failure));
    fv__attention_gradient(explainer, &explainer->layers[0], gradient);
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
    fv_explain_options options = FV_EXPLAIN_DEFAULTS;
    options.blocky = true;
    assert_ok(fv_explain(explainer, FV_EXPLAIN_GRADIENT, &options, map, &failure));
    for (int p = 0; p < 64; p++) {
        assert_near((double)map[p], relevance[p / 16 * 4 + p % 8 / 2], 1e-5);
    }
    fv_explainer_close(explainer);
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
    fv_attention_weights w = fv_explainer_attention(explainer, 0);
    assert_int_equal(w.heads * w.queries * w.keys, COUNT);
    double weights[COUNT], relevance[TOKENS] = {0};
    float gradient[COUNT], map[64], logits[3];
    for (int i = 0; i < COUNT; i++) { // from (heads, tokens, slots)
        int head = i / (TOKENS * SLOTS), token = i / SLOTS % TOKENS;
        weights[(token * HEADS + head) * SLOTS + i % SLOTS] = (double)w.weights[i];
    }
    assert_ok(fv__model_logits(model, image_of(model, 1), 1, logits, &failure));
    assert_near(after_slots(model, weights, TARGET), (double)logits[TARGET], 1e-4);
    assert_ok(fv__explainer_differentiate(explainer, &failure));
    fv__attention_gradient(explainer, &explainer->layers[0], gradient);
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
    fv_explain_options options = FV_EXPLAIN_DEFAULTS;
    options.blocky = true;
    assert_ok(fv_explain(explainer, FV_EXPLAIN_GRADIENT, &options, map, &failure));
    for (int p = 0; p < 64; p++) {
        assert_near((double)map[p], relevance[p / 16 * 4 + p % 8 / 2], 1e-5);
    }
    fv_explainer_close(explainer);
    fv_model_free(model);
}

// Attention between the heads of a token: its relevance belongs to the token.
static void gradient_over_heads(void **state) {
    (void)state;
    fv_model *model = model_of(6, 1,
                               "- conv2d: {filters: 8, kernel: 3}\n- multi_head_attention: {heads: 4, over: heads}\n"
                               "- flatten\n- dense: 3\n");
    fv_explainer *explainer = explainer_of(model, 0);
    fv_attention_weights w = fv_explainer_attention(explainer, 0);
    float *gradient = calloc((size_t)(w.groups * w.queries * w.keys), sizeof *gradient), map[36];
    assert_non_null(gradient);
    fv_explain_options options = FV_EXPLAIN_DEFAULTS;
    options.blocky = true;
    assert_ok(fv_explain(explainer, FV_EXPLAIN_GRADIENT, &options, map, &failure));
    fv__attention_gradient(explainer, &explainer->layers[0], gradient);
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
    assert_int_equal(fv_explain(explainer, FV_EXPLAIN_ATTENTION, NULL, map, &failure), FV_UNSUPPORTED);
    assert_int_equal(fv_explain(explainer, FV_EXPLAIN_ROLLOUT, NULL, map, &failure), FV_UNSUPPORTED);
    free(gradient);
    fv_explainer_close(explainer);
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
        assert_ok(fv__model_logits(model, pixels, 1, logits, &failure));
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
        assert_ok(fv_explain(explainer, FV_EXPLAIN_GRAD_CAM, NULL, map, &failure));
        for (int p = 0; p < CAM_STAGE * CAM_STAGE; p++) {
            double sum = 0;
            for (int f = 0; f < CAM_FILTERS; f++) {
                sum += factors[f] * stage[p * CAM_FILTERS + f];
            }
            positive += sum > 0;
            double value = (double)map[(p / CAM_STAGE + 1) * CAM_SIDE + p % CAM_STAGE + 1]; // the window's middle
            assert_near(value, fmax(sum, 0), 1e-6);
        }
        assert_int_equal(fv_explain(explainer, FV_EXPLAIN_GRADIENT, NULL, map, &failure), FV_UNSUPPORTED);
        assert_says(failure, "no attention layer");
        fv_explainer_close(explainer);
    }
    assert_true(positive > 0 && positive < CAM_CLASSES * CAM_STAGE * CAM_STAGE);
    fv_model_free(model);
}

// --- Geometry

typedef struct frame {
    const fv_model *model;
    const uint8_t *pixels;
} frame;

static fv_status render(void *context, int input, int first, int count, int worker, float *out, fv_error *error) {
    (void)input, (void)first, (void)worker, (void)error;
    const frame *now = context;
    fv__model_preprocess(now->model, now->pixels, count, out);
    return FV_OK;
}

// Marks in `changed` (pixels, rows) which rows of the model's last value change with which pixel of some images.
static void find_changes(const fv_model *model, int rows, bool *changed) {
    const fv__kernels *kernels;
    fv__plan *plan;
    fv__pool *pool;
    fv_model_info info = fv_model_describe(model);
    const int count = info.height * info.width;
    const size_t size = fv__shape_elements(fv__graph_shape(&model->graph, model->top));
    float *before = calloc(size, sizeof *before);
    uint8_t pixels[MOST];
    frame now = {model, pixels};
    const fv__feed feed = {.samples = 1, .weights = model->weights, .render = render, .context = &now};
    assert_ok(fv__kernels_select(NULL, &kernels, &failure));
    assert_ok(fv__pool_create(1, &pool, &failure));
    assert_ok(fv__plan_create(&model->graph, kernels, 1, &(fv__plan_options){.batch = 1, .root = model->top}, &plan,
                              &failure));
    for (int trial = 0; trial < 12; trial++) {
        memcpy(pixels, image_of(model, (uint64_t)trial), (size_t)count);
        assert_ok(fv__plan_run(plan, pool, &feed, &failure));
        memcpy(before, fv__plan_value(plan, model->top), size * sizeof *before);
        for (int p = 0; p < 2 * count; p++) {
            uint8_t kept = pixels[p / 2];
            pixels[p / 2] = p % 2 ? 255 : 0;
            assert_ok(fv__plan_run(plan, pool, &feed, &failure));
            const float *after = fv__plan_value(plan, model->top);
            for (size_t i = 0; i < size; i++) {
                changed[(size_t)(p / 2 * rows) + i / (size / (size_t)rows)] |= before[i] != after[i];
            }
            pixels[p / 2] = kept;
        }
    }
    fv__plan_destroy(plan);
    fv__pool_destroy(pool);
    free(before);
}

static void fields_by_brute_force(void **state) {
    (void)state;
    static const struct {
        const char *layers;
        int before, rows, columns;
        double origin, step, field;
    } cases[] = {
        {"conv2d: {filters: 2, kernel: 3}", 0, 10, 10, 1, 1, 3},
        {"patches: 3", 0, 4, 4, 1, 3, 3},
        {"conv2d: {filters: 2, kernel: 3, stride: 2, padding: same}", 0, 6, 6, 1, 2, 3},
        {"- conv2d: {filters: 3, kernel: 4, padding: same}\n- max_pool2d\n- conv2d: {filters: 4, kernel: 2}\n"
         "- layer_norm\n- reshape: {shape: [25, 4]}\n- dense: 5\n- position_embedding\n- residual: [dense: 5]\n",
         0, 5, 5, 2, 2, 7},
        {"- conv2d: {filters: 2, kernel: 2}\n- depthwise_conv2d: {kernel: 3, stride: 2, padding: same}\n", 0, 6, 6, 0.5,
         2, 4},
        {"- max_pool2d: {size: 3, stride: 2, padding: same}\n- class_token\n- dense: 4\n", 1, 6, 6, 1, 2, 3},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        fv_model *model = model_of(12, 1, cases[c].layers);
        fv__token_grid *grids = calloc((size_t)model->graph.node_count, sizeof *grids);
        fv__geometry(&model->graph, model->input, grids);
        const fv__token_grid *grid = &grids[model->top];
        assert_true(grid->placed);
        assert_int_equal(grid->before, cases[c].before);
        assert_int_equal(grid->rows, cases[c].rows);
        assert_int_equal(grid->columns, cases[c].columns);
        const int tokens = fv__token_count(grid);
        bool *changed = calloc(144 * (size_t)tokens, sizeof *changed);
        find_changes(model, tokens, changed);
        for (int axis = 0; axis < 2; axis++) {
            assert_near(grid->origin[axis], cases[c].origin, 1e-9);
            assert_near(grid->step[axis], cases[c].step, 1e-9);
            assert_near(grid->field[axis], cases[c].field, 1e-9);
        }
        for (int i = 0; i < 144 * tokens; i++) {
            int pixel[2] = {i / tokens / 12, i / tokens % 12}, token = i % tokens - grid->before;
            int place[2] = {token / grid->columns, token % grid->columns};
            bool inside = token >= 0;
            for (int axis = 0; axis < 2; axis++) {
                double centre = grid->origin[axis] + grid->step[axis] * place[axis];
                inside = inside && fabs(pixel[axis] - centre) <= (grid->field[axis] - 1) / 2 + 1e-9;
            }
            if (changed[i] != inside) {
                fail_msg("case %zu: token %d and pixel (%d, %d)", c, token, pixel[0], pixel[1]);
            }
        }
        free(changed);
        free(grids);
        fv_model_free(model);
    }
}

// Where places are mixed, nothing has one.
static void no_places(void **state) {
    (void)state;
    static const char *const mixed[] = {
        "- flatten\n- dense: 16\n- reshape: {shape: [4, 4]}\n- attention\n- flatten\n- dense: 2\n",
        "- global_average_pool\n- reshape: {shape: [1, 1]}\n- attention\n- flatten\n- dense: 2\n"};
    float map[64];
    for (int i = 0; i < 2; i++) {
        fv_model *model = model_of(8, 1, mixed[i]);
        fv_explainer *explainer = explainer_of(model, -1);
        assert_int_equal(fv_explainer_attention(explainer, 0).rows, 0);
        assert_non_null(fv_explainer_attention(explainer, 0).weights);
        for (int method = FV_EXPLAIN_ATTENTION; method <= FV_EXPLAIN_GRAD_CAM; method++) {
            assert_int_equal(fv_explain(explainer, (fv_explain_method)method, NULL, map, &failure), FV_UNSUPPORTED);
        }
        assert_ok(fv_explain(explainer, FV_EXPLAIN_OCCLUSION, NULL, map, &failure));
        fv_explainer_close(explainer);
        fv_model_free(model);
    }
}

// --- Occlusion and faithfulness

static const char *const dense_model = "- flatten\n- dense: {units: 6, activation: tanh}\n- dense: 3\n";

static double logit_of(fv_model *model, const uint8_t *pixels, int target) {
    float logits[3];
    assert_ok(fv__model_logits(model, pixels, 1, logits, &failure));
    return (double)logits[target];
}

static void occlusion_square_by_square(void **state) {
    (void)state;
    enum { SIDE = 9, SQUARE = 4, TARGET = 1 }; // squares at 0, 2, 4 and 5, along both axes
    static const int corners[] = {0, 2, 4, 5};
    fv_model *model = model_of(SIDE, 1, dense_model);
    fv_explainer *explainer = explainer_of(model, TARGET);
    uint8_t pixels[MOST], covered[MOST];
    memcpy(pixels, image_of(model, 1), MOST);
    double sum = 0, wanted[SIDE * SIDE] = {0};
    int times[SIDE * SIDE] = {0};
    for (int p = 0; p < SIDE * SIDE; p++) {
        sum += pixels[p];
    }
    for (int s = 0; s < 16; s++) {
        memcpy(covered, pixels, MOST);
        for (int pass = 0; pass < 2; pass++) {
            double drop = pass ? logit_of(model, pixels, TARGET) - logit_of(model, covered, TARGET) : 0;
            for (int i = 0; i < SQUARE * SQUARE; i++) {
                int p = (corners[s / 4] + i / SQUARE) * SIDE + corners[s % 4] + i % SQUARE;
                covered[p] = (uint8_t)(sum / (SIDE * SIDE) + 0.5);
                wanted[p] += drop;
                times[p] += pass;
            }
        }
    }
    float map[SIDE * SIDE];
    fv_explain_options options = FV_EXPLAIN_DEFAULTS;
    options.patch = SQUARE;
    assert_ok(fv_explain(explainer, FV_EXPLAIN_OCCLUSION, &options, map, &failure));
    for (int p = 0; p < SIDE * SIDE; p++) {
        assert_near((double)map[p], wanted[p] / times[p], 1e-5);
    }
    options.patch = SIDE + 1;
    assert_int_equal(fv_explain(explainer, FV_EXPLAIN_OCCLUSION, &options, map, &failure), FV_INVALID);
    fv_explainer_close(explainer);
    fv_model_free(model);
}

static void faithfulness(void **state) {
    (void)state;
    enum { SIDE = 9, PLACES = SIDE * SIDE, TARGET = 1 };
    fv_model *model = model_of(SIDE, 1, dense_model);
    fv_explainer *explainer = explainer_of(model, TARGET);
    uint8_t pixels[MOST];
    memcpy(pixels, image_of(model, 1), MOST);
    float map[PLACES], probabilities[3];
    double sum = 0, area = 0;
    for (int p = 0; p < PLACES; p++) {
        map[p] = (float)(p * 37 % PLACES); // a permutation
        sum += pixels[p];
    }
    fv_faithfulness found, random, again;
    assert_ok(fv_explain_faithfulness(explainer, map, &found, &failure));
    for (int point = 0; point < FV_FAITHFULNESS_POINTS; point++) {
        int deleted = point * PLACES / (FV_FAITHFULNESS_POINTS - 1);
        uint8_t changed[MOST];
        memcpy(changed, pixels, MOST);
        for (int p = 0; p < PLACES; p++) {
            changed[p] = map[p] >= (float)(PLACES - deleted) ? (uint8_t)(sum / PLACES + 0.5) : pixels[p];
        }
        assert_ok(fv_predict(model, changed, 1, probabilities, &failure));
        assert_near((double)found.deleted[point], (double)probabilities[TARGET], 1e-5);
        area +=
            point ? (double)(found.deleted[point] + found.deleted[point - 1]) / 2 / (FV_FAITHFULNESS_POINTS - 1) : 0;
    }
    assert_near(found.deletion, area, 1e-6);
    // Insertion ends with the image itself, and begins with one in which next to nothing is left.
    assert_near((double)found.inserted[FV_FAITHFULNESS_POINTS - 1], (double)found.deleted[0], 1e-6);
    assert_true(found.inserted[0] != found.deleted[0]);
    assert_ok(fv_explain_random(explainer, 3, 5, &random, &failure));
    assert_ok(fv_explain_random(explainer, 3, 5, &again, &failure));
    assert_memory_equal(&random, &again, sizeof random);
    assert_ok(fv_explain_random(explainer, 3, 6, &again, &failure));
    assert_true(random.deletion != again.deletion);
    assert_near((double)random.deleted[0], (double)found.deleted[0], 1e-6);
    assert_int_equal(fv_explain_random(explainer, 0, 5, &again, &failure), FV_INVALID);
    fv_explainer_close(explainer);
    fv_model_free(model);
}

// A model that looks at one pixel is found out: its map is the most faithful there is, its opposite the least.
static void the_pixel_that_counts(void **state) {
    (void)state;
    enum { SIDE = 8, PLACES = SIDE * SIDE, PIXEL = 3 * SIDE + 5 };
    fv_model *model = model_of(SIDE, 1, "- flatten\n- dense: 2\n");
    memset(model->weights, 0, model->graph.weight_count * sizeof(float));
    model->weights[PIXEL * 2 + 1] = 8;
    uint8_t pixels[PLACES] = {0};
    pixels[PIXEL] = 255;
    fv_explainer *explainer;
    assert_ok(fv_explainer_open(model, &explainer, &failure));
    assert_ok(fv_explainer_look(explainer, pixels, -1, &failure));
    float map[PLACES];
    fv_faithfulness good, bad;
    fv_explain_options options = FV_EXPLAIN_DEFAULTS;
    options.patch = 1;
    assert_ok(fv_explain(explainer, FV_EXPLAIN_OCCLUSION, &options, map, &failure));
    for (int p = 0; p < PLACES; p++) {
        assert_true(p == PIXEL ? map[p] > 7 : fabsf(map[p]) < 1e-6F);
    }
    assert_ok(fv_explain_faithfulness(explainer, map, &good, &failure));
    for (int p = 0; p < PLACES; p++) {
        map[p] = -map[p];
    }
    assert_ok(fv_explain_faithfulness(explainer, map, &bad, &failure));
    assert_true(good.deletion < 0.56 && bad.deletion > 0.95);
    assert_true(good.insertion > 0.95 && bad.insertion < 0.85);
    fv_explainer_close(explainer);
    fv_model_free(model);
}

// --- Mistakes

static void mistakes(void **state) {
    (void)state;
    fv_model *model = model_of(8, 1, token_model);
    fv_explainer *explainer;
    float map[64];
    assert_ok(fv_explainer_open(model, &explainer, &failure));
    assert_int_equal(fv_explain(explainer, FV_EXPLAIN_ROLLOUT, NULL, map, &failure), FV_INVALID);
    assert_says(failure, "fv_explainer_look");
    assert_null(fv_explainer_attention(explainer, 0).weights);
    assert_int_equal(fv_explainer_look(explainer, image_of(model, 1), 4, &failure), FV_INVALID);
    assert_says(failure, "0 to 3");
    assert_ok(fv_explainer_look(explainer, image_of(model, 1), 3, &failure));
    assert_int_equal(fv_explainer_describe(explainer).target, 3);
    fv_explain_options options = FV_EXPLAIN_DEFAULTS;
    options.layer = 2;
    assert_int_equal(fv_explain(explainer, FV_EXPLAIN_ATTENTION, &options, map, &failure), FV_INVALID);
    assert_int_equal(fv_explain(explainer, FV_EXPLAIN_GRADIENT, &options, map, &failure), FV_INVALID);
    options = (fv_explain_options)FV_EXPLAIN_DEFAULTS;
    options.head = 3;
    assert_int_equal(fv_explain(explainer, FV_EXPLAIN_ATTENTION, &options, map, &failure), FV_INVALID);
    assert_says(failure, "0 to 2");
    options = (fv_explain_options)FV_EXPLAIN_DEFAULTS;
    options.query = 16;
    assert_int_equal(fv_explain(explainer, FV_EXPLAIN_ATTENTION, &options, map, &failure), FV_INVALID);
    assert_int_equal(fv_explain(explainer, (fv_explain_method)9, NULL, map, &failure), FV_INVALID);
    fv_explainer_close(explainer);
    fv_explainer_close(NULL);
    fv_model_free(model);
    assert_ok(fv_model_start(8, 8, 1, "unit", &model, &failure));
    assert_int_equal(fv_explainer_open(model, &explainer, &failure), FV_INVALID);
    assert_null(explainer);
    fv_model_free(model);
}

static fv_status explain_all(fv_model *model) {
    fv_explainer *explainer;
    fv_faithfulness found;
    float map[64];
    fv_status status = fv_explainer_open(model, &explainer, &failure);
    if (!status) {
        status = fv_explainer_look(explainer, image_of(model, 1), 1, &failure);
    }
    for (int method = 0; method <= FV_EXPLAIN_OCCLUSION && !status; method++) {
        status = fv_explain(explainer, (fv_explain_method)method, NULL, map, &failure);
    }
    if (!status) {
        status = fv_explain_faithfulness(explainer, map, &found, &failure);
    }
    if (!status) {
        status = fv_explain_random(explainer, 1, 1, &found, &failure);
    }
    fv_explainer_close(explainer);
    return status;
}

static void survives_without_memory(void **state) {
    (void)state;
    fv_model *model = model_of(
        8, 1, "- conv2d: {filters: 4, kernel: 3}\n- residual: [{attention: {units: 2}}]\n- flatten\n- dense: 2\n");
    fv_model_set_threads(model, 1);
    float probabilities[2 * 64];
    static uint8_t images[64 * 64];
    assert_ok(fv_predict(model, images, 64, probabilities, &failure)); // what prediction keeps is there
    assert_survives_allocation_failure(explain_all(model), failure);
    fv_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_sum_to_one),
        cmocka_unit_test(weights_by_hand),
        cmocka_unit_test(slots),
        cmocka_unit_test(rollout_is_the_product),
        cmocka_unit_test(middle_gradients),
        cmocka_unit_test(attention_gradient_by_hand),
        cmocka_unit_test(slot_gradient_by_differences),
        cmocka_unit_test(gradient_over_heads),
        cmocka_unit_test(grad_cam_by_differences),
        cmocka_unit_test(fields_by_brute_force),
        cmocka_unit_test(no_places),
        cmocka_unit_test(occlusion_square_by_square),
        cmocka_unit_test(faithfulness),
        cmocka_unit_test(the_pixel_that_counts),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(survives_without_memory),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
