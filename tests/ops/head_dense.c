// SPDX-License-Identifier: Apache-2.0
// Dense layers head by head against the formula.
#include "harness.h"

static void reference(const reference_call *call) {
    const int heads = call->node->inputs[0].size[0], in = call->node->inputs[0].size[1];
    const int row = call->node->inputs[1].size[1], out = row / heads;
    for (int unit = 0; unit < row; unit++) {
        const double *x = call->in[0] + unit / out * in;
        call->out[unit] = call->node->input_count == 3 ? call->in[2][unit] : 0;
        for (int feature = 0; feature < in; feature++) {
            call->out[unit] += x[feature] * call->in[1][feature * row + unit];
        }
    }
}

static const op_case cases[] = {
    {.name = "bias", .inputs = {SAMPLE(3, 5), WEIGHT(5, 21), WEIGHT(21)}, .output = SHAPE(21)},
    {.name = "no bias, one sample", .inputs = {SAMPLE(8, 16), WEIGHT(16, 32)}, .output = SHAPE(32), .samples = 1},
    {.name = "one head", .inputs = {SAMPLE(1, 7), WEIGHT(7, 4), WEIGHT(4)}, .output = SHAPE(4)},
    {.name = "several tiles of features",
     .inputs = {SAMPLE(2, 531), WEIGHT(531, 6), WEIGHT(6)},
     .output = SHAPE(6),
     .samples = 5},
    {.name = "refuses other features",
     .inputs = {SAMPLE(3, 5), WEIGHT(6, 21)},
     .refusal = "(5, a multiple of 3), not (6, 21)"},
    {.name = "refuses heads that do not divide",
     .inputs = {SAMPLE(3, 5), WEIGHT(5, 20)},
     .refusal = "(5, a multiple of 3), not (5, 20)"},
    {.name = "refuses a bias of another length",
     .inputs = {SAMPLE(3, 5), WEIGHT(5, 21), WEIGHT(20)},
     .refusal = "(21)"},
};
const op_cases cases_head_dense = CASES(cases, reference);
