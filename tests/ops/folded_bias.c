// SPDX-License-Identifier: Apache-2.0
// Biases that have taken in a batch norm.
#include <math.h>

#include "harness.h"
#include "ops/normalized.h"

static void reference(const reference_call *call) {
    const double epsilon = (double)((const fv__norm_attributes *)call->test->attributes)->epsilon;
    for (int f = 0; f < call->node->output.size[0]; f++) {
        const double bias = call->node->input_count == 5 ? call->in[4][f] : 0;
        call->out[f] = (bias - call->in[2][f]) * call->in[0][f] / sqrt(call->in[3][f] + epsilon) + call->in[1][f];
    }
}

static void positive_variance(const op_case *test, int input, float *values, size_t count) {
    (void)test;
    for (size_t i = 0; i < count && input == 3; i++) {
        values[i] = 1.5f + values[i];
    }
}

static const op_case cases[] = {
    {.name = "no bias",
     .attributes = &(fv__norm_attributes){1e-3f},
     .inputs = {WEIGHT(19), WEIGHT(19), CONSTANT_WEIGHT(19), CONSTANT_WEIGHT(19)},
     .samples = 1,
     .output = SHAPE(19),
     .prepare = positive_variance},
    {.name = "bias",
     .attributes = &(fv__norm_attributes){1e-3f},
     .inputs = {WEIGHT(32), WEIGHT(32), CONSTANT_WEIGHT(32), CONSTANT_WEIGHT(32), WEIGHT(32)},
     .samples = 1,
     .output = SHAPE(32),
     .prepare = positive_variance},
    {.name = "beta of another size",
     .attributes = &(fv__norm_attributes){1e-3f},
     .inputs = {WEIGHT(7), WEIGHT(8), CONSTANT_WEIGHT(7), CONSTANT_WEIGHT(7)},
     .refusal = "beta has shape (8)"},
};
const op_cases cases_folded_bias = CASES(cases, reference);
