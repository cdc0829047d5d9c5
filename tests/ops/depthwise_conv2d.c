// SPDX-License-Identifier: Apache-2.0
// Depthwise convolutions against the formula, with Keras's padding.
#include "ops/convolution.h"
#include "reference.h"

static void reference(const reference_call *call) {
    reference_convolution(call, true);
}

#define DEPTHWISE(vertical, horizontal, kind, function)                                                                \
    &(const fv__conv2d_attributes) {                                                                                   \
        .stride = {(vertical), (horizontal)}, .padding = FV__PADDING_##kind, .activation = FV__ACTIVATION_##function   \
    }

static const op_case cases[] = {
    {.name = "same, 3x3",
     .attributes = DEPTHWISE(1, 1, SAME, linear),
     .inputs = {SAMPLE(6, 11, 32), WEIGHT(3, 3, 32, 1), WEIGHT(32)},
     .output = SHAPE(6, 11, 32)},
    {.name = "same, 3x3, ragged, relu6",
     .attributes = DEPTHWISE(1, 1, SAME, relu6),
     .inputs = {SAMPLE(5, 7, 37), WEIGHT(3, 3, 37, 1), WEIGHT(37)},
     .output = SHAPE(5, 7, 37),
     .prepare = prepare_around_six},
    {.name = "same, 3x3, few channels, no bias",
     .attributes = DEPTHWISE(1, 1, SAME, linear),
     .inputs = {SAMPLE(5, 6, 3), WEIGHT(3, 3, 3, 1)},
     .output = SHAPE(5, 6, 3)},
    {.name = "same, stride 2, even",
     .attributes = DEPTHWISE(2, 2, SAME, relu),
     .inputs = {SAMPLE(8, 18, 24), WEIGHT(3, 3, 24, 1), WEIGHT(24)},
     .output = SHAPE(4, 9, 24)},
    {.name = "same, stride 2, odd",
     .attributes = DEPTHWISE(2, 2, SAME, linear),
     .inputs = {SAMPLE(9, 13, 17), WEIGHT(3, 3, 17, 1), WEIGHT(17)},
     .output = SHAPE(5, 7, 17)},
    {.name = "valid, 3x3, gelu",
     .attributes = DEPTHWISE(1, 1, VALID, gelu),
     .inputs = {SAMPLE(5, 8, 18), WEIGHT(3, 3, 18, 1), WEIGHT(18)},
     .output = SHAPE(3, 6, 18)},
    {.name = "valid, stride 2, sigmoid",
     .attributes = DEPTHWISE(2, 2, VALID, sigmoid),
     .inputs = {SAMPLE(7, 12, 16), WEIGHT(3, 3, 16, 1)},
     .output = SHAPE(3, 5, 16)},
    {.name = "same, 5x5",
     .attributes = DEPTHWISE(1, 1, SAME, linear),
     .inputs = {SAMPLE(7, 6, 20), WEIGHT(5, 5, 20, 1), WEIGHT(20)},
     .output = SHAPE(7, 6, 20)},
    {.name = "valid, 2x3, strides 3x1",
     .attributes = DEPTHWISE(3, 1, VALID, linear),
     .inputs = {SAMPLE(8, 9, 16), WEIGHT(2, 3, 16, 1), WEIGHT(16)},
     .output = SHAPE(3, 7, 16)},
    {.name = "stride larger than the kernel",
     .attributes = DEPTHWISE(3, 3, SAME, linear),
     .inputs = {SAMPLE(8, 7, 5), WEIGHT(2, 1, 5, 1), WEIGHT(5)},
     .output = SHAPE(3, 3, 5)},
    {.name = "same, kernel larger than the image",
     .attributes = DEPTHWISE(1, 1, SAME, linear),
     .inputs = {SAMPLE(1, 2, 19), WEIGHT(3, 5, 19, 1), WEIGHT(19)},
     .output = SHAPE(1, 2, 19)},
    {.name = "refuses tokens",
     .attributes = DEPTHWISE(1, 1, SAME, linear),
     .inputs = {SAMPLE(28, 3), WEIGHT(3, 3, 3, 1)},
     .refusal = "rank 3 fits"},
    {.name = "refuses other channels",
     .attributes = DEPTHWISE(1, 1, SAME, linear),
     .inputs = {SAMPLE(5, 5, 3), WEIGHT(3, 3, 4, 1)},
     .refusal = "(height, width, 3, 1)"},
    {.name = "refuses a kernel that does not fit",
     .attributes = DEPTHWISE(1, 1, VALID, linear),
     .inputs = {SAMPLE(2, 5, 3), WEIGHT(3, 3, 3, 1)},
     .refusal = "does not fit"},
    {.name = "refuses a stride of 0",
     .attributes = DEPTHWISE(1, 0, VALID, linear),
     .inputs = {SAMPLE(5, 5, 3), WEIGHT(3, 3, 3, 1)},
     .refusal = "strides must be at least 1"},
    {.name = "refuses a bias of another length",
     .attributes = DEPTHWISE(1, 1, VALID, linear),
     .inputs = {SAMPLE(5, 5, 3), WEIGHT(3, 3, 3, 1), WEIGHT(4)},
     .refusal = "the bias has shape (4)"},
};

const op_cases cases_depthwise_conv2d = CASES(cases, reference);
