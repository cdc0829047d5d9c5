// Three convolutions as one, against one after the other.
#include <stdlib.h>

#include "harness.h"

typedef struct image {
    double *values;
    int height, width, channels;
} image;

// Where window `position` begins along one axis, and how many windows there are.
static int window_start(int size, int kernel, int stride, fv__padding padding, int position) {
    const int total = ((size + stride - 1) / stride - 1) * stride + kernel - size;
    return position * stride - (padding == FV__PADDING_SAME && total > 0 ? total / 2 : 0);
}

static int count(int size, int kernel, int stride, fv__padding padding) {
    return padding == FV__PADDING_SAME ? (size + stride - 1) / stride : (size - kernel) / stride + 1;
}

// A convolution; of a depthwise kernel, only the channel itself counts. The input is freed if it was made here.
static image convolve(image x, bool made, const fv__conv2d_attributes *a, const fv__shape *shape, const double *kernel,
                      const double *bias, bool depthwise) {
    const int *k = shape->size, filters = depthwise ? x.channels : k[3];
    image y = {NULL, count(x.height, k[0], a->stride[0], a->padding), count(x.width, k[1], a->stride[1], a->padding),
               filters};
    y.values = malloc((size_t)y.height * (size_t)y.width * (size_t)filters * sizeof *y.values);
    for (int n = 0; n < y.height * y.width * filters; n++) {
        const int f = n % filters, column = n / filters % y.width, row = n / filters / y.width;
        double sum = bias[f];
        for (int tap = 0; tap < k[0] * k[1]; tap++) {
            const int i = window_start(x.height, k[0], a->stride[0], a->padding, row) + tap / k[1];
            const int j = window_start(x.width, k[1], a->stride[1], a->padding, column) + tap % k[1];
            const bool inside = i >= 0 && i < x.height && j >= 0 && j < x.width;
            for (int c = depthwise ? f : 0; inside && c < (depthwise ? f + 1 : x.channels); c++) {
                const double weight = kernel[depthwise ? tap * x.channels + c : (tap * x.channels + c) * filters + f];
                sum += x.values[(i * x.width + j) * x.channels + c] * weight;
            }
        }
        y.values[n] = reference_activation(a->activation, sum);
    }
    if (made) {
        free(x.values);
    }
    return y;
}

static void reference(const reference_call *call) {
    const fv__bottleneck_attributes *a = call->test->attributes;
    const fv__shape *shapes = call->node->inputs;
    image y = {(double *)call->in[0], shapes[0].size[0], shapes[0].size[1], shapes[0].size[2]};
    y = convolve(y, false, &a->first, &shapes[1], call->in[1], call->in[2], false);
    y = convolve(y, true, &a->depthwise, &shapes[3], call->in[3], call->in[4], true);
    y = convolve(y, true, &a->last, &shapes[5], call->in[5], call->in[6], false);
    for (size_t i = 0; i < fv__shape_elements(&call->node->output); i++) {
        call->out[i] = y.values[i];
    }
    free(y.values);
}

#define CONVOLUTION(step, pad, function)                                                                               \
    { .stride = {(step), (step)}, .padding = FV__PADDING_##pad, .activation = FV__ACTIVATION_##function }
#define BLOCK(first, depthwise, last)                                                                                  \
    &(const fv__bottleneck_attributes) {                                                                               \
        first, depthwise, last                                                                                         \
    }
#define KERNELS(k, in, wide, size, out)                                                                                \
    WEIGHT(k, k, in, wide), WEIGHT(wide), WEIGHT(size, size, wide, 1), WEIGHT(wide), WEIGHT(1, 1, wide, out),          \
        WEIGHT(out)

// Widths that make strips of few rows: 64 · 1024 floats of the wide image are one.
static const op_case cases[] = {
    {.name = "one strip",
     .attributes = BLOCK(CONVOLUTION(1, SAME, relu6), CONVOLUTION(1, SAME, relu6), CONVOLUTION(1, SAME, linear)),
     .inputs = {SAMPLE(6, 7, 5), KERNELS(1, 5, 19, 3, 4)},
     .input_count = 7,
     .output = SHAPE(6, 7, 4),
     .reference = reference},
    {.name = "strips",
     .attributes = BLOCK(CONVOLUTION(1, SAME, relu), CONVOLUTION(1, SAME, linear), CONVOLUTION(1, VALID, relu)),
     .inputs = {SAMPLE(7, 300, 1), KERNELS(1, 1, 48, 3, 2)},
     .input_count = 7,
     .output = SHAPE(7, 300, 2),
     .samples = 2,
     .reference = reference},
    {.name = "strips, stride 2, odd",
     .attributes = BLOCK(CONVOLUTION(1, SAME, relu6), CONVOLUTION(2, SAME, relu6), CONVOLUTION(1, SAME, linear)),
     .inputs = {SAMPLE(13, 301, 2), KERNELS(1, 2, 40, 3, 3)},
     .input_count = 7,
     .output = SHAPE(7, 151, 3),
     .samples = 2,
     .reference = reference},
    {.name = "strips of one row, first with a window and strides",
     .attributes = BLOCK(CONVOLUTION(2, SAME, gelu), CONVOLUTION(1, SAME, relu), CONVOLUTION(1, SAME, tanh)),
     .inputs = {SAMPLE(10, 600, 1), KERNELS(3, 1, 80, 3, 2)},
     .input_count = 7,
     .output = SHAPE(5, 300, 2),
     .samples = 1,
     .reference = reference},
    {.name = "valid, stride larger than the window",
     .attributes = BLOCK(CONVOLUTION(1, VALID, relu), CONVOLUTION(3, VALID, relu), CONVOLUTION(1, VALID, linear)),
     .inputs = {SAMPLE(12, 260, 1), KERNELS(1, 1, 70, 2, 2)},
     .input_count = 7,
     .output = SHAPE(4, 87, 2),
     .samples = 1,
     .reference = reference},
    {.name = "refuses a depthwise kernel of other channels",
     .attributes = BLOCK(CONVOLUTION(1, SAME, relu), CONVOLUTION(1, SAME, relu), CONVOLUTION(1, SAME, linear)),
     .inputs = {SAMPLE(6, 7, 5), WEIGHT(1, 1, 5, 19), WEIGHT(19), WEIGHT(3, 3, 18, 1), WEIGHT(19), WEIGHT(1, 1, 19, 4),
                WEIGHT(4)},
     .input_count = 7,
     .refusal = "the depthwise kernel has shape (3, 3, 18, 1)"},
    {.name = "refuses a kernel that does not fit",
     .attributes = BLOCK(CONVOLUTION(1, VALID, relu), CONVOLUTION(1, VALID, relu), CONVOLUTION(1, SAME, linear)),
     .inputs = {SAMPLE(2, 7, 5), KERNELS(1, 5, 19, 3, 4)},
     .input_count = 7,
     .refusal = "does not fit"},
};
const op_cases cases_bottleneck = CASES(cases);
