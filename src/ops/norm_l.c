// SPDX-License-Identifier: Apache-2.0
// NormL: y = (x − mean) / (deviation + ε) · gamma + beta over the last axis, with the population deviation.
#include "ops/normalized.h"

static fv_status infer(fv__op_node *node, fv_error *error) {
    return fv__normalized_infer(node, "norm_l", error);
}

static void forward(const fv__call *call) {
    fv__normalized_forward(call, true);
}

const fv__op fv__op_norm_l = {
    .name = "norm_l",
    .attributes_size = sizeof(fv__norm_attributes),
    .infer = infer,
    .backward_reads = fv__normalized_reads,
    .needs = fv__normalized_needs,
    .forward = forward,
    .backward = fv__normalized_backward,
    .multiply_adds = fv__normalized_multiply_adds,
};
