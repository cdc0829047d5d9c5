// SPDX-License-Identifier: Apache-2.0
// The kernel of a linear layer with the batch norm after it (the algebra pass makes these): its last axis or, for a
// depthwise kernel, the one before, holds the output's features f:
//   y[..., f] = kernel[..., f] · gamma[f] / √(variance[f] + ε)
// Inputs kernel, gamma, variance; all weights.
#include <math.h>

#include "ops/check.h"
#include "ops/normalized.h"

static int features_of(const fv__op_node *node) {
    return node->inputs[1].size[0];
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    FV__TRY(fv__op_expect_inputs(node, "folded_kernel", 3, 3, "three: kernel, gamma and variance", error));
    const fv__shape *kernel = &node->inputs[0], *gamma = &node->inputs[1];
    const int last = fv__shape_features(kernel);
    const int features = last == 1 && kernel->rank == 4 ? kernel->size[kernel->rank - 2] : last;
    if (!node->input_is_weight[0] || gamma->rank != 1 || (gamma->size[0] != features && gamma->size[0] != last)) {
        return fv__fail(error, FV_INVALID, "folded_kernel: gamma %s does not fit a kernel %s",
                        fv__shape_print(gamma).text, fv__shape_print(kernel).text);
    }
    FV__TRY(fv__op_expect_weight(node, "folded_kernel", 2, "the variance", *gamma, error));
    node->output = *kernel;
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    (void)node;
    return FV__READS_INPUT(0) | FV__READS_INPUT(1) | FV__READS_INPUT(2);
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    (void)kernels, (void)samples, (void)backward;
    needs->scratch = 2 * (size_t)features_of(node) * sizeof(float);
}

// Into scratch: 1 / √(variance + ε), then gamma times that.
static const float *factors(const fv__call *call, const float **scale) {
    const fv__norm_attributes *attributes = call->node->attributes;
    const int features = features_of(call->node);
    float *factor = call->scratch;
    for (int f = 0; f < features; f++) {
        factor[f] = 1 / sqrtf(call->in[2][f] + attributes->epsilon);
        factor[features + f] = call->in[1][f] * factor[f];
    }
    *scale = factor + features;
    return factor;
}

static int rows_of(const fv__call *call) {
    return (int)fv__shape_elements(&call->node->output) / features_of(call->node);
}

static void forward(const fv__call *call) {
    const float *scale;
    factors(call, &scale);
    call->kernels->scale_columns(call->in[0], scale, NULL, call->out, rows_of(call), features_of(call->node), false);
}

static void backward(const fv__call *call) {
    const float *scale, *factor = factors(call, &scale);
    const int rows = rows_of(call), features = features_of(call->node);
    if (call->d_in[0]) {
        call->kernels->scale_columns(call->d_out, scale, NULL, call->d_in[0], rows, features, true);
    }
    if (call->d_in[1]) {
        call->kernels->scale_columns_backward(call->d_out, call->in[0], NULL, factor, call->d_in[1], rows, features);
    }
}

const fv__op fv__op_folded_kernel = {.name = "folded_kernel",
                                     .attributes_size = sizeof(fv__norm_attributes),
                                     .infer = infer,
                                     .backward_reads = backward_reads,
                                     .needs = needs,
                                     .forward = forward,
                                     .backward = backward,
                                     .multiply_adds = fv__op_one_each};
