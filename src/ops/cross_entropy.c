// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy of logits with label smoothing, one loss for each sample. The gradient is that of the average
// over the batch.
#include "ops/check.h"
#include "ops/softmax.h"

static float smoothing_of(const fv__op_node *node) {
    return ((const fv__cross_entropy_attributes *)node->attributes)->label_smoothing;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    FV__TRY(fv__op_expect_inputs(node, "cross_entropy", 1, 1, "one, the logits", error));
    FV__TRY(fv__op_expect_sample(node, "cross_entropy", 0, "the logits", 1, 1, error));
    if (!(smoothing_of(node) >= 0 && smoothing_of(node) < 1)) {
        return fv__fail(error, FV_INVALID, "cross_entropy: label smoothing is %g, but must be at least 0 and below 1",
                        (double)smoothing_of(node));
    }
    node->output = (fv__shape){.rank = 0};
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    (void)node;
    return FV__READS_INPUT(0);
}

static void forward(const fv__call *call) {
    const int classes = call->node->inputs[0].size[0];
    for (int sample = 0; sample < call->samples; sample++) {
        const fv__target *target = &call->targets[sample];
        call->out[sample] = target->weight * call->kernels->cross_entropy(call->in[0] + (ptrdiff_t)sample * classes,
                                                                          classes, target->label, target->other,
                                                                          target->mix, smoothing_of(call->node));
    }
}

static void backward(const fv__call *call) {
    const int classes = call->node->inputs[0].size[0];
    for (int sample = 0; sample < call->samples && call->d_in[0]; sample++) {
        const fv__target *target = &call->targets[sample];
        const float scale = target->weight * (call->d_out ? call->d_out[sample] : 1) / (float)call->batch;
        call->kernels->cross_entropy_backward(call->in[0] + (ptrdiff_t)sample * classes,
                                              call->d_in[0] + (ptrdiff_t)sample * classes, classes, target->label,
                                              target->other, target->mix, smoothing_of(call->node), scale);
    }
}

static double multiply_adds(const fv__op_node *node) {
    return (double)node->inputs[0].size[0];
}

const fv__op fv__op_cross_entropy = {
    .name = "cross_entropy",
    .starts_gradient = true,
    .attributes_size = sizeof(fv__cross_entropy_attributes),
    .infer = infer,
    .backward_reads = backward_reads,
    .forward = forward,
    .backward = backward,
    .multiply_adds = multiply_adds,
};
