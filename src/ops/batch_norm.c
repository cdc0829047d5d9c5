// SPDX-License-Identifier: Apache-2.0
// Batch normalization (Ioffe and Szegedy 2015) by the statistics it was trained with, whether training or not:
//   y = gamma · (x − mean) / √(variance + ε) + beta, over the last axis
// Inputs x (..., features), gamma, beta, mean, variance. The statistics are constants: they get no gradient.
#include <math.h>

#include "ops/check.h"
#include "ops/normalized.h"

enum { X, GAMMA, BETA, MEAN, VARIANCE, INPUTS };

// What is derived of the weights once a step: y = x · scale + shift.
typedef struct parts {
    float *scale, *shift, *factor; // (features); factor: 1 / √(variance + ε)
} parts;

static parts parts_of(const fv__call *call) {
    const int features = fv__shape_features(&call->node->output);
    float *prepared = call->prepared;
    return (parts){prepared, prepared + features, prepared + 2 * features};
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    static const char *const names[INPUTS] = {"x", "gamma", "beta", "the mean", "the variance"};
    const fv__norm_attributes *attributes = node->attributes;
    FV__TRY(fv__op_expect_inputs(node, "batch_norm", INPUTS, INPUTS, "five: x, gamma, beta, mean and variance", error));
    FV__TRY(fv__op_expect_sample(node, "batch_norm", X, names[X], 1, FV__MAX_RANK, error));
    const fv__shape features = {.rank = 1, .size = {fv__shape_features(&node->inputs[X])}};
    for (int i = GAMMA; i < INPUTS; i++) {
        FV__TRY(fv__op_expect_weight(node, "batch_norm", i, names[i], features, error));
    }
    if (!(attributes->epsilon >= 0)) { // also NaN
        return fv__fail(error, FV_INVALID, "batch_norm: epsilon is %g, but must not be below 0",
                        (double)attributes->epsilon);
    }
    node->output = node->inputs[X];
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    (void)node;
    return FV__READS_INPUT(X);
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    (void)kernels, (void)samples, (void)backward;
    needs->prepared = 3 * (size_t)fv__shape_features(&node->output) * sizeof(float);
}

static void prepare(const fv__call *call, bool backward) {
    const fv__norm_attributes *attributes = call->node->attributes;
    const parts p = parts_of(call);
    (void)backward;
    for (int f = 0; f < fv__shape_features(&call->node->output); f++) {
        p.factor[f] = 1 / sqrtf(call->in[VARIANCE][f] + attributes->epsilon);
        p.scale[f] = call->in[GAMMA][f] * p.factor[f];
        p.shift[f] = call->in[BETA][f] - call->in[MEAN][f] * p.scale[f];
    }
}

static int rows_of(const fv__call *call) {
    return call->samples * fv__shape_rows(&call->node->output);
}

static void forward(const fv__call *call) {
    const parts p = parts_of(call);
    call->kernels->scale_columns(call->in[X], p.scale, p.shift, call->out, rows_of(call),
                                 fv__shape_features(&call->node->output), false);
}

static void backward(const fv__call *call) {
    const parts p = parts_of(call);
    const int rows = rows_of(call), features = fv__shape_features(&call->node->output);
    if (call->d_in[X]) { // forward: y = x · scale + shift, so dx = dy · scale
        call->kernels->scale_columns(call->d_out, p.scale, NULL, call->d_in[X], rows, features, false);
    }
    if (call->d_in
            [GAMMA]) { // scale = gamma · factor and shift = beta − mean · scale: dgamma += dy · (x − mean) · factor
        call->kernels->scale_columns_backward(call->d_out, call->in[X], call->in[MEAN], p.factor, call->d_in[GAMMA],
                                              rows, features);
    }
    if (call->d_in[BETA]) {
        call->kernels->add_columns(call->d_out, features, call->d_in[BETA], rows, features);
    }
}

const fv__op fv__op_batch_norm = {.name = "batch_norm",
                                  .attributes_size = sizeof(fv__norm_attributes),
                                  .infer = infer,
                                  .backward_reads = backward_reads,
                                  .needs = needs,
                                  .prepare = prepare,
                                  .forward = forward,
                                  .backward = backward,
                                  .multiply_adds = fv__op_one_each};
