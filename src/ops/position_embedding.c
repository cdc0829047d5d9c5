// SPDX-License-Identifier: Apache-2.0
// A trained table added to the tokens of every sample, so that a token shows where it is.
#include <string.h>

#include "ops/check.h"

static fv_status infer(fv__op_node *node, fv_error *error) {
    FV__TRY(fv__op_expect_inputs(node, "position_embedding", 2, 2, "two: x and the table", error));
    FV__TRY(fv__op_expect_sample(node, "position_embedding", 0, "x", 2, 2, error));
    FV__TRY(fv__op_expect_weight(node, "position_embedding", 1, "the table", node->inputs[0], error));
    node->output = node->inputs[0];
    return FV_OK;
}

static void forward(const fv__call *call) {
    const size_t n = fv__shape_elements(&call->node->output);
    for (size_t sample = 0; sample < (size_t)call->samples; sample++) {
        call->kernels->add(call->in[0] + sample * n, call->in[1], call->out + sample * n, n);
    }
}

static void backward(const fv__call *call) {
    const size_t n = fv__shape_elements(&call->node->output);
    if (call->d_in[0]) {
        memcpy(call->d_in[0], call->d_out, (size_t)call->samples * n * sizeof(float));
    }
    if (call->d_in[1]) {
        call->kernels->add_columns(call->d_out, (ptrdiff_t)n, call->d_in[1], call->samples, (int)n);
    }
}

const fv__op fv__op_position_embedding = {
    .name = "position_embedding",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .multiply_adds = fv__op_one_each,
};
