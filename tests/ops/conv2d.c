// SPDX-License-Identifier: Apache-2.0
// Convolutions against the formula, with Keras's padding.
#include "ops/convolution.h"
#include "reference.h"

static void reference(const reference_call *call) {
    reference_convolution(call, false);
}

// Keeps every sum away from the kink of ReLU: the sign of a filter is that of its bias.
static void away_from_zero(const op_case *test, int input, float *values, size_t count) {
    if (input == 2) {
        const int *kernel = test->inputs[1].shape.size;
        for (size_t i = 0; i < count; i++) {
            values[i] = (i % 2 ? 1.f : -1.f) * (float)(kernel[0] * kernel[1] * kernel[2]);
        }
    }
}

#define CONVOLUTION(vertical, horizontal, kind, function)                                                              \
    &(const fv__conv2d_attributes) {                                                                                   \
        .stride = {(vertical), (horizontal)}, .padding = FV__PADDING_##kind, .activation = FV__ACTIVATION_##function   \
    }

static const op_case cases[] = {
    {.name = "valid, one channel",
     .attributes = CONVOLUTION(1, 1, VALID, linear),
     .inputs = {SAMPLE(6, 5, 1), WEIGHT(3, 3, 1, 4), WEIGHT(4)},
     .output = SHAPE(4, 3, 4)},
    {.name = "valid, channels, no bias",
     .attributes = CONVOLUTION(1, 1, VALID, linear),
     .inputs = {SAMPLE(5, 6, 17), WEIGHT(2, 3, 17, 19)},
     .output = SHAPE(4, 4, 19)},
    {.name = "same, even kernel, relu",
     .attributes = CONVOLUTION(1, 1, SAME, relu),
     .inputs = {SAMPLE(5, 7, 3), WEIGHT(2, 2, 3, 32), WEIGHT(32)},
     .output = SHAPE(5, 7, 32),
     .prepare = away_from_zero},
    {.name = "same, odd kernel, gelu",
     .attributes = CONVOLUTION(1, 1, SAME, gelu),
     .inputs = {SAMPLE(4, 5, 2), WEIGHT(3, 5, 2, 18), WEIGHT(18)},
     .output = SHAPE(4, 5, 18)},
    {.name = "valid, strides, tanh",
     .attributes = CONVOLUTION(2, 3, VALID, tanh),
     .inputs = {SAMPLE(8, 9, 3), WEIGHT(3, 2, 3, 5), WEIGHT(5)},
     .output = SHAPE(3, 3, 5)},
    {.name = "same, strides",
     .attributes = CONVOLUTION(2, 2, SAME, linear),
     .inputs = {SAMPLE(7, 8, 3), WEIGHT(3, 3, 3, 20), WEIGHT(20)},
     .output = SHAPE(4, 4, 20)},
    {.name = "stride larger than the kernel",
     .attributes = CONVOLUTION(3, 3, SAME, linear),
     .inputs = {SAMPLE(8, 7, 2), WEIGHT(2, 1, 2, 3), WEIGHT(3)},
     .output = SHAPE(3, 3, 3)},
    {.name = "pointwise, relu",
     .attributes = CONVOLUTION(1, 1, SAME, relu),
     .inputs = {SAMPLE(5, 4, 18), WEIGHT(1, 1, 18, 33), WEIGHT(33)},
     .output = SHAPE(5, 4, 33),
     .prepare = away_from_zero},
    {.name = "pointwise, gelu_tanh",
     .attributes = CONVOLUTION(1, 1, VALID, gelu_tanh),
     .inputs = {SAMPLE(3, 4, 5), WEIGHT(1, 1, 5, 16), WEIGHT(16)},
     .output = SHAPE(3, 4, 16)},
    {.name = "same, relu6",
     .attributes = CONVOLUTION(2, 2, SAME, relu6),
     .inputs = {SAMPLE(6, 5, 3), WEIGHT(3, 3, 3, 17), WEIGHT(17)},
     .output = SHAPE(3, 3, 17),
     .prepare = prepare_around_six},
    {.name = "pointwise, strides",
     .attributes = CONVOLUTION(2, 2, VALID, linear),
     .inputs = {SAMPLE(5, 5, 4), WEIGHT(1, 1, 4, 6), WEIGHT(6)},
     .output = SHAPE(3, 3, 6)},
    {.name = "kernel as large as the image",
     .attributes = CONVOLUTION(1, 1, VALID, linear),
     .inputs = {SAMPLE(3, 4, 2), WEIGHT(3, 4, 2, 7), WEIGHT(7)},
     .output = SHAPE(1, 1, 7)},
    {.name = "same, kernel larger than the image",
     .attributes = CONVOLUTION(1, 1, SAME, linear),
     .inputs = {SAMPLE(2, 3, 2), WEIGHT(5, 5, 2, 3), WEIGHT(3)},
     .output = SHAPE(2, 3, 3)},
    {.name = "refuses a vector",
     .attributes = CONVOLUTION(1, 1, VALID, linear),
     .inputs = {SAMPLE(28), WEIGHT(3, 3, 1, 4)},
     .refusal = "image"},
    {.name = "refuses other channels",
     .attributes = CONVOLUTION(1, 1, VALID, linear),
     .inputs = {SAMPLE(5, 5, 3), WEIGHT(3, 3, 1, 4)},
     .refusal = "(height, width, 3, out)"},
    {.name = "refuses a kernel that does not fit",
     .attributes = CONVOLUTION(1, 1, VALID, linear),
     .inputs = {SAMPLE(2, 5, 3), WEIGHT(3, 3, 3, 4)},
     .refusal = "does not fit"},
    {.name = "refuses a stride of 0",
     .attributes = CONVOLUTION(0, 1, VALID, linear),
     .inputs = {SAMPLE(5, 5, 3), WEIGHT(3, 3, 3, 4)},
     .refusal = "stride"},
    {.name = "refuses a bias of another length",
     .attributes = CONVOLUTION(1, 1, VALID, linear),
     .inputs = {SAMPLE(5, 5, 3), WEIGHT(3, 3, 3, 4), WEIGHT(3)},
     .refusal = "bias"},
};

const op_cases cases_conv2d = CASES(cases, reference);
