// SPDX-License-Identifier: Apache-2.0
#include "ops/normalized.h"

#include "ops/check.h"

enum { STATISTICS = 3 }; // floats of a row, as the kernel saves them

fv_status fv__normalized_infer(fv__op_node *node, const char *op, fv_error *error) {
    const fv__norm_attributes *attributes = node->attributes;
    FV__TRY(fv__op_expect_inputs(node, op, 3, 3, "three: x, gamma and beta", error));
    FV__TRY(fv__op_expect_sample(node, op, 0, "x", 1, FV__MAX_RANK, error));
    const fv__shape features = {.rank = 1, .size = {fv__shape_features(&node->inputs[0])}};
    FV__TRY(fv__op_expect_weight(node, op, 1, "gamma", features, error));
    FV__TRY(fv__op_expect_weight(node, op, 2, "beta", features, error));
    if (!(attributes->epsilon > 0)) { // also NaN; without it a row of equal values has no normal form
        return fv__fail(error, FV_INVALID, "%s: epsilon is %g, but must be above 0", op, (double)attributes->epsilon);
    }
    node->output = node->inputs[0];
    return FV_OK;
}

uint32_t fv__normalized_reads(const fv__op_node *node) {
    (void)node;
    return FV__READS_INPUT(0);
}

void fv__normalized_needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                          fv__op_needs *needs) {
    (void)kernels;
    (void)samples;
    const size_t rows = (size_t)fv__shape_rows(&node->output);
    *needs = (fv__op_needs){.saved = backward ? rows * STATISTICS * sizeof(float) : 0};
}

void fv__normalized_forward(const fv__call *call, bool beside_deviation) {
    const fv__norm_attributes *attributes = call->node->attributes;
    const fv__shape *shape = &call->node->output;
    call->kernels->normalize(call->in[0], call->in[1], call->in[2], call->out, call->saved,
                             call->samples * fv__shape_rows(shape), fv__shape_features(shape), attributes->epsilon,
                             beside_deviation);
}

void fv__normalized_backward(const fv__call *call) {
    const fv__shape *shape = &call->node->output;
    call->kernels->normalize_backward(call->d_out, call->in[0], call->in[1], call->saved, call->d_in[0], call->d_in[1],
                                      call->d_in[2], call->samples * fv__shape_rows(shape), fv__shape_features(shape));
}

double fv__normalized_multiply_adds(const fv__op_node *node) {
    return 4 * (double)fv__shape_elements(&node->output); // mean, variance, centring, scaling
}
