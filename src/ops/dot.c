// SPDX-License-Identifier: Apache-2.0
// The inner product of a value y and a direction d, a scalar for each sample: the gradient with respect to y is d, so
// that any gradient can be asked for (tests, explanations).
#include "ops/check.h"

static fv_status infer(fv__op_node *node, fv_error *error) {
    FV__TRY(fv__op_expect_inputs(node, "dot", 2, 2, "two of one shape", error));
    FV__TRY(fv__op_expect_sample(node, "dot", 0, "the first", 0, FV__MAX_RANK, error));
    FV__TRY(fv__op_expect_sample(node, "dot", 1, "the second", 0, FV__MAX_RANK, error));
    if (!fv__shape_equal(&node->inputs[0], &node->inputs[1])) {
        return fv__fail(error, FV_INVALID, "dot: shapes %s and %s differ; both inputs must have one shape",
                        fv__shape_print(&node->inputs[0]).text, fv__shape_print(&node->inputs[1]).text);
    }
    node->output = (fv__shape){.rank = 0};
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    (void)node;
    return FV__READS_INPUT(0) | FV__READS_INPUT(1);
}

static void forward(const fv__call *call) {
    const size_t n = fv__shape_elements(&call->node->inputs[0]);
    for (size_t sample = 0; sample < (size_t)call->samples; sample++) {
        call->out[sample] = (float)call->kernels->inner_product(call->in[0] + sample * n, call->in[1] + sample * n, n);
    }
}

static void backward(const fv__call *call) {
    const size_t n = fv__shape_elements(&call->node->inputs[0]);
    for (int i = 0; i < 2; i++) {
        const float *other = call->in[1 - i];
        float *gradient = call->d_in[i];
        for (size_t sample = 0; sample < (size_t)call->samples && gradient; sample++) {
            const float d = call->d_out ? call->d_out[sample] : 1;
            for (size_t at = sample * n; at < (sample + 1) * n; at++) {
                gradient[at] = d * other[at];
            }
        }
    }
}

static double multiply_adds(const fv__op_node *node) {
    return (double)fv__shape_elements(&node->inputs[0]);
}

const fv__op fv__op_dot = {
    .name = "dot",
    .starts_gradient = true,
    .infer = infer,
    .backward_reads = backward_reads,
    .forward = forward,
    .backward = backward,
    .multiply_adds = multiply_adds,
};
