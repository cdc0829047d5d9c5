// SPDX-License-Identifier: Apache-2.0
// A table added to the tokens of every sample.
#include "harness.h"

static void reference(const reference_call *call) {
    for (size_t i = 0; i < fv__shape_elements(&call->node->output); i++) {
        call->out[i] = call->in[0][i] + call->in[1][i];
    }
}

#define CASE(...)                                                                                                      \
    { .name = #__VA_ARGS__, .inputs = {SAMPLE(__VA_ARGS__), WEIGHT(__VA_ARGS__)}, .output = SHAPE(__VA_ARGS__) }

static const op_case cases[] = {
    CASE(1, 1),
    CASE(3, 5),
    CASE(7, 10),
    CASE(4, 64),
    {.name = "table of another shape",
     .inputs = {SAMPLE(256, 64), WEIGHT(64, 256)},
     .refusal = "the table has shape (64, 256), but next to (256, 64)"},
    {.name = "table of each sample",
     .inputs = {SAMPLE(4, 6), SAMPLE(4, 6)},
     .refusal = "must be a weight of shape (4, 6)"},
};
const op_cases cases_position_embedding = CASES(cases, reference);
