// SPDX-License-Identifier: Apache-2.0
// Kernels that have taken in a batch norm.
#include <math.h>

#include "harness.h"
#include "ops/normalized.h"

static void reference(const reference_call *call) {
    const double epsilon = (double)((const fv__norm_attributes *)call->test->attributes)->epsilon;
    for (size_t i = 0; i < fv__shape_elements(&call->node->output); i++) {
        const size_t f = i % (size_t)call->node->inputs[1].size[0];
        call->out[i] = call->in[0][i] * call->in[1][f] / sqrt(call->in[2][f] + epsilon);
    }
}

static void positive_variance(const op_case *test, int input, float *values, size_t count) {
    (void)test;
    for (size_t i = 0; i < count && input == 2; i++) {
        values[i] = 1.5f + values[i];
    }
}

#define CASE(label, features, ...)                                                                                     \
    {                                                                                                                  \
        .name = label, .attributes = &(fv__norm_attributes){1e-3f},                                                    \
        .inputs = {WEIGHT(__VA_ARGS__), WEIGHT(features), CONSTANT_WEIGHT(features)}, .samples = 1,                    \
        .output = SHAPE(__VA_ARGS__), .prepare = positive_variance                                                     \
    }

static const op_case cases[] = {
    CASE("dense", 19, 7, 19),
    CASE("convolution", 32, 3, 3, 5, 32),
    CASE("depthwise", 24, 3, 3, 24, 1),
    CASE("one filter", 1, 3, 3, 4, 1),
    {.name = "gamma of another size",
     .attributes = &(fv__norm_attributes){1e-3f},
     .inputs = {WEIGHT(7, 19), WEIGHT(7), CONSTANT_WEIGHT(7)},
     .refusal = "gamma (7) does not fit a kernel (7, 19)"},
};
const op_cases cases_folded_kernel = CASES(cases, reference);
