// SPDX-License-Identifier: Apache-2.0
// The bias of a linear layer with the batch norm after it (the algebra pass makes these):
//   y = (bias − mean) · gamma / √(variance + ε) + beta
// Inputs gamma, beta, mean, variance and, if the layer has one, its bias; all weights of shape (features).
#include <math.h>

#include "ops/check.h"
#include "ops/normalized.h"

enum { GAMMA, BETA, MEAN, VARIANCE, BIAS };

static fv_status infer(fv__op_node *node, fv_error *error) {
    static const char *const names[] = {"gamma", "beta", "the mean", "the variance", "the bias"};
    FV__TRY(fv__op_expect_inputs(node, "folded_bias", 4, 5, "gamma, beta, mean, variance and perhaps a bias", error));
    const fv__shape features = {.rank = 1, .size = {fv__shape_features(&node->inputs[GAMMA])}};
    for (int i = GAMMA; i < node->input_count; i++) {
        FV__TRY(fv__op_expect_weight(node, "folded_bias", i, names[i], features, error));
    }
    node->output = features;
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    (void)node;
    return FV__READS_INPUT(GAMMA) | FV__READS_INPUT(MEAN) | FV__READS_INPUT(VARIANCE) | FV__READS_INPUT(BIAS);
}

static float factor_at(const fv__call *call, int f) {
    const fv__norm_attributes *attributes = call->node->attributes;
    return 1 / sqrtf(call->in[VARIANCE][f] + attributes->epsilon);
}

static float centred_at(const fv__call *call, int f) {
    return (call->node->input_count > BIAS ? call->in[BIAS][f] : 0) - call->in[MEAN][f];
}

static void forward(const fv__call *call) {
    for (int f = 0; f < call->node->output.size[0]; f++) {
        call->out[f] = centred_at(call, f) * (call->in[GAMMA][f] * factor_at(call, f)) + call->in[BETA][f];
    }
}

static void backward(const fv__call *call) {
    for (int f = 0; f < call->node->output.size[0]; f++) {
        const float scaled = call->d_out[f] * factor_at(call, f);
        if (call->d_in[GAMMA]) {
            call->d_in[GAMMA][f] += scaled * centred_at(call, f);
        }
        if (call->d_in[BETA]) {
            call->d_in[BETA][f] += call->d_out[f];
        }
        if (call->d_in[BIAS]) {
            call->d_in[BIAS][f] += scaled * call->in[GAMMA][f];
        }
    }
}

const fv__op fv__op_folded_bias = {.name = "folded_bias",
                                   .attributes_size = sizeof(fv__norm_attributes),
                                   .infer = infer,
                                   .backward_reads = backward_reads,
                                   .forward = forward,
                                   .backward = backward,
                                   .multiply_adds = fv__op_one_each};
