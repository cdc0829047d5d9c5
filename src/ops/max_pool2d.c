// SPDX-License-Identifier: Apache-2.0
// The largest value of each window of an image, then an activation. Padding is Keras's: `same` gives ⌈size / stride⌉
// windows, with the odd cell of padding below and to the right; padding never wins.
#include "ops/check.h"
#include "ops/pooling.h"

static const char *const directions[2] = {"height", "width"};

static const fv__max_pool2d_attributes *attributes_of(const fv__op_node *node) {
    return node->attributes;
}

static fv__windows windows_of(const fv__op_node *node) {
    const fv__max_pool2d_attributes *a = attributes_of(node);
    return fv__windows_over(&node->inputs[0], a->size, a->stride, a->padding);
}

static bool is_gelu(fv__activation activation) {
    return activation == FV__ACTIVATION_gelu || activation == FV__ACTIVATION_gelu_tanh;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    const fv__max_pool2d_attributes *a = attributes_of(node);
    FV__TRY(fv__op_expect_inputs(node, "max_pool2d", 1, 1, "one, an image", error));
    FV__TRY(fv__op_expect_sample(node, "max_pool2d", 0, "x", 3, 3, error));
    for (int i = 0; i < 2; i++) {
        if (a->size[i] < 1 || a->stride[i] < 1) {
            return fv__fail(error, FV_INVALID, "max_pool2d: size %d and stride %d along the %s; both must be above 0",
                            a->size[i], a->stride[i], directions[i]);
        }
    }
    const fv__windows w = windows_of(node);
    if (w.rows < 1 || w.columns < 1) {
        return fv__fail(error, FV_INVALID,
                        "max_pool2d: a window of (%d, %d) does not fit into an image of shape %s; use a smaller one, "
                        "or padding same",
                        a->size[0], a->size[1], fv__shape_print(&node->inputs[0]).text);
    }
    if ((double)a->size[0] * a->size[1] > FV__POOL_CELLS) {
        return fv__fail(error, FV_INVALID,
                        "max_pool2d: a window of (%d, %d) has more than %d cells; to pool whole images, use "
                        "global_max_pool or global_average_pool",
                        a->size[0], a->size[1], FV__POOL_CELLS);
    }
    node->output = (fv__shape){.rank = 3, .size = {w.rows, w.columns, w.channels}};
    return FV_OK;
}

// The activation's derivative follows from the output; for the GELUs from the largest values, which are found again.
static uint32_t backward_reads(const fv__op_node *node) {
    const fv__activation activation = attributes_of(node)->activation;
    return is_gelu(activation) ? FV__READS_INPUT(0) : activation == FV__ACTIVATION_linear ? 0 : FV__READS_OUTPUT;
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    (void)kernels;
    (void)samples;
    const fv__activation activation = attributes_of(node)->activation;
    const size_t elements = fv__shape_elements(&node->output);
    const bool differentiates = backward && activation != FV__ACTIVATION_linear && activation != FV__ACTIVATION_relu;
    *needs = (fv__op_needs){.saved = backward ? elements : 0, // the winning cell, a byte
                            .scratch = differentiates ? elements * sizeof(float) : 0};
}

static void forward(const fv__call *call) {
    const fv__windows windows = windows_of(call->node);
    const size_t in = fv__shape_elements(&call->node->inputs[0]), out = fv__shape_elements(&call->node->output);
    uint8_t *winner = call->saved;
    for (size_t sample = 0; sample < (size_t)call->samples; sample++) {
        call->kernels->max_pool2d(&windows, attributes_of(call->node)->activation, call->in[0] + sample * in,
                                  call->out + sample * out, winner ? winner + sample * out : NULL);
    }
}

static void backward_sample(const fv__call *call, const fv__windows *windows, size_t sample) {
    const fv__kernels *kernels = call->kernels;
    const fv__activation activation = attributes_of(call->node)->activation;
    const size_t in = fv__shape_elements(&call->node->inputs[0]), out = fv__shape_elements(&call->node->output);
    const float *gradient = call->d_out + sample * out, *positive = NULL;
    float *scratch = call->scratch;
    if (activation == FV__ACTIVATION_relu) {
        positive = call->out + sample * out;
    } else if (is_gelu(activation)) {
        kernels->max_pool2d(windows, FV__ACTIVATION_linear, call->in[0] + sample * in, scratch, NULL);
        kernels->activate_backward(activation, gradient, scratch, scratch, out);
        gradient = scratch;
    } else if (activation != FV__ACTIVATION_linear) {
        kernels->activate_backward(activation, gradient, call->out + sample * out, scratch, out);
        gradient = scratch;
    }
    const uint8_t *winner = call->saved;
    kernels->max_pool2d_backward(windows, gradient, positive, winner + sample * out, call->d_in[0] + sample * in);
}

static void backward(const fv__call *call) {
    const fv__windows windows = windows_of(call->node);
    for (size_t sample = 0; sample < (size_t)call->samples && call->d_in[0]; sample++) {
        backward_sample(call, &windows, sample);
    }
}

static double multiply_adds(const fv__op_node *node) {
    return fv__op_one_each(node) * attributes_of(node)->size[0] * attributes_of(node)->size[1];
}

static void windows(const fv__op_node *node, fv__windows *windows) {
    *windows = windows_of(node);
}

const fv__op fv__op_max_pool2d = {
    .name = "max_pool2d",
    .attributes_size = sizeof(fv__max_pool2d_attributes),
    .infer = infer,
    .backward_reads = backward_reads,
    .needs = needs,
    .forward = forward,
    .backward = backward,
    .multiply_adds = multiply_adds,
    .windows = windows,
};
