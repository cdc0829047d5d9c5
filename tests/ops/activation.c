// SPDX-License-Identifier: Apache-2.0
// Pointwise functions.
#include "ops/pointwise.h"
#include "reference.h"

static void reference(const reference_call *call) {
    const fv__activation_attributes *attributes = call->test->attributes;
    for (size_t i = 0; i < fv__shape_elements(&call->node->output); i++) {
        call->out[i] = reference_activation(attributes->activation, call->in[0][i]);
    }
}

// From where everything is curved to where functions are flat.
static void prepare(const op_case *test, int input, float *values, size_t count) {
    (void)test, (void)input;
    for (size_t i = 0; i < count; i++) {
        values[i] *= i % 3 ? 3 : 12;
    }
}

#define CASE(kind, ...)                                                                                                \
    {                                                                                                                  \
        .name = #kind " " #__VA_ARGS__, .attributes = &(fv__activation_attributes){FV__ACTIVATION_##kind},             \
        .inputs = {SAMPLE(__VA_ARGS__)}, .output = SHAPE(__VA_ARGS__), .prepare = prepare                              \
    }

static const op_case cases[] = {
    CASE(linear, 3),
    CASE(linear, 5, 7),
    CASE(linear, 64),
    CASE(relu, 5),
    CASE(relu, 5, 10),
    CASE(relu, 64),
    CASE(gelu, 7),
    CASE(gelu, 5, 17),
    CASE(gelu, 64),
    CASE(gelu_tanh, 10),
    CASE(gelu_tanh, 5, 31),
    CASE(gelu_tanh, 64),
    CASE(tanh, 17),
    CASE(tanh, 5, 33),
    CASE(tanh, 64),
    CASE(sigmoid, 31),
    CASE(sigmoid, 5, 1),
    CASE(sigmoid, 64),
    CASE(relu6, 31),
    CASE(relu6, 5, 64),
    {.name = "unknown function",
     .attributes = &(fv__activation_attributes){FV__ACTIVATION_COUNT},
     .inputs = {SAMPLE(3)},
     .refusal = "no function"},
    {.name = "of a weight",
     .attributes = &(fv__activation_attributes){FV__ACTIVATION_relu},
     .inputs = {WEIGHT(3)},
     .refusal = "weight of shape (3)"},
};
const op_cases cases_activation = CASES(cases, reference);
