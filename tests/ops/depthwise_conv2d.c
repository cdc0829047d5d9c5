// Depthwise convolutions against the formula, with Keras's padding.
#include "harness.h"

// Where window `position` begins along one axis.
static int window_start(int size, int kernel, int stride, fv__padding padding, int position) {
    const int total = ((size + stride - 1) / stride - 1) * stride + kernel - size;
    return position * stride - (padding == FV__PADDING_SAME && total > 0 ? total / 2 : 0);
}

static double at(const reference_call *call, int y, int x, int channel) {
    const fv__conv2d_attributes *attributes = call->node->attributes;
    const int *image = call->node->inputs[0].size, *kernel = call->node->inputs[1].size;
    const int top = window_start(image[0], kernel[0], attributes->stride[0], attributes->padding, y);
    const int left = window_start(image[1], kernel[1], attributes->stride[1], attributes->padding, x);
    double sum = call->node->input_count == 3 ? call->in[2][channel] : 0;
    for (int i = 0; i < kernel[0]; i++) {
        for (int j = 0; j < kernel[1]; j++) {
            const int row = top + i, column = left + j;
            if (row >= 0 && row < image[0] && column >= 0 && column < image[1]) {
                sum += call->in[0][(row * image[1] + column) * image[2] + channel] *
                       call->in[1][(i * kernel[1] + j) * image[2] + channel];
            }
        }
    }
    return sum;
}

static void reference(const reference_call *call) {
    const fv__conv2d_attributes *attributes = call->node->attributes;
    const int *output = call->node->output.size;
    double *out = call->out;
    for (int y = 0; y < output[0]; y++) {
        for (int x = 0; x < output[1]; x++) {
            for (int channel = 0; channel < output[2]; channel++) {
                *out++ = reference_activation(attributes->activation, at(call, y, x, channel));
            }
        }
    }
}

// Sums on both sides of both kinks of ReLU6.
static void spread(const op_case *test, int input, float *values, size_t count) {
    (void)test;
    for (size_t i = 0; i < count && input == 2; i++) {
        values[i] = (float)(i % 3) * 3;
    }
}

#define DEPTHWISE(vertical, horizontal, kind, function)                                                                \
    &(const fv__conv2d_attributes) {                                                                                   \
        .stride = {(vertical), (horizontal)}, .padding = FV__PADDING_##kind, .activation = FV__ACTIVATION_##function   \
    }

static const op_case cases[] = {
    {.name = "same, 3x3",
     .attributes = DEPTHWISE(1, 1, SAME, linear),
     .inputs = {SAMPLE(6, 11, 32), WEIGHT(3, 3, 32, 1), WEIGHT(32)},
     .input_count = 3,
     .output = SHAPE(6, 11, 32),
     .reference = reference},
    {.name = "same, 3x3, ragged, relu6",
     .attributes = DEPTHWISE(1, 1, SAME, relu6),
     .inputs = {SAMPLE(5, 7, 37), WEIGHT(3, 3, 37, 1), WEIGHT(37)},
     .input_count = 3,
     .output = SHAPE(5, 7, 37),
     .prepare = spread,
     .reference = reference},
    {.name = "same, 3x3, few channels, no bias",
     .attributes = DEPTHWISE(1, 1, SAME, linear),
     .inputs = {SAMPLE(5, 6, 3), WEIGHT(3, 3, 3, 1)},
     .input_count = 2,
     .output = SHAPE(5, 6, 3),
     .reference = reference},
    {.name = "same, stride 2, even",
     .attributes = DEPTHWISE(2, 2, SAME, relu),
     .inputs = {SAMPLE(8, 18, 24), WEIGHT(3, 3, 24, 1), WEIGHT(24)},
     .input_count = 3,
     .output = SHAPE(4, 9, 24),
     .reference = reference},
    {.name = "same, stride 2, odd",
     .attributes = DEPTHWISE(2, 2, SAME, linear),
     .inputs = {SAMPLE(9, 13, 17), WEIGHT(3, 3, 17, 1), WEIGHT(17)},
     .input_count = 3,
     .output = SHAPE(5, 7, 17),
     .reference = reference},
    {.name = "valid, 3x3, gelu",
     .attributes = DEPTHWISE(1, 1, VALID, gelu),
     .inputs = {SAMPLE(5, 8, 18), WEIGHT(3, 3, 18, 1), WEIGHT(18)},
     .input_count = 3,
     .output = SHAPE(3, 6, 18),
     .reference = reference},
    {.name = "valid, stride 2, sigmoid",
     .attributes = DEPTHWISE(2, 2, VALID, sigmoid),
     .inputs = {SAMPLE(7, 12, 16), WEIGHT(3, 3, 16, 1)},
     .input_count = 2,
     .output = SHAPE(3, 5, 16),
     .reference = reference},
    {.name = "same, 5x5",
     .attributes = DEPTHWISE(1, 1, SAME, linear),
     .inputs = {SAMPLE(7, 6, 20), WEIGHT(5, 5, 20, 1), WEIGHT(20)},
     .input_count = 3,
     .output = SHAPE(7, 6, 20),
     .reference = reference},
    {.name = "valid, 2x3, strides 3x1",
     .attributes = DEPTHWISE(3, 1, VALID, linear),
     .inputs = {SAMPLE(8, 9, 16), WEIGHT(2, 3, 16, 1), WEIGHT(16)},
     .input_count = 3,
     .output = SHAPE(3, 7, 16),
     .reference = reference},
    {.name = "stride larger than the kernel",
     .attributes = DEPTHWISE(3, 3, SAME, linear),
     .inputs = {SAMPLE(8, 7, 5), WEIGHT(2, 1, 5, 1), WEIGHT(5)},
     .input_count = 3,
     .output = SHAPE(3, 3, 5),
     .reference = reference},
    {.name = "same, kernel larger than the image",
     .attributes = DEPTHWISE(1, 1, SAME, linear),
     .inputs = {SAMPLE(1, 2, 19), WEIGHT(3, 5, 19, 1), WEIGHT(19)},
     .input_count = 3,
     .output = SHAPE(1, 2, 19),
     .reference = reference},
    {.name = "refuses tokens",
     .attributes = DEPTHWISE(1, 1, SAME, linear),
     .inputs = {SAMPLE(28, 3), WEIGHT(3, 3, 3, 1)},
     .input_count = 2,
     .refusal = "rank 3 fits"},
    {.name = "refuses other channels",
     .attributes = DEPTHWISE(1, 1, SAME, linear),
     .inputs = {SAMPLE(5, 5, 3), WEIGHT(3, 3, 4, 1)},
     .input_count = 2,
     .refusal = "(height, width, 3, 1)"},
    {.name = "refuses a kernel that does not fit",
     .attributes = DEPTHWISE(1, 1, VALID, linear),
     .inputs = {SAMPLE(2, 5, 3), WEIGHT(3, 3, 3, 1)},
     .input_count = 2,
     .refusal = "does not fit"},
    {.name = "refuses a stride of 0",
     .attributes = DEPTHWISE(1, 0, VALID, linear),
     .inputs = {SAMPLE(5, 5, 3), WEIGHT(3, 3, 3, 1)},
     .input_count = 2,
     .refusal = "strides must be at least 1"},
    {.name = "refuses a bias of another length",
     .attributes = DEPTHWISE(1, 1, VALID, linear),
     .inputs = {SAMPLE(5, 5, 3), WEIGHT(3, 3, 3, 1), WEIGHT(4)},
     .input_count = 3,
     .refusal = "the bias has shape (4)"},
};

const op_cases cases_depthwise_conv2d = CASES(cases);
