// SPDX-License-Identifier: Apache-2.0
// A pointwise function on its own: y = f(x).
#include "ops/check.h"
#include "ops/pointwise.h"

static fv__activation kind_of(const fv__op_node *node) {
    return ((const fv__activation_attributes *)node->attributes)->activation;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    FV__TRY(fv__op_expect_inputs(node, "activation", 1, 1, "one, x", error));
    FV__TRY(fv__op_expect_sample(node, "activation", 0, "x", 0, FV__MAX_RANK, error));
    if (kind_of(node) >= FV__ACTIVATION_COUNT) {
        return fv__fail(error, FV_INVALID, "activation: there is no function %d", (int)kind_of(node));
    }
    node->output = node->inputs[0];
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    switch (kind_of(node)) {
    case FV__ACTIVATION_relu:
    case FV__ACTIVATION_tanh:
    case FV__ACTIVATION_sigmoid:
    case FV__ACTIVATION_relu6:
        return FV__READS_OUTPUT;
    case FV__ACTIVATION_gelu:
    case FV__ACTIVATION_gelu_tanh:
        return FV__READS_INPUT(0);
    case FV__ACTIVATION_linear:
    default:
        return 0;
    }
}

static size_t count_of(const fv__call *call) {
    return (size_t)call->samples * fv__shape_elements(&call->node->output);
}

static void forward(const fv__call *call) {
    call->kernels->activate(kind_of(call->node), call->in[0], call->out, count_of(call));
}

static void backward(const fv__call *call) {
    if (call->d_in[0]) {
        const float *reference = backward_reads(call->node) == FV__READS_OUTPUT ? call->out : call->in[0];
        call->kernels->activate_backward(kind_of(call->node), call->d_out, reference, call->d_in[0], count_of(call));
    }
}

const fv__op fv__op_activation = {
    .name = "activation",
    .attributes_size = sizeof(fv__activation_attributes),
    .infer = infer,
    .backward_reads = backward_reads,
    .forward = forward,
    .backward = backward,
    .multiply_adds = fv__op_one_each,
};
