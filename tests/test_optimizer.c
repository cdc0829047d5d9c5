// SPDX-License-Identifier: Apache-2.0
// Optimizers, held against naive ones in double.
#include "training.h"

// --- Optimizers against naive ones in double

// Weights of three parameters, the middle one larger than a tile and, if asked, frozen; the last learns slowly.
static void make_graph(fv__graph *graph, bool frozen) {
    int node;
    fv__graph_init(graph);
    assert_ok(
        fv__graph_add_parameter(graph, "a", &(fv__shape){.rank = 1, .size = {37}}, FV__INITIAL_ONES, &node, &failure));
    assert_ok(fv__graph_add_parameter(graph, "b", &(fv__shape){.rank = 1, .size = {20000}}, FV__INITIAL_ONES, &node,
                                      &failure));
    assert_ok(
        fv__graph_add_parameter(graph, "c", &(fv__shape){.rank = 1, .size = {5}}, FV__INITIAL_ONES, &node, &failure));
    graph->parameters[1].trainable = !frozen;
    graph->parameters[2].lr_factor = 0.25F;
}

typedef struct naive_optimizer {
    double first[20100], second[20100];
} naive_optimizer;

// From weight `slow` on at a quarter of the learning rate.
static void naive_step(naive_optimizer *naive, const fv__optimizer_settings *settings, int step, double scale,
                       const float *gradient, double *weight, size_t n, size_t slow) {
    for (size_t i = 0; i < n; i++) {
        double g = (double)gradient[i] * scale, lr = settings->lr * (i < slow ? 1 : 0.25);
        if (settings->kind == FV__OPTIMIZER_SGD) {
            naive->first[i] = settings->momentum * naive->first[i] - lr * g;
            weight[i] += settings->nesterov ? settings->momentum * naive->first[i] - lr * g : naive->first[i];
            continue;
        }
        weight[i] -= settings->kind == FV__OPTIMIZER_ADAMW ? lr * settings->weight_decay * weight[i] : 0;
        naive->first[i] = settings->beta1 * naive->first[i] + (1 - settings->beta1) * g;
        naive->second[i] = settings->beta2 * naive->second[i] + (1 - settings->beta2) * g * g;
        double alpha = lr * sqrt(1 - pow(settings->beta2, step + 1)) / (1 - pow(settings->beta1, step + 1));
        weight[i] -= alpha * naive->first[i] / (sqrt(naive->second[i]) + settings->epsilon);
    }
}

// Tiny gradients too: there the place of epsilon tells.
static void draw_gradients(fv__random *random, const fv__graph *graph, float *gradients) {
    for (int p = 0; p < graph->parameter_count; p++) {
        const fv__parameter *parameter = &graph->parameters[p];
        for (size_t i = 0; parameter->trainable && i < parameter->count; i++) {
            double size = pow(10, -(double)(i % 9));
            gradients[parameter->offset + i] = (float)(size * (2 * fv__random_uniform(random) - 1));
        }
    }
}

static double norm_of(const float *values, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)values[i] * (double)values[i];
    }
    return sqrt(sum);
}

static void check_optimizer(const char *yaml, double clip_norm, bool frozen, int threads) {
    fv__graph graph;
    make_graph(&graph, frozen);
    const size_t n = graph.weight_count;
    const fv__optimizer_settings settings = optimizer_settings(yaml);
    const fv__kernels *kernels;
    fv__pool *pool;
    fv__optimizer optimizer;
    naive_optimizer *naive = calloc(1, sizeof *naive);
    float *weights = fv__alloc_array(n, sizeof *weights), *gradients = fv__alloc_array(n, sizeof *gradients);
    double *expected = calloc(n, sizeof *expected);
    assert_true(naive && weights && gradients && expected && n <= 20100);
    assert_ok(fv__kernels_select(NULL, &kernels, &failure));
    assert_ok(fv__pool_create(threads, &pool, &failure));
    assert_ok(fv__optimizer_init(&optimizer, &settings, clip_norm, &graph, kernels, &failure));
    fv__graph_initialize(&graph, 3, weights);
    for (size_t i = 0; i < n; i++) {
        expected[i] = (double)weights[i];
    }
    fv__random random = fv__random_start(2, FV__DRAW_TEST, 0);
    for (int step = 0; step < 6; step++) {
        draw_gradients(&random, &graph, gradients);
        double norm = norm_of(gradients, n), scale = clip_norm > 0 && norm > clip_norm ? clip_norm / norm : 1;
        naive_step(naive, &settings, step, scale, gradients, expected, n, graph.parameters[2].offset);
        assert_ok(fv__optimizer_step(&optimizer, pool, (uint64_t)step, settings.lr, weights, gradients, &failure));
        assert_true(norm_of(gradients, n) == 0); // zeroed for the next step
        for (int p = 0; p < graph.parameter_count; p++) {
            const fv__parameter *parameter = &graph.parameters[p];
            for (size_t i = parameter->offset; i < parameter->offset + parameter->count; i++) {
                double wanted = parameter->trainable ? expected[i] : 1, distance = fabs((double)weights[i] - wanted);
                if (!(distance <= 2e-6)) {
                    fail_msg("%s, step %d, weight %zu: %.9g, expected %.9g", yaml, step, i, (double)weights[i], wanted);
                }
            }
        }
    }
    fv__optimizer_free(&optimizer);
    fv__pool_destroy(pool);
    fv__graph_free(&graph);
    fv__free(weights);
    fv__free(gradients);
    free(expected);
    free(naive);
}

static void test_optimizers(void **state) {
    (void)state;
    static const char *const all[] = {"{sgd: {lr: 0.05}}",
                                      "{sgd: {lr: 0.05, momentum: 0.9}}",
                                      "{sgd: {lr: 0.05, momentum: 0.9, nesterov: true}}",
                                      "adam",
                                      "{adam: {lr: 0.01, beta1: 0.8, beta2: 0.99, epsilon: 1e-3}}",
                                      "{adamw: {lr: 0.002, weight_decay: 0.1}}"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        check_optimizer(all[i], 0, false, 1);
        check_optimizer(all[i], 0, true, 2);
        check_optimizer(all[i], 1.5, false, 3); // clips
        check_optimizer(all[i], 1e4, false, 1); // never reached
    }
}

static void test_infinite_gradient(void **state) {
    (void)state;
    fv__graph graph;
    make_graph(&graph, false);
    const fv__optimizer_settings settings = optimizer_settings("sgd");
    const fv__kernels *kernels;
    fv__pool *pool;
    fv__optimizer optimizer;
    fv_error error = {0};
    float *weights = fv__alloc_array(graph.weight_count, sizeof *weights);
    float *gradients = fv__alloc_array(graph.weight_count, sizeof *gradients);
    assert_ok(fv__kernels_select(NULL, &kernels, &failure));
    assert_ok(fv__pool_create(1, &pool, &failure));
    assert_ok(fv__optimizer_init(&optimizer, &settings, 1, &graph, kernels, &failure));
    gradients[30] = INFINITY;
    assert_int_equal(fv__optimizer_step(&optimizer, pool, 0, 0.1, weights, gradients, &error), FV_NUMERIC);
    assert_true(weights[30] == 0);
    fv__optimizer_free(&optimizer);
    fv__pool_destroy(pool);
    fv__graph_free(&graph);
    fv__free(weights);
    fv__free(gradients);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optimizers),
        cmocka_unit_test(test_infinite_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
