// SPDX-License-Identifier: Apache-2.0
// What the layers of the transformers are made of, and what they refuse.
#include "predicting.h"
#include "training.h"

static fv_model *model_of(const char *const *layers) {
    fv_model *model;
    assert_ok(fv_model_create(32, 32, 3, "unit", &model, &failure));
    for (; *layers; layers++) {
        assert_ok(fv_model_add(model, &failure, "%s", *layers));
    }
    return model;
}

#define BLOCKS(attention)                                                                                              \
    "repeat: {times: 8, layers: [residual: [layer_norm: {epsilon: 1e-5}, " attention "], residual: [layer_norm: "      \
    "{epsilon: 1e-5}, dense: {units: 64, activation: gelu_tanh}, dropout: 0.2, dense: 64, dropout: 0.2]]}"

static void test_transformers(void **state) {
    (void)state;
    static const struct {
        const char *blocks;
        size_t parameters;
    } cases[] = {{BLOCKS("external_attention: {heads: 4, coefficient: 4, attention_dropout: 0.2, projection_dropout: "
                         "0.2}"),
                  361380},
                 {BLOCKS("multi_head_attention: {heads: 4, head_dim: 64, dropout: 0.2}"), 623268}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_model *model = model_of((const char *const[]){"patches: 2", "dense: 64", "position_embedding",
                                                         cases[i].blocks, "global_average_pool", "dense: 100", NULL});
        assert_int_equal(fv_model_get_info(model)->parameters, cases[i].parameters);
        assert_int_equal(fv_model_get_info(model)->classes, 100);
        fv_model_free(model);
    }
}

// The class token gathers what the patches show: a prediction depends on the image.
static void test_class_token(void **state) {
    (void)state;
    fv_model *model = model_of((const char *const[]){"patches: 8", "dense: 16", "class_token", "position_embedding",
                                                     "residual: [layer_norm, multi_head_attention: 4]", "take_token: 0",
                                                     "layer_norm", "dense: 5", NULL});
    assert_int_equal(fv_model_get_info(model)->parameters,
                     193 * 16 + 16 + 17 * 16 + 32 + 4 * (16 * 16 + 16) + 32 + 16 * 5 + 5);
    static uint8_t images[2][32 * 32 * 3];
    memset(images[1], 200, sizeof images[1] / 2);
    float probabilities[2][5];
    assert_ok(predict_once(model, images[0], 2, probabilities[0], &failure));
    assert_true(fabsf(probabilities[0][0] - probabilities[1][0]) > 1e-5F);
    fv_model_free(model);
}

static void test_external_attention(void **state) {
    (void)state;
    static const struct {
        const char *layer;
        size_t parameters; // on 64 tokens of 48 features
    } cases[] = {
        {"external_attention: {heads: 3}", 49 * 192 + 17 * 12 + 13 * 16 + 193 * 48}, // 16 features a head, 12 slots
        {"external_attention: {heads: 3, slots: 20, units: 10}", 49 * 192 + 17 * 20 + 21 * 16 + 193 * 10},
        {"external_attention: {heads: 2, coefficient: 1, bias: false}", 48 * 48 + 25 * 48 + 49 * 24 + 48 * 48},
        // the paper's single head: its algorithm 1, and equations 5 and 6 alone
        {"external_attention: {heads: 1, coefficient: 1, slots: 64, projections: input, memory_bias: false}",
         49 * 48 + 48 * 64 + 64 * 48},
        {"external_attention: {heads: 1, coefficient: 1, slots: 64, projections: none, memory_bias: false}",
         48 * 64 + 64 * 48},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_model *model = model_of((const char *const[]){"patches: 4", cases[i].layer, NULL});
        assert_int_equal(fv_model_get_info(model)->parameters, cases[i].parameters);
        fv_model_free(model);
    }
}

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *layer, *message;
    } cases[] = {
        {"patches: 5", "sizes that do: 1, 2, 4, 8, 16, 32"},
        {"patches: 0", "patches.size"},
        {"take_token: 1024", "there is no token 1024 in (1024, 3)"},
        {"external_attention: {heads: 2}", "3 features cannot be divided by 2 heads; heads that fit: 1, 3"},
        {"external_attention: {heads: 3}", "by coefficient 4 to give the slots; choose one of 1, 3, or give slots"},
        {"external_attention: {heads: 3, slots: 8, projections: none}", "use coefficient: 1"},
        {"external_attention: {heads: 3, slots: 8, projections: input, units: 5}", "projections is input"},
        {"external_attention: {heads: 3, slots: 8, attention_dropout: 1}", "attention_dropout"},
        {"external_attention", "heads"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_error error = {0};
        fv_model *model = model_of((const char *const[]){NULL});
        assert_int_equal(fv_model_add(model, &error, "%s", cases[i].layer), FV_INVALID);
        assert_says(error, cases[i].message);
        fv_model_free(model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transformers),
        cmocka_unit_test(test_class_token),
        cmocka_unit_test(test_external_attention),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
