// SPDX-License-Identifier: Apache-2.0
// Occlusion and faithfulness, which need predictions alone, against one prediction at a time.
#include "explaining.h"
#include "predicting.h"

static const char *const dense_model = "- flatten\n- dense: {units: 6, activation: tanh}\n- dense: 3\n";

static double logit_of(fv_model *model, const uint8_t *pixels, int target) {
    float logits[3];
    assert_ok(logits_once(model, pixels, 1, logits, &failure));
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
    fv_explain_options options = FV_EXPLAIN_OPTIONS;
    options.patch = SQUARE;
    assert_ok(fv_explainer_map(explainer, FV_EXPLAIN_OCCLUSION, &options, map, &failure));
    for (int p = 0; p < SIDE * SIDE; p++) {
        assert_near((double)map[p], wanted[p] / times[p], 1e-5);
    }
    options.patch = SIDE + 1;
    assert_int_equal(fv_explainer_map(explainer, FV_EXPLAIN_OCCLUSION, &options, map, &failure), FV_INVALID);
    fv_explainer_free(explainer);
    fv_model_free(model);
}

// By a Gaussian whose deviation is an eighth of the side, cut off at three deviations; the border goes on outside.
static void blur(const uint8_t *pixels, int side, uint8_t *out) {
    const double deviation = side / 8.0;
    const int reach = (int)ceil(3 * deviation);
    for (int p = 0; p < side * side; p++) {
        double sum = 0, weights = 0;
        for (int dy = -reach; dy <= reach; dy++) {
            for (int dx = -reach; dx <= reach; dx++) {
                int y = p / side + dy, x = p % side + dx;
                y = y < 0 ? 0 : y >= side ? side - 1 : y;
                x = x < 0 ? 0 : x >= side ? side - 1 : x;
                double weight = exp(-0.5 * (dx * dx + dy * dy) / (deviation * deviation));
                sum += weight * pixels[y * side + x];
                weights += weight;
            }
        }
        out[p] = (uint8_t)(sum / weights + 0.5);
    }
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
    assert_ok(fv_explainer_faithfulness(explainer, map, &found, &failure));
    for (int point = 0; point < FV_FAITHFULNESS_POINTS; point++) {
        int deleted = point * PLACES / (FV_FAITHFULNESS_POINTS - 1);
        uint8_t changed[MOST];
        memcpy(changed, pixels, MOST);
        for (int p = 0; p < PLACES; p++) {
            changed[p] = map[p] >= (float)(PLACES - deleted) ? (uint8_t)(sum / PLACES + 0.5) : pixels[p];
        }
        assert_ok(predict_once(model, changed, 1, probabilities, &failure));
        assert_near((double)found.deleted[point], (double)probabilities[TARGET], 1e-5);
        area +=
            point ? (double)(found.deleted[point] + found.deleted[point - 1]) / 2 / (FV_FAITHFULNESS_POINTS - 1) : 0;
    }
    assert_near(found.deletion, area, 1e-6);
    // Insertion begins with the image blurred, and ends with the image itself.
    uint8_t blurred[PLACES];
    blur(pixels, SIDE, blurred);
    assert_ok(predict_once(model, blurred, 1, probabilities, &failure));
    assert_near((double)found.inserted[0], (double)probabilities[TARGET], 1e-4);
    assert_near((double)found.inserted[FV_FAITHFULNESS_POINTS - 1], (double)found.deleted[0], 1e-6);
    // A map that tells nothing: no order of the image, but always the same.
    for (int p = 0; p < PLACES; p++) {
        map[p] = (float)-p;
    }
    assert_ok(fv_explainer_faithfulness(explainer, map, &found, &failure));
    memset(map, 0, sizeof map);
    assert_ok(fv_explainer_faithfulness(explainer, map, &random, &failure));
    assert_ok(fv_explainer_faithfulness(explainer, map, &again, &failure));
    assert_true(random.deletion != found.deletion);
    assert_memory_equal(&random, &again, sizeof random);
    assert_ok(fv_explainer_random_faithfulness(explainer, 3, 5, &random, &failure));
    assert_ok(fv_explainer_random_faithfulness(explainer, 3, 5, &again, &failure));
    assert_memory_equal(&random, &again, sizeof random);
    assert_ok(fv_explainer_random_faithfulness(explainer, 3, 6, &again, &failure));
    assert_true(random.deletion != again.deletion);
    assert_near((double)random.deleted[0], (double)found.deleted[0], 1e-6);
    assert_int_equal(fv_explainer_random_faithfulness(explainer, 0, 5, &again, &failure), FV_INVALID);
    fv_explainer_free(explainer);
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
    assert_ok(fv_explainer_create(model, NULL, &explainer, &failure));
    assert_ok(fv_explainer_set_image(explainer, pixels, -1, &failure));
    float map[PLACES];
    fv_faithfulness good, bad;
    fv_explain_options options = FV_EXPLAIN_OPTIONS;
    options.patch = 1;
    assert_ok(fv_explainer_map(explainer, FV_EXPLAIN_OCCLUSION, &options, map, &failure));
    for (int p = 0; p < PLACES; p++) {
        assert_true(p == PIXEL ? map[p] > 7 : fabsf(map[p]) < 1e-6F);
    }
    assert_ok(fv_explainer_faithfulness(explainer, map, &good, &failure));
    for (int p = 0; p < PLACES; p++) {
        map[p] = -map[p];
    }
    assert_ok(fv_explainer_faithfulness(explainer, map, &bad, &failure));
    assert_true(good.deletion < 0.56 && bad.deletion > 0.95);
    assert_true(good.insertion > 0.95 && bad.insertion < 0.85);
    fv_explainer_free(explainer);
    fv_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(occlusion_square_by_square),
        cmocka_unit_test(faithfulness),
        cmocka_unit_test(the_pixel_that_counts),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
