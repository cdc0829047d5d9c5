// SPDX-License-Identifier: Apache-2.0
// Batch normalization by given statistics.
#include <math.h>

#include "harness.h"
#include "ops/normalized.h"

static void reference(const reference_call *call) {
    const double epsilon = (double)((const fv__norm_attributes *)call->test->attributes)->epsilon;
    const int features = call->node->inputs[1].size[0];
    for (size_t i = 0; i < fv__shape_elements(&call->node->output); i++) {
        const size_t f = i % (size_t)features;
        call->out[i] =
            call->in[1][f] * (call->in[0][i] - call->in[3][f]) / sqrt(call->in[4][f] + epsilon) + call->in[2][f];
    }
}

static void positive_variance(const op_case *test, int input, float *values, size_t count) {
    (void)test;
    for (size_t i = 0; i < count && input == 4; i++) {
        values[i] = 1.5f + values[i];
    }
}

#define CASE(features, ...)                                                                                            \
    {                                                                                                                  \
        .name = #__VA_ARGS__, .attributes = &(fv__norm_attributes){1e-3f},                                             \
        .inputs = {SAMPLE(__VA_ARGS__), WEIGHT(features), WEIGHT(features), CONSTANT_WEIGHT(features),                 \
                   CONSTANT_WEIGHT(features)},                                                                         \
        .output = SHAPE(__VA_ARGS__), .prepare = positive_variance                                                     \
    }

static const op_case cases[] = {
    CASE(3, 3),
    CASE(17, 4, 17),
    CASE(24, 3, 5, 24),
    CASE(32, 2, 2, 32),
    CASE(31, 7, 31),
    {.name = "no variance",
     .attributes = &(fv__norm_attributes){1e-3f},
     .inputs = {SAMPLE(4, 7), WEIGHT(7), WEIGHT(7), CONSTANT_WEIGHT(7)},
     .refusal = "takes five: x, gamma, beta, mean and variance"},
    {.name = "mean of another size",
     .attributes = &(fv__norm_attributes){1e-3f},
     .inputs = {SAMPLE(4, 7), WEIGHT(7), WEIGHT(7), CONSTANT_WEIGHT(4), CONSTANT_WEIGHT(7)},
     .refusal = "the mean has shape (4), but next to (4, 7) the shape (7) fits"},
    {.name = "epsilon below 0",
     .attributes = &(fv__norm_attributes){-1},
     .inputs = {SAMPLE(4, 7), WEIGHT(7), WEIGHT(7), CONSTANT_WEIGHT(7), CONSTANT_WEIGHT(7)},
     .refusal = "epsilon is -1"},
};
const op_cases cases_batch_norm = CASES(cases, reference);
