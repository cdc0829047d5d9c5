// SPDX-License-Identifier: Apache-2.0
// A trained token put before the tokens of every sample, in which attention can gather what the whole image shows
// (Devlin et al. 2018; ViT, Dosovitskiy et al. 2020): x (tokens, features), token (features) to (1 + tokens, features).
#include <string.h>

#include "ops/check.h"

static fv_status infer(fv__op_node *node, fv_error *error) {
    FV__TRY(fv__op_expect_inputs(node, "class_token", 2, 2, "two: x and the token", error));
    FV__TRY(fv__op_expect_sample(node, "class_token", 0, "x", 2, 2, error));
    const fv__shape token = {.rank = 1, .size = {fv__shape_features(&node->inputs[0])}};
    FV__TRY(fv__op_expect_weight(node, "class_token", 1, "the token", token, error));
    node->output = (fv__shape){.rank = 2, .size = {node->inputs[0].size[0] + 1, node->inputs[0].size[1]}};
    return FV_OK;
}

static void forward(const fv__call *call) {
    const size_t features = (size_t)fv__shape_features(&call->node->output);
    const size_t rest = fv__shape_elements(&call->node->inputs[0]);
    float *out = call->out;
    for (size_t sample = 0; sample < (size_t)call->samples; sample++, out += features + rest) {
        memcpy(out, call->in[1], features * sizeof(float));
        memcpy(out + features, call->in[0] + sample * rest, rest * sizeof(float));
    }
}

static void backward(const fv__call *call) {
    const size_t features = (size_t)fv__shape_features(&call->node->output);
    const size_t rest = fv__shape_elements(&call->node->inputs[0]);
    for (size_t sample = 0; call->d_in[0] && sample < (size_t)call->samples; sample++) {
        memcpy(call->d_in[0] + sample * rest, call->d_out + sample * (features + rest) + features,
               rest * sizeof(float));
    }
    if (call->d_in[1]) {
        call->kernels->add_columns(call->d_out, (ptrdiff_t)(features + rest), call->d_in[1], call->samples,
                                   (int)features);
    }
}

const fv__op fv__op_class_token = {
    .name = "class_token",
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .multiply_adds = fv__op_one_each,
};
