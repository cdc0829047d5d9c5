// SPDX-License-Identifier: Apache-2.0
// Layer normalization (Ba et al. 2016): y = (x − mean) / √(variance + ε) · gamma + beta over the last axis.
#include "ops/normalized.h"

static fv_status infer(fv__op_node *node, fv_error *error) {
    return fv__normalized_infer(node, "layer_norm", error);
}

static void forward(const fv__call *call) {
    fv__normalized_forward(call, false);
}

const fv__op fv__op_layer_norm = {
    .name = "layer_norm",
    .attributes_size = sizeof(fv__norm_attributes),
    .infer = infer,
    .backward_reads = fv__normalized_reads,
    .needs = fv__normalized_needs,
    .forward = forward,
    .backward = fv__normalized_backward,
    .multiply_adds = fv__normalized_multiply_adds,
};
