// SPDX-License-Identifier: Apache-2.0
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "kernels/draw.h"
#include "ops/convolution.h"

double reference_activation(fv__activation kind, double x) {
    switch (kind) {
    case FV__ACTIVATION_relu:
        return x > 0 ? x : 0;
    case FV__ACTIVATION_gelu:
        return x * 0.5 * (1 + erf(x / sqrt(2.0)));
    case FV__ACTIVATION_gelu_tanh:
        return x * 0.5 * (1 + tanh(sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case FV__ACTIVATION_tanh:
        return tanh(x);
    case FV__ACTIVATION_sigmoid:
        return 1 / (1 + exp(-x));
    case FV__ACTIVATION_relu6:
        return fmin(fmax(x, 0), 6);
    case FV__ACTIVATION_linear:
    default:
        return x;
    }
}

bool reference_keeps(const reference_call *call, float rate, uint32_t position) {
    const fv__philox key =
        fv__philox_block(call->seed, FV__DRAW_DROPOUT, call->epoch << 32 | call->node->id, call->sample_id);
    return (double)fv__draw(position, key.word[0], key.word[1]) >= floor((double)rate * 0x1p32);
}

int reference_window(int size, int window, int stride, fv__padding padding, int position) {
    const int missing = ((size + stride - 1) / stride - 1) * stride + window - size;
    return position * stride - (padding == FV__PADDING_SAME && missing > 0 ? missing / 2 : 0);
}

static int count_windows(int size, int window, int stride, fv__padding padding) {
    return padding == FV__PADDING_SAME ? (size + stride - 1) / stride : (size - window) / stride + 1;
}

reference_image reference_convolve(reference_image x, const fv__conv2d_attributes *a, const fv__shape *shape,
                                   const double *kernel, const double *bias, bool depthwise) {
    const int *k = shape->size, filters = depthwise ? x.channels : k[3];
    reference_image y = {NULL, count_windows(x.height, k[0], a->stride[0], a->padding),
                         count_windows(x.width, k[1], a->stride[1], a->padding), filters};
    y.values = malloc((size_t)y.height * (size_t)y.width * (size_t)filters * sizeof *y.values);
    for (int n = 0; n < y.height * y.width * filters; n++) {
        const int f = n % filters, column = n / filters % y.width, row = n / filters / y.width;
        double sum = bias ? bias[f] : 0;
        for (int tap = 0; tap < k[0] * k[1]; tap++) {
            const int i = reference_window(x.height, k[0], a->stride[0], a->padding, row) + tap / k[1];
            const int j = reference_window(x.width, k[1], a->stride[1], a->padding, column) + tap % k[1];
            const bool inside = i >= 0 && i < x.height && j >= 0 && j < x.width;
            for (int c = depthwise ? f : 0; inside && c < (depthwise ? f + 1 : x.channels); c++) {
                const double weight = kernel[(tap * x.channels + c) * k[3] + (depthwise ? 0 : f)];
                sum += x.values[(i * x.width + j) * x.channels + c] * weight;
            }
        }
        y.values[n] = reference_activation(a->activation, sum);
    }
    return y;
}

void reference_convolution(const reference_call *call, bool depthwise) {
    const fv__shape *x = &call->node->inputs[0];
    const reference_image image = {(double *)call->in[0], x->size[0], x->size[1], x->size[2]};
    const double *bias = call->node->input_count == 3 ? call->in[2] : NULL;
    const reference_image y =
        reference_convolve(image, call->node->attributes, &call->node->inputs[1], call->in[1], bias, depthwise);
    memcpy(call->out, y.values, fv__shape_elements(&call->node->output) * sizeof *call->out);
    free(y.values);
}

void prepare_around_six(const op_case *test, int input, float *values, size_t count) {
    (void)test;
    for (size_t i = 0; i < count && input == 2; i++) {
        values[i] = (float)(i % 3) * 3;
    }
}
