// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution of NHWC images: every channel is correlated with its own window, as Keras's
// DepthwiseConv2D with one filter a channel (Sifre and Mallat 2014; Howard et al. 2017, "MobileNets").
//   y[i][j][c] = activation(Σ x[i·stride + p - before][j·stride + q - before][c] · kernel[p][q][c] + bias[c])
#include <math.h>

#include "ops/activated.h"
#include "ops/check.h"
#include "ops/conv2d_layout.h"

static const fv__conv2d_attributes *attributes_of(const fv__op_node *node) {
    return node->attributes;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    static const char op[] = "depthwise_conv2d";
    const fv__conv2d_attributes *a = attributes_of(node);
    FV__TRY(fv__op_expect_inputs(node, op, 2, 3, "x, a kernel and, if wanted, a bias", error));
    FV__TRY(fv__op_expect_sample(node, op, 0, "x", 3, 3, error));
    const fv__shape *x = &node->inputs[0], *kernel = &node->inputs[1];
    if (kernel->rank != 4 || kernel->size[2] != x->size[2] || kernel->size[3] != 1 || !node->input_is_weight[1]) {
        return fv__fail(error, FV_INVALID, "%s: the kernel must be a weight of shape (height, width, %d, 1), not %s",
                        op, x->size[2], fv__shape_print(kernel).text);
    }
    if (node->input_count == 3) {
        FV__TRY(fv__op_expect_weight(node, op, 2, "the bias", (fv__shape){1, {x->size[2]}}, error));
    }
    if (a->stride[0] < 1 || a->stride[1] < 1) {
        return fv__fail(error, FV_INVALID, "%s: strides must be at least 1, not (%d, %d)", op, a->stride[0],
                        a->stride[1]);
    }
    const fv__windows w = fv__conv2d_windows_of(node);
    if (w.rows < 1 || w.columns < 1) {
        return fv__fail(error, FV_INVALID,
                        "%s: the kernel (%d, %d) does not fit into the image %s; use a smaller kernel or padding same",
                        op, w.size[0], w.size[1], fv__shape_print(x).text);
    }
    node->output = (fv__shape){.rank = 3, .size = {w.rows, w.columns, w.channels}};
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    return FV__READS_INPUT(0) | FV__READS_INPUT(1) | fv__activated_reads(attributes_of(node)->activation);
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    (void)kernels, (void)samples;
    const fv__activation activation = attributes_of(node)->activation;
    const size_t bytes = fv__shape_elements(&node->output) * sizeof(float);
    *needs = (fv__op_needs){.saved = backward && fv__activated_saves(activation) ? bytes : 0,
                            .scratch = backward && activation != FV__ACTIVATION_linear ? bytes : 0};
}

// Output rows begin … end-1 of one sample. ReLU and ReLU6 are limits of the sum; other functions run after it.
static void forward_rows(const fv__call *call, size_t sample, int begin, int end) {
    fv__windows w = fv__conv2d_windows_of(call->node);
    const fv__activation activation = attributes_of(call->node)->activation;
    const bool relu = activation == FV__ACTIVATION_relu, relu6 = activation == FV__ACTIVATION_relu6;
    const size_t row = (size_t)w.columns * (size_t)w.channels, count = (size_t)(end - begin) * row;
    const size_t before = sample * (size_t)w.rows * row + (size_t)begin * row;
    const float *x = call->in[0] + sample * fv__shape_elements(&call->node->inputs[0]);
    float *y = call->out + before, *saved = call->saved;
    float *sums = saved ? saved + before : y;
    w.before[0] -= begin * w.stride[0];
    w.rows = end - begin;
    call->kernels->depthwise(&w, relu || relu6 ? 0 : -INFINITY, relu6 ? 6 : INFINITY, x, call->in[1],
                             call->node->input_count == 3 ? call->in[2] : NULL, sums);
    if (!relu && !relu6) {
        call->kernels->activate(activation, sums, y, count);
    }
}

static int slices(const fv__op_node *node, const fv__kernels *kernels) {
    (void)kernels;
    return fv__conv2d_windows_of(node).rows;
}

static void forward_slices(const fv__call *call, int begin, int end) {
    forward_rows(call, 0, begin, end);
}

static void forward(const fv__call *call) {
    for (int sample = 0; sample < call->samples; sample++) {
        forward_rows(call, (size_t)sample, 0, slices(call->node, call->kernels));
    }
}

static void backward(const fv__call *call) {
    const fv__windows w = fv__conv2d_windows_of(call->node);
    const size_t in = fv__shape_elements(&call->node->inputs[0]), out = fv__shape_elements(&call->node->output);
    for (size_t sample = 0; sample < (size_t)call->samples; sample++) {
        const float *saved = call->saved;
        const float *d_sums = fv__activated_gradient(
            call->kernels, attributes_of(call->node)->activation, out, call->d_out + sample * out,
            call->out ? call->out + sample * out : NULL, saved ? saved + sample * out : NULL, call->scratch);
        if (call->d_in[0] || call->d_in[1]) {
            call->kernels->depthwise_backward(&w, d_sums, call->in[0] + sample * in, call->in[1],
                                              call->d_in[0] ? call->d_in[0] + sample * in : NULL, call->d_in[1]);
        }
        if (call->node->input_count == 3 && call->d_in[2]) {
            call->kernels->add_columns(d_sums, w.channels, call->d_in[2], w.rows * w.columns, w.channels);
        }
    }
}

static double multiply_adds(const fv__op_node *node) {
    return fv__op_one_each(node) * node->inputs[1].size[0] * node->inputs[1].size[1];
}

const fv__op fv__op_depthwise_conv2d = {.name = "depthwise_conv2d",
                                        .attributes_size = sizeof(fv__conv2d_attributes),
                                        .infer = infer,
                                        .backward_reads = backward_reads,
                                        .needs = needs,
                                        .forward = forward,
                                        .backward = backward,
                                        .slices = slices,
                                        .forward_slices = forward_slices,
                                        .multiply_adds = multiply_adds,
                                        .windows = fv__conv2d_windows};
