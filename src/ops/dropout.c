// SPDX-License-Identifier: Apache-2.0
// Dropout (Srivastava et al. 2014), inverted: in training each element is 0 with probability `rate`, the others are
// multiplied by 1 / (1 − rate). Which ones, says a hash of the element's position under a key of (seed, epoch, node,
// sample): nothing is stored, backward draws again.
#include <string.h>

#include "base/random.h"
#include "ops/check.h"
#include "ops/pointwise.h"

static float rate_of(const fv__op_node *node) {
    return ((const fv__dropout_attributes *)node->attributes)->rate;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    FV__TRY(fv__op_expect_inputs(node, "dropout", 1, 1, "one, x", error));
    FV__TRY(fv__op_expect_sample(node, "dropout", 0, "x", 0, FV__MAX_RANK, error));
    if (!(rate_of(node) >= 0 && rate_of(node) < 1)) {
        return fv__fail(error, FV_INVALID, "dropout: rate is %g, but must be at least 0 and below 1",
                        (double)rate_of(node));
    }
    node->output = node->inputs[0];
    return FV_OK;
}

static bool draws(const fv__op_node *node) {
    return rate_of(node) > 0;
}

static void drop(const fv__call *call, const float *x, float *y) {
    const size_t n = fv__shape_elements(&call->node->output);
    if (!call->training) {
        memcpy(y, x, (size_t)call->samples * n * sizeof(float));
        return;
    }
    for (size_t sample = 0; sample < (size_t)call->samples; sample++) {
        const fv__philox key = fv__philox_block(call->seed, FV__DRAW_DROPOUT, call->epoch << 32 | call->node->id,
                                                call->sample_ids[sample]);
        call->kernels->dropout(x + sample * n, y + sample * n, n, rate_of(call->node), key.word, 0);
    }
}

static void forward(const fv__call *call) {
    drop(call, call->in[0], call->out);
}

static void backward(const fv__call *call) {
    if (call->d_in[0]) {
        drop(call, call->d_out, call->d_in[0]);
    }
}

const fv__op fv__op_dropout = {
    .name = "dropout",
    .attributes_size = sizeof(fv__dropout_attributes),
    .identity_in_inference = true,
    .draws = draws,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .multiply_adds = fv__op_one_each,
};
