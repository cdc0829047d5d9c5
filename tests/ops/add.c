// SPDX-License-Identifier: Apache-2.0
// Sums of values of one shape.
#include "harness.h"

static void reference(const reference_call *call) {
    for (size_t i = 0; i < fv__shape_elements(&call->node->output); i++) {
        call->out[i] = 0;
        for (int j = 0; j < call->node->input_count; j++) {
            call->out[i] += call->in[j][i];
        }
    }
}

#define TWO(...)                                                                                                       \
    { .name = "two " #__VA_ARGS__, .inputs = {SAMPLE(__VA_ARGS__), SAMPLE(__VA_ARGS__)}, .output = SHAPE(__VA_ARGS__) }

static const op_case cases[] = {
    TWO(1),
    TWO(3),
    TWO(5, 7),
    TWO(2, 3, 17),
    TWO(33),
    {.name = "six",
     .inputs = {SAMPLE(31), SAMPLE(31), SAMPLE(31), SAMPLE(31), SAMPLE(31), SAMPLE(31)},
     .output = SHAPE(31)},
    {.name = "shapes differ",
     .inputs = {SAMPLE(36, 192), SAMPLE(36, 32)},
     .refusal = "shapes (36, 192) and (36, 32) differ"},
    {.name = "one input", .inputs = {SAMPLE(3)}, .refusal = "has 1 inputs, but takes two to eight"},
    {.name = "a weight", .inputs = {SAMPLE(3), WEIGHT(3)}, .refusal = "position_embedding"},
};
const op_cases cases_add = CASES(cases, reference);
