// SPDX-License-Identifier: Apache-2.0
// Softmax over features and over tokens.
#include <math.h>

#include "harness.h"
#include "ops/softmax.h"

static void softmax(const double *x, double *y, int count, int stride) {
    double largest = x[0], sum = 0;
    for (int i = 1; i < count; i++) {
        largest = fmax(largest, x[i * stride]);
    }
    for (int i = 0; i < count; i++) {
        sum += exp(x[i * stride] - largest);
    }
    for (int i = 0; i < count; i++) {
        y[i * stride] = exp(x[i * stride] - largest) / sum;
    }
}

static void reference(const reference_call *call) {
    const fv__softmax_attributes *attributes = call->test->attributes;
    const fv__shape *shape = &call->node->output;
    const int features = shape->size[shape->rank - 1], rows = (int)fv__shape_elements(shape) / features;
    if (attributes->axis == FV__AXIS_TOKENS) {
        for (int i = 0; i < features; i++) {
            softmax(call->in[0] + i, call->out + i, rows, features);
        }
    } else {
        for (int i = 0; i < rows; i++) {
            softmax(call->in[0] + i * features, call->out + i * features, features, 1);
        }
    }
}

static void large(const op_case *test, int input, float *values, size_t count) {
    (void)test, (void)input;
    for (size_t i = 0; i < count; i++) {
        values[i] = values[i] * 100 + 1000;
    }
}

#define CASE(label, over, how, ...)                                                                                    \
    {                                                                                                                  \
        .name = label " " #__VA_ARGS__, .attributes = &(fv__softmax_attributes){FV__AXIS_##over},                      \
        .inputs = {SAMPLE(__VA_ARGS__)}, .output = SHAPE(__VA_ARGS__), .prepare = how                                  \
    }

static const op_case cases[] = {
    CASE("features", FEATURES, NULL, 3, 1),
    CASE("tokens", TOKENS, NULL, 33, 1),
    CASE("features", FEATURES, NULL, 3, 3),
    CASE("tokens", TOKENS, NULL, 31, 3),
    CASE("features", FEATURES, NULL, 3, 5),
    CASE("tokens", TOKENS, NULL, 17, 5),
    CASE("features", FEATURES, NULL, 3, 7),
    CASE("tokens", TOKENS, NULL, 10, 7),
    CASE("features", FEATURES, NULL, 4, 10),
    CASE("tokens", TOKENS, NULL, 7, 10),
    CASE("features", FEATURES, NULL, 3, 17),
    CASE("tokens", TOKENS, NULL, 5, 17),
    CASE("features", FEATURES, NULL, 3, 31),
    CASE("tokens", TOKENS, NULL, 3, 31),
    CASE("features", FEATURES, NULL, 3, 33),
    CASE("tokens", TOKENS, NULL, 1, 33),

    CASE("features of a vector", FEATURES, NULL, 10),
    CASE("features of an image", FEATURES, NULL, 2, 3, 144),
    CASE("features, far from 0", FEATURES, large, 3, 36),
    CASE("tokens, far from 0", TOKENS, large, 9, 20),
    CASE("tokens, more than a block", TOKENS, NULL, 3, 300),
    {.name = "tokens of an image",
     .attributes = &(fv__softmax_attributes){FV__AXIS_TOKENS},
     .inputs = {SAMPLE(2, 3, 4)},
     .refusal = "(2, 3, 4) of rank 3, but rank 2 fits"},
};
const op_cases cases_softmax = CASES(cases, reference);
