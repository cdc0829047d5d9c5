// SPDX-License-Identifier: Apache-2.0
// The engine's gradients, on small models, against finite differences.
#include "ops/dense.h"
#include "ops/pointwise.h"
#include "ops/pooling.h"
#include "ops/weight_products.h"
#include "planning.h"

#include <math.h>

static double mean_loss(fv__plan *plan, fv__pool *pool, const setup *s, const fv__feed *feed) {
    double sum = 0;
    fv__plan_weights_changed(plan);
    run_ok(plan, pool, feed);
    for (int i = 0; i < feed->samples; i++) {
        sum += (double)fv__plan_value(plan, s->loss)[i];
    }
    return sum / feed->samples;
}

// Moves each weight tensor along its own gradient g: the loss must change by |g| for each unit of the way. Fourth-order
// differences, so that a step can be long enough for float32.
static void check_gradients(setup *s, double h, double tolerance) {
    enum { SAMPLES = 6 };
    float losses[SAMPLES];
    float *gradients = fv__alloc_array(s->graph.weight_count, sizeof(float));
    float *original = fv__alloc_array(s->graph.weight_count, sizeof(float));
    memcpy(original, s->weights, s->graph.weight_count * sizeof(float));
    fv__pool *pool = make_pool(1);
    fv__plan *plan = make_plan(s, 1, (fv__plan_options){.batch = SAMPLES, .backward = true, .root = s->loss});
    fv__plan *forward = make_plan(s, 1, (fv__plan_options){.batch = SAMPLES, .root = s->loss});
    fv__feed feed = make_feed(s, SAMPLES);
    step(plan, pool, s, &feed, losses, gradients);
    for (int p = 0; p < s->graph.parameter_count; p++) {
        const fv__parameter *parameter = &s->graph.parameters[p];
        double norm = sqrt(s->kernels->sum_squares(gradients + parameter->offset, parameter->count));
        assert_true(norm > 1e-6); // nothing is left out
        static const double places[] = {-2, -1, 1, 2}, factors[] = {1, -8, 8, -1};
        double derivative = 0;
        for (int k = 0; k < 4; k++) {
            for (size_t i = 0; i < parameter->count; i++) {
                size_t at = parameter->offset + i;
                s->weights[at] = original[at] + (float)(places[k] * h * (double)gradients[at] / norm);
            }
            derivative += factors[k] * mean_loss(forward, pool, s, &feed) / (12 * h);
        }
        memcpy(s->weights, original, s->graph.weight_count * sizeof(float));
        if (!(fabs(derivative - norm) <= tolerance * norm + 2e-5)) {
            fail_msg("%s: derivative %.7f along the gradient, norm %.7f", parameter->name, derivative, norm);
        }
    }
    fv__plan_destroy(plan);
    fv__plan_destroy(forward);
    fv__pool_destroy(pool);
    fv__free(gradients);
    fv__free(original);
}

static void gradients_of_a_whole_model(void **state) {
    (void)state;
    setup s;
    start(&s, "tanh", "0");
    check_gradients(&s, 2e-2, 2e-3);
    finish_with(&s);
    start(&s, "relu", "0"); // has corners: a shorter step, and more noise
    check_gradients(&s, 1e-3, 1e-2);
    finish_with(&s);
}

static int add_weight(setup *s, const char *name, int rows, int columns) {
    int node;
    fv_error error;
    fv__shape shape = {.rank = 2, .size = {rows, columns}};
    assert_int_equal(fv__graph_add_parameter(&s->graph, name, &shape, FV__INITIAL_GLOROT_UNIFORM, &node, &error),
                     FV_OK);
    return node;
}

static int add_dense(setup *s, int x, int kernel) {
    int node;
    fv_error error = {0};
    fv__dense_attributes attributes = {.activation = FV__ACTIVATION_linear};
    if (fv__graph_add(&s->graph, "dense", &fv__op_dense, &attributes, (const int[]){x, kernel}, 2, &node, &error)) {
        fail_msg("%s", error.message);
    }
    return node;
}

// A · B of two weights.
static int add_product(setup *s, int a, int b) {
    int node;
    fv_error error = {0};
    const int *left = s->graph.nodes[a].view.output.size, *right = s->graph.nodes[b].view.output.size;
    const fv__weight_product_attributes attributes = {
        .rows = left[0], .inner = left[1], .blocks = 1, .columns = right[1], .shape = {2, {left[0], right[1]}}};
    if (fv__graph_add(&s->graph, "product", &fv__op_weight_product, &attributes, (const int[]){a, b}, 2, &node,
                      &error)) {
        fail_msg("%s", error.message);
    }
    return node;
}

// Kernels that are products of weights: A·B and A·C share A, (A·B)·D is a level higher.
static void start_composed(setup *s) {
    fv_error error;
    *s = (setup){0};
    fv__shape rows = {.rank = 2, .size = {4, 6}};
    assert_int_equal(fv__graph_add_input(&s->graph, "input", &rows, &s->input, &error), FV_OK);
    int a = add_weight(s, "a", 6, 16), b = add_weight(s, "b", 16, 9), c = add_weight(s, "c", 16, 9);
    int d = add_weight(s, "d", 9, 9), e = add_weight(s, "e", 9, CLASSES);
    int ab = add_product(s, a, b), ac = add_product(s, a, c), abd = add_product(s, ab, d);
    assert_int_equal(s->graph.nodes[abd].view.cadence, FV__CADENCE_STEP);
    const int terms[] = {add_dense(s, s->input, ab), add_dense(s, s->input, ac), add_dense(s, s->input, abd)};
    int sum, pooled;
    assert_int_equal(fv__graph_add(&s->graph, "add", &fv__op_add, NULL, terms, 3, &sum, &error), FV_OK);
    fv__activation_attributes bend = {.activation = FV__ACTIVATION_tanh};
    assert_int_equal(fv__graph_add(&s->graph, "tanh", &fv__op_activation, &bend, &sum, 1, &sum, &error), FV_OK);
    fv__global_pool_attributes mean = {.pooling = FV__POOLING_AVERAGE};
    assert_int_equal(fv__graph_add(&s->graph, "pool", &fv__op_global_pool, &mean, &sum, 1, &pooled, &error), FV_OK);
    s->logits = add_dense(s, pooled, e);
    finish(s);
}

static void gradients_through_composed_weights(void **state) {
    (void)state;
    setup s;
    start_composed(&s);
    check_gradients(&s, 2e-2, 2e-3);
    // A second step gives the same: nothing of the first is left in the plan. Several threads share out the nodes.
    float losses[MOST], again[MOST];
    float *gradients = fv__alloc_array(2 * s.graph.weight_count, sizeof(float));
    fv__feed feed = make_feed(&s, MOST);
    for (int threads = 1; threads <= 4; threads += 3) {
        fv__pool *pool = make_pool(threads);
        fv__plan *plan = make_plan(&s, threads, (fv__plan_options){.batch = MOST, .backward = true, .root = s.loss});
        step(plan, pool, &s, &feed, losses, gradients);
        step(plan, pool, &s, &feed, again, gradients + s.graph.weight_count);
        assert_memory_equal(losses, again, sizeof losses);
        assert_memory_equal(gradients, gradients + s.graph.weight_count, s.graph.weight_count * sizeof(float));
        fv__plan_destroy(plan);
        fv__pool_destroy(pool);
    }
    fv__free(gradients);
    finish_with(&s);
}

// The gradient of a batch is the mean of its samples' gradients.
static void gradients_add_up(void **state) {
    (void)state;
    setup s;
    start(&s, "relu", "0");
    enum { SAMPLES = 7 };
    size_t count = s.graph.weight_count;
    float losses[SAMPLES], one_loss;
    float *gradients = fv__alloc_array(3 * count, sizeof(float)), *one = gradients + count, *sum = one + count;
    fv__pool *pool = make_pool(2);
    fv__plan *plan = make_plan(&s, 2, (fv__plan_options){.batch = SAMPLES, .backward = true, .root = s.loss});
    fv__plan *single = make_plan(&s, 2, (fv__plan_options){.batch = 1, .backward = true, .root = s.loss});
    fv__feed feed = make_feed(&s, SAMPLES);
    step(plan, pool, &s, &feed, losses, gradients);
    float *data = s.data;
    for (int i = 0; i < SAMPLES; i++, s.data += s.input_size) {
        feed.samples = 1;
        feed.targets = &s.targets[i];
        step(single, pool, &s, &feed, &one_loss, one);
        assert_true(one_loss == losses[i]);
        for (size_t j = 0; j < count; j++) {
            sum[j] += one[j] / SAMPLES;
        }
    }
    s.data = data;
    for (size_t j = 0; j < count; j++) {
        assert_true(fabsf(sum[j] - gradients[j]) < 2e-6F);
    }
    fv__plan_destroy(plan);
    fv__plan_destroy(single);
    fv__pool_destroy(pool);
    fv__free(gradients);
    finish_with(&s);
}

// The gradient of y · d with respect to an input, which the plan keeps because it is asked for.
static void gradient_of_an_input(void **state) {
    (void)state;
    setup s;
    start(&s, "tanh", "0");
    fv_error error;
    int direction, dot;
    const fv__shape *shape = fv__graph_shape(&s.graph, s.logits);
    assert_int_equal(fv__graph_add_input(&s.graph, "d", &(fv__shape){.rank = shape->rank, .size = {shape->size[0]}},
                                         &direction, &error),
                     FV_OK);
    assert_int_equal(
        fv__graph_add(&s.graph, "dot", &fv__op_dot, NULL, (const int[]){s.logits, direction}, 2, &dot, &error), FV_OK);
    s.graph.nodes[s.input].wants_gradient = true;
    fv__pool *pool = make_pool(2);
    fv__plan *plan = make_plan(&s, 2, (fv__plan_options){.batch = 3, .backward = true, .root = dot});
    fv__feed feed = make_feed(&s, 3);
    run_ok(plan, pool, &feed);
    float gradient[3];
    for (int i = 0; i < 3; i++) {
        gradient[i] = fv__plan_gradient(plan, s.input)[(size_t)i * s.input_size + 40];
    }
    float values[2][3];
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < 3; i++) {
            s.data[i * s.input_size + 40] += side ? -0.02F : 0.01F;
        }
        run_ok(plan, pool, &feed);
        memcpy(values[side], fv__plan_value(plan, dot), sizeof values[side]);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(fabsf((values[0][i] - values[1][i]) / 0.02F - gradient[i]) < 2e-3F * (1 + fabsf(gradient[i])));
        assert_true(gradient[i] != 0);
    }
    fv__plan_destroy(plan);
    fv__pool_destroy(pool);
    finish_with(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_a_whole_model),
        cmocka_unit_test(gradients_through_composed_weights),
        cmocka_unit_test(gradients_add_up),
        cmocka_unit_test(gradient_of_an_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
