// SPDX-License-Identifier: Apache-2.0
// A trained token before those of every sample.
#include "harness.h"

static void reference(const reference_call *call) {
    const int features = call->node->output.size[1], count = (int)fv__shape_elements(&call->node->output);
    for (int i = 0; i < count; i++) {
        call->out[i] = i < features ? call->in[1][i] : call->in[0][i - features];
    }
}

#define CASE(tokens, features)                                                                                         \
    {                                                                                                                  \
        .name = #tokens ", " #features, .inputs = {SAMPLE(tokens, features), WEIGHT(features)},                        \
        .output = SHAPE(tokens + 1, features)                                                                          \
    }

static const op_case cases[] = {
    CASE(1, 1),
    CASE(3, 5),
    CASE(4, 64),
    CASE(2, 33),
    {.name = "token of another width",
     .inputs = {SAMPLE(4, 6), WEIGHT(4)},
     .refusal = "the token has shape (4), but next to (4, 6) the shape (6) fits"},
    {.name = "image", .inputs = {SAMPLE(4, 6, 2), WEIGHT(2)}, .refusal = "rank 3, but rank 2 fits"},
};
const op_cases cases_class_token = CASES(cases, reference);
