// SPDX-License-Identifier: Apache-2.0
// Layer normalization and NormL, which differ in where epsilon stands.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness.h"
#include "ops/normalized.h"

static void normalize(const reference_call *call, bool beside_deviation) {
    const double epsilon = (double)((const fv__norm_attributes *)call->test->attributes)->epsilon;
    const fv__shape *shape = &call->node->output;
    const int features = shape->size[shape->rank - 1], rows = (int)fv__shape_elements(shape) / features;
    for (int row = 0; row < rows; row++) {
        const double *x = call->in[0] + row * features;
        double mean = 0, variance = 0;
        for (int i = 0; i < features; i++) {
            mean += x[i] / features;
        }
        for (int i = 0; i < features; i++) {
            variance += (x[i] - mean) * (x[i] - mean) / features;
        }
        const double deviation = beside_deviation ? sqrt(variance) + epsilon : sqrt(variance + epsilon);
        for (int i = 0; i < features; i++) {
            call->out[row * features + i] = (x[i] - mean) / deviation * call->in[1][i] + call->in[2][i];
        }
    }
}

static void layer_norm(const reference_call *call) {
    normalize(call, false);
}

static void norm_l(const reference_call *call) {
    normalize(call, true);
}

static void off_centre(const op_case *test, int input, float *values, size_t count) {
    (void)test;
    for (size_t i = 0; i < count && input == 0; i++) {
        values[i] += 10;
    }
}

// A row of `count` equal values: with the derivative of its deviation 0, dx = factor · (u − mean of u), u = d_out ·
// gamma.
static void check_equal_row(const fv__kernels *kernels, int count, bool beside_deviation) {
    float x[7], gamma[7], beta[7], y[7], dy[7], dx[7], statistics[3];
    const double factor = beside_deviation ? 1e6 : 1e3; // ε is 1e-6
    double mean = 0;
    for (int i = 0; i < count; i++) {
        x[i] = 0.1f;
        gamma[i] = 1 + 0.25f * (float)i;
        beta[i] = (float)i;
        dy[i] = (float)(1 + i * i % 5);
        mean += (double)dy[i] * (double)gamma[i] / count;
    }
    kernels->normalize(x, gamma, beta, y, statistics, 1, count, 1e-6f, beside_deviation);
    kernels->normalize_backward(dy, x, gamma, statistics, dx, NULL, NULL, 1, count);
    for (int i = 0; i < count; i++) {
        const double expected = ((double)dy[i] * (double)gamma[i] - mean) * factor;
        assert_true(y[i] == beta[i]);
        assert_true(fabs((double)dx[i] - expected) <= 1e-5 * factor);
    }
}

static void check_equal_rows(const op_case *test, const fv__op *op, const fv__kernels *kernels) {
    (void)test;
    for (int count = 1; count <= 7; count++) {
        check_equal_row(kernels, count, op == &fv__op_norm_l);
    }
}

#define CASE(label, how, features, ...)                                                                                \
    {                                                                                                                  \
        .name = label " " #__VA_ARGS__, .attributes = &(fv__norm_attributes){1e-5f},                                   \
        .inputs = {SAMPLE(__VA_ARGS__), WEIGHT(features), WEIGHT(features)}, .output = SHAPE(__VA_ARGS__),             \
        .prepare = how, .tolerance = 3e-5                                                                              \
    }

static const op_case cases[] = {
    CASE("ragged", NULL, 3, 4, 3),
    CASE("ragged", NULL, 5, 4, 5),
    CASE("ragged", NULL, 7, 4, 7),
    CASE("ragged", NULL, 10, 4, 10),
    CASE("ragged", NULL, 17, 4, 17),
    CASE("ragged", NULL, 31, 4, 31),
    CASE("ragged", NULL, 33, 4, 33),
    CASE("vector", NULL, 10, 10),
    CASE("image", NULL, 64, 2, 3, 64),
    CASE("off centre", off_centre, 48, 4, 48),
    {.name = "equal rows",
     .attributes = &(fv__norm_attributes){1e-5f},
     .inputs = {SAMPLE(2, 3), WEIGHT(3), WEIGHT(3)},
     .output = SHAPE(2, 3),
     .check = check_equal_rows,
     .tolerance = 3e-5},
    {.name = "gamma of another size",
     .attributes = &(fv__norm_attributes){1e-5f},
     .inputs = {SAMPLE(4, 7), WEIGHT(4), WEIGHT(7)},
     .refusal = "gamma has shape (4), but next to (4, 7) the shape (7) fits"},
    {.name = "beta forgotten",
     .attributes = &(fv__norm_attributes){1e-5f},
     .inputs = {SAMPLE(4, 7), WEIGHT(7)},
     .refusal = "has 2 inputs, but takes three"},
    {.name = "no epsilon",
     .attributes = &(fv__norm_attributes){0},
     .inputs = {SAMPLE(4, 7), WEIGHT(7), WEIGHT(7)},
     .refusal = "epsilon is 0"},
};
const op_cases cases_layer_norm = CASES(cases, layer_norm);
const op_cases cases_norm_l = CASES(cases, norm_l);
