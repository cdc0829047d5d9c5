// SPDX-License-Identifier: Apache-2.0
// Softmax over the features of each token, or for each feature over the tokens.
#include "ops/softmax.h"
#include "ops/check.h"

static bool over_tokens(const fv__op_node *node) {
    return ((const fv__softmax_attributes *)node->attributes)->axis == FV__AXIS_TOKENS;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    FV__TRY(fv__op_expect_inputs(node, "softmax", 1, 1, "one, x", error));
    if (over_tokens(node)) {
        FV__TRY(fv__op_expect_sample(node, "softmax over tokens", 0, "x", 2, 2, error));
    } else {
        FV__TRY(fv__op_expect_sample(node, "softmax", 0, "x", 1, FV__MAX_RANK, error));
    }
    node->output = node->inputs[0];
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    (void)node;
    return FV__READS_OUTPUT;
}

static void forward(const fv__call *call) {
    const fv__shape *shape = &call->node->output;
    const int rows = fv__shape_rows(shape), features = fv__shape_features(shape);
    if (!over_tokens(call->node)) {
        call->kernels->softmax_rows(call->in[0], call->out, call->samples * rows, features, 1);
        return;
    }
    for (int sample = 0; sample < call->samples; sample++) {
        const size_t at = (size_t)sample * fv__shape_elements(shape);
        call->kernels->softmax_tokens(call->in[0] + at, call->out + at, rows, features);
    }
}

static void backward(const fv__call *call) {
    const fv__shape *shape = &call->node->output;
    const int rows = fv__shape_rows(shape), features = fv__shape_features(shape);
    if (!call->d_in[0]) {
        return;
    }
    if (!over_tokens(call->node)) {
        call->kernels->softmax_rows_backward(call->d_out, call->out, call->d_in[0], call->samples * rows, features, 1);
        return;
    }
    for (int sample = 0; sample < call->samples; sample++) {
        const size_t at = (size_t)sample * fv__shape_elements(shape);
        call->kernels->softmax_tokens_backward(call->d_out + at, call->out + at, call->d_in[0] + at, rows, features);
    }
}

const fv__op fv__op_softmax = {
    .name = "softmax",
    .attributes_size = sizeof(fv__softmax_attributes),
    .infer = infer,
    .backward_reads = backward_reads,
    .forward = forward,
    .backward = backward,
    .multiply_adds = fv__op_one_each,
};
