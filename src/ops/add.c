// SPDX-License-Identifier: Apache-2.0
// The sum of two to eight values of one shape: residual connections.
#include "ops/check.h"

static fv_status infer(fv__op_node *node, fv_error *error) {
    FV__TRY(fv__op_expect_inputs(node, "add", 2, FV__MAX_INPUTS, "two to eight of one shape", error));
    for (int i = 0; i < node->input_count; i++) {
        if (node->input_is_weight[i]) {
            return fv__fail(error, FV_INVALID,
                            "add: input %d is a weight of shape %s; to add a trained table to every sample, use "
                            "position_embedding",
                            i + 1, fv__shape_print(&node->inputs[i]).text);
        }
        if (!fv__shape_equal(&node->inputs[i], &node->inputs[0])) {
            return fv__fail(error, FV_INVALID,
                            "add: shapes %s and %s differ; all inputs must have one shape: where the first is right, "
                            "give the layer before the other the same number of units or filters",
                            fv__shape_print(&node->inputs[0]).text, fv__shape_print(&node->inputs[i]).text);
        }
    }
    node->output = node->inputs[0];
    return FV_OK;
}

static void forward(const fv__call *call) {
    const size_t n = (size_t)call->samples * fv__shape_elements(&call->node->output);
    call->kernels->add(call->in[0], call->in[1], call->out, n);
    for (int i = 2; i < call->node->input_count; i++) {
        call->kernels->add(call->out, call->in[i], call->out, n);
    }
}

static double multiply_adds(const fv__op_node *node) {
    return fv__op_one_each(node) * (node->input_count - 1);
}

const fv__op fv__op_add = {
    .name = "add",
    .passes_gradient = true,
    .infer = infer,
    .forward = forward,
    .multiply_adds = multiply_adds,
};
