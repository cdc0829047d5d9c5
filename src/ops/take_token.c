// SPDX-License-Identifier: Apache-2.0
// One token out of all: (tokens, features) to (features). With index 0, the class token's answer.
#include <string.h>

#include "ops/check.h"
#include "ops/tokens.h"

static int index_of(const fv__op_node *node) {
    return ((const fv__take_token_attributes *)node->attributes)->index;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    FV__TRY(fv__op_expect_inputs(node, "take_token", 1, 1, "one, x", error));
    FV__TRY(fv__op_expect_sample(node, "take_token", 0, "x", 2, 2, error));
    const int index = index_of(node), tokens = node->inputs[0].size[0];
    if (index < 0 || index >= tokens) {
        return fv__fail(error, FV_INVALID, "take_token: there is no token %d in %s; they count from 0 to %d", index,
                        fv__shape_print(&node->inputs[0]).text, tokens - 1);
    }
    node->output = (fv__shape){.rank = 1, .size = {node->inputs[0].size[1]}};
    return FV_OK;
}

static void forward(const fv__call *call) {
    const size_t features = fv__shape_elements(&call->node->output), n = fv__shape_elements(&call->node->inputs[0]);
    for (size_t sample = 0; sample < (size_t)call->samples; sample++) {
        memcpy(call->out + sample * features, call->in[0] + sample * n + (size_t)index_of(call->node) * features,
               features * sizeof(float));
    }
}

static void backward(const fv__call *call) {
    const size_t features = fv__shape_elements(&call->node->output), n = fv__shape_elements(&call->node->inputs[0]);
    for (size_t sample = 0; call->d_in[0] && sample < (size_t)call->samples; sample++) {
        float *dx = call->d_in[0] + sample * n;
        memset(dx, 0, n * sizeof(float));
        memcpy(dx + (size_t)index_of(call->node) * features, call->d_out + sample * features, features * sizeof(float));
    }
}

const fv__op fv__op_take_token = {
    .name = "take_token",
    .attributes_size = sizeof(fv__take_token_attributes),
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .multiply_adds = fv__op_one_each,
};
