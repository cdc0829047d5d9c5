// SPDX-License-Identifier: Apache-2.0
// Three convolutions as one, against one after the other.
#include <stdlib.h>

#include "ops/convolution.h"
#include "reference.h"

// Input `kernel` and its bias applied; an image between is freed.
static reference_image step(reference_image x, const fv__conv2d_attributes *attributes, const reference_call *call,
                            int kernel, bool depthwise) {
    const reference_image y = reference_convolve(x, attributes, &call->node->inputs[kernel], call->in[kernel],
                                                 call->in[kernel + 1], depthwise);
    if (x.values != call->in[0]) {
        free(x.values);
    }
    return y;
}

static void reference(const reference_call *call) {
    const fv__bottleneck_attributes *a = call->test->attributes;
    const int *size = call->node->inputs[0].size;
    reference_image y = {(double *)call->in[0], size[0], size[1], size[2]};
    y = step(y, &a->first, call, 1, false);
    y = step(y, &a->depthwise, call, 3, true);
    y = step(y, &a->last, call, 5, false);
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
     .output = SHAPE(6, 7, 4)},
    {.name = "strips",
     .attributes = BLOCK(CONVOLUTION(1, SAME, relu), CONVOLUTION(1, SAME, linear), CONVOLUTION(1, VALID, relu)),
     .inputs = {SAMPLE(7, 300, 1), KERNELS(1, 1, 48, 3, 2)},
     .output = SHAPE(7, 300, 2),
     .samples = 2},
    {.name = "strips, stride 2, odd",
     .attributes = BLOCK(CONVOLUTION(1, SAME, relu6), CONVOLUTION(2, SAME, relu6), CONVOLUTION(1, SAME, linear)),
     .inputs = {SAMPLE(13, 301, 2), KERNELS(1, 2, 40, 3, 3)},
     .output = SHAPE(7, 151, 3),
     .samples = 2},
    {.name = "strips of one row, first with a window and strides",
     .attributes = BLOCK(CONVOLUTION(2, SAME, gelu), CONVOLUTION(1, SAME, relu), CONVOLUTION(1, SAME, tanh)),
     .inputs = {SAMPLE(10, 600, 1), KERNELS(3, 1, 80, 3, 2)},
     .output = SHAPE(5, 300, 2),
     .samples = 1},
    {.name = "valid, stride larger than the window",
     .attributes = BLOCK(CONVOLUTION(1, VALID, relu), CONVOLUTION(3, VALID, relu), CONVOLUTION(1, VALID, linear)),
     .inputs = {SAMPLE(12, 260, 1), KERNELS(1, 1, 70, 2, 2)},
     .output = SHAPE(4, 87, 2),
     .samples = 1},
    {.name = "refuses a depthwise kernel of other channels",
     .attributes = BLOCK(CONVOLUTION(1, SAME, relu), CONVOLUTION(1, SAME, relu), CONVOLUTION(1, SAME, linear)),
     .inputs = {SAMPLE(6, 7, 5), WEIGHT(1, 1, 5, 19), WEIGHT(19), WEIGHT(3, 3, 18, 1), WEIGHT(19), WEIGHT(1, 1, 19, 4),
                WEIGHT(4)},
     .refusal = "the depthwise kernel has shape (3, 3, 18, 1)"},
    {.name = "refuses a kernel that does not fit",
     .attributes = BLOCK(CONVOLUTION(1, VALID, relu), CONVOLUTION(1, VALID, relu), CONVOLUTION(1, SAME, linear)),
     .inputs = {SAMPLE(2, 7, 5), KERNELS(1, 5, 19, 3, 4)},
     .refusal = "does not fit"},
};
const op_cases cases_bottleneck = CASES(cases, reference);
