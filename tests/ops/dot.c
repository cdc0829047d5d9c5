// SPDX-License-Identifier: Apache-2.0
// Inner products.
#include "harness.h"

static void reference(const reference_call *call) {
    call->out[0] = 0;
    for (size_t i = 0; i < fv__shape_elements(&call->node->inputs[0]); i++) {
        call->out[0] += call->in[0][i] * call->in[1][i];
    }
}

#define CASE(...)                                                                                                      \
    { .name = "product " #__VA_ARGS__, .inputs = {SAMPLE(__VA_ARGS__), SAMPLE(__VA_ARGS__)}, .output = SCALAR }

static const op_case cases[] = {
    CASE(1),
    CASE(3),
    CASE(5, 7),
    CASE(33),
    CASE(2, 10, 31),
    {.name = "shapes differ", .inputs = {SAMPLE(6, 4), SAMPLE(24)}, .refusal = "shapes (6, 4) and (24) differ"},
};
const op_cases cases_dot = CASES(cases, reference);
