// SPDX-License-Identifier: Apache-2.0
// One token out of all.
#include "harness.h"
#include "ops/tokens.h"

static void reference(const reference_call *call) {
    const int index = ((const fv__take_token_attributes *)call->test->attributes)->index;
    const int features = call->node->output.size[0];
    for (int i = 0; i < features; i++) {
        call->out[i] = call->in[0][index * features + i];
    }
}

#define CASE(number, tokens, features)                                                                                 \
    {                                                                                                                  \
        .name = #number " of " #tokens ", " #features, .attributes = &(fv__take_token_attributes){number},             \
        .inputs = {SAMPLE(tokens, features)}, .output = SHAPE(features)                                                \
    }

static const op_case cases[] = {
    CASE(0, 1, 1),
    CASE(0, 5, 7),
    CASE(2, 5, 7),
    CASE(4, 5, 33),
    {.name = "past the end",
     .attributes = &(fv__take_token_attributes){5},
     .inputs = {SAMPLE(5, 7)},
     .refusal = "there is no token 5 in (5, 7); they count from 0 to 4"},
};
const op_cases cases_take_token = CASES(cases, reference);
