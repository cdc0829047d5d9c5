// SPDX-License-Identifier: Apache-2.0
// The double normalization of external attention (Guo et al. 2021, section 3.2): softmax over the tokens for each
// feature, then each token's features divided by ε + their sum over the memory slots, which are the last axis:
// (tokens, slots) or (tokens, heads, slots). ε is the paper's 1e-9.
//
// Backward reads the output and the divisors alone: the softmax in between is their product.
#include "ops/check.h"

typedef struct dimensions {
    int tokens, heads, slots;
} dimensions;

static dimensions dimensions_of(const fv__op_node *node) {
    const fv__shape *x = &node->inputs[0];
    return (dimensions){.tokens = x->size[0], .heads = x->rank == 3 ? x->size[1] : 1, .slots = x->size[x->rank - 1]};
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    FV__TRY(fv__op_expect_inputs(node, "double_norm", 1, 1, "one, x", error));
    FV__TRY(fv__op_expect_sample(node, "double_norm", 0, "x", 2, 3, error));
    node->output = node->inputs[0];
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    (void)node;
    return FV__READS_OUTPUT;
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    (void)kernels;
    (void)samples;
    const dimensions d = dimensions_of(node);
    const size_t heads = (size_t)d.heads, slots = (size_t)d.slots;
    const size_t rows = (size_t)d.tokens * heads, columns = heads * slots;
    *needs = (fv__op_needs){.saved = backward ? rows * sizeof(float) : 0,
                            .scratch = (columns + (backward ? rows : 0)) * sizeof(float)};
}

static void forward(const fv__call *call) {
    const dimensions d = dimensions_of(call->node);
    const size_t rows = (size_t)d.tokens * (size_t)d.heads, n = rows * (size_t)d.slots;
    float *divisors = call->saved;
    for (size_t sample = 0; sample < (size_t)call->samples; sample++) {
        call->kernels->double_norm(call->in[0] + sample * n, call->out + sample * n,
                                   divisors ? divisors + sample * rows : NULL, call->scratch, d.tokens, d.heads,
                                   d.slots);
    }
}

static void backward(const fv__call *call) {
    const dimensions d = dimensions_of(call->node);
    const size_t rows = (size_t)d.tokens * (size_t)d.heads, n = rows * (size_t)d.slots;
    const float *divisors = call->saved;
    for (size_t sample = 0; call->d_in[0] && sample < (size_t)call->samples; sample++) {
        call->kernels->double_norm_backward(call->d_out + sample * n, call->out + sample * n, divisors + sample * rows,
                                            call->d_in[0] + sample * n, call->scratch, d.tokens, d.heads, d.slots);
    }
}

static double multiply_adds(const fv__op_node *node) {
    return 2 * (double)fv__shape_elements(&node->output); // softmax, division
}

const fv__op fv__op_double_norm = {
    .name = "double_norm",
    .infer = infer,
    .backward_reads = backward_reads,
    .needs = needs,
    .forward = forward,
    .backward = backward,
    .multiply_adds = multiply_adds,
};
