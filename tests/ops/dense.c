// SPDX-License-Identifier: Apache-2.0
// Dense layers against the formula.
#include "ops/dense.h"
#include "reference.h"

static void reference(const reference_call *call) {
    const fv__dense_attributes *attributes = call->node->attributes;
    const int in = call->node->inputs[1].size[0], out = call->node->inputs[1].size[1];
    const size_t tokens = fv__shape_elements(&call->node->inputs[0]) / (size_t)in;
    for (size_t token = 0; token < tokens; token++) {
        for (int unit = 0; unit < out; unit++) {
            double sum = call->node->input_count == 3 ? call->in[2][unit] : 0;
            for (int feature = 0; feature < in; feature++) {
                sum += call->in[0][token * (size_t)in + (size_t)feature] * call->in[1][feature * out + unit];
            }
            call->out[token * (size_t)out + (size_t)unit] = reference_activation(attributes->activation, sum);
        }
    }
}

// Inputs that keep every sum away from the kink of ReLU, where finite differences say nothing: the sign of a unit is
// that of its bias.
static void away_from_zero(const op_case *test, int input, float *values, size_t count) {
    if (input == 2) {
        for (size_t i = 0; i < count; i++) {
            values[i] = (i % 2 ? 1.f : -1.f) * (float)test->inputs[1].shape.size[0];
        }
    }
}

static const fv__dense_attributes linear = {FV__ACTIVATION_linear}, relu = {FV__ACTIVATION_relu},
                                  gelu = {FV__ACTIVATION_gelu}, gelu_tanh = {FV__ACTIVATION_gelu_tanh},
                                  hyperbolic = {FV__ACTIVATION_tanh}, sigmoid = {FV__ACTIVATION_sigmoid};

static const op_case cases[] = {
    {.name = "features, bias",
     .attributes = &linear,
     .inputs = {SAMPLE(5), WEIGHT(5, 3), WEIGHT(3)},
     .output = SHAPE(3)},
    {.name = "tokens, no bias",
     .attributes = &linear,
     .inputs = {SAMPLE(7, 19), WEIGHT(19, 37)},
     .output = SHAPE(7, 37)},
    {.name = "pixels",
     .attributes = &linear,
     .inputs = {SAMPLE(3, 2, 8), WEIGHT(8, 16), WEIGHT(16)},
     .output = SHAPE(3, 2, 16)},
    {.name = "one feature, one unit",
     .attributes = &linear,
     .inputs = {SAMPLE(1), WEIGHT(1, 1), WEIGHT(1)},
     .output = SHAPE(1),
     .samples = 1},
    {.name = "relu",
     .attributes = &relu,
     .inputs = {SAMPLE(6, 10), WEIGHT(10, 21), WEIGHT(21)},
     .output = SHAPE(6, 21),
     .prepare = away_from_zero},
    {.name = "gelu", .attributes = &gelu, .inputs = {SAMPLE(5, 9), WEIGHT(9, 40), WEIGHT(40)}, .output = SHAPE(5, 40)},
    {.name = "gelu_tanh, several blocks of rows",
     .attributes = &gelu_tanh,
     .inputs = {SAMPLE(100, 2), WEIGHT(2, 131), WEIGHT(131)},
     .output = SHAPE(100, 131),
     .samples = 2},
    {.name = "tanh",
     .attributes = &hyperbolic,
     .inputs = {SAMPLE(4, 6), WEIGHT(6, 18), WEIGHT(18)},
     .output = SHAPE(4, 18)},
    {.name = "sigmoid",
     .attributes = &sigmoid,
     .inputs = {SAMPLE(11), WEIGHT(11, 17), WEIGHT(17)},
     .output = SHAPE(17)},
    {.name = "several tiles of features",
     .attributes = &relu,
     .inputs = {SAMPLE(531), WEIGHT(531, 12), WEIGHT(12)},
     .output = SHAPE(12),
     .samples = 5,
     .prepare = away_from_zero},
    {.name = "refuses x that is a weight",
     .attributes = &linear,
     .inputs = {WEIGHT(12, 7), WEIGHT(7, 20)},
     .refusal = "must depend on the sample"},
    {.name = "refuses other features",
     .attributes = &linear,
     .inputs = {SAMPLE(4, 6), WEIGHT(5, 3)},
     .refusal = "(4, 6)"},
    {.name = "refuses a bias of another length",
     .attributes = &linear,
     .inputs = {SAMPLE(4, 5), WEIGHT(5, 3), WEIGHT(4)},
     .refusal = "bias"},
    {.name = "refuses weights with a batch axis",
     .attributes = &linear,
     .inputs = {SAMPLE(4, 5), SAMPLE(5, 3)},
     .refusal = "weight"},
    {.name = "refuses a missing weight", .attributes = &linear, .inputs = {SAMPLE(4, 5)}, .refusal = "inputs"},
};

const op_cases cases_dense = CASES(cases, reference);
