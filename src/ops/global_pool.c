// SPDX-License-Identifier: Apache-2.0
// The average or the largest value of each feature over all places: (tokens, features) or (height, width, channels) to
// (features).
#include "ops/check.h"
#include "ops/pooling.h"

static bool takes_largest(const fv__op_node *node) {
    return ((const fv__global_pool_attributes *)node->attributes)->pooling == FV__POOLING_MAX;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    FV__TRY(fv__op_expect_inputs(node, "global_pool", 1, 1, "one, x", error));
    FV__TRY(fv__op_expect_sample(node, "global_pool", 0, "x", 2, FV__MAX_RANK, error));
    node->output = (fv__shape){.rank = 1, .size = {fv__shape_features(&node->inputs[0])}};
    return FV_OK;
}

// The row each feature was found in.
static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    (void)kernels;
    (void)samples;
    const size_t features = fv__shape_elements(&node->output);
    *needs = (fv__op_needs){.saved = backward && takes_largest(node) ? features * sizeof(int32_t) : 0};
}

static void forward(const fv__call *call) {
    const int features = fv__shape_features(&call->node->output), rows = fv__shape_rows(&call->node->inputs[0]);
    const float *x = call->in[0];
    float *out = call->out;
    int32_t *winner = call->saved;
    for (int sample = 0; sample < call->samples; sample++) {
        if (takes_largest(call->node)) {
            int32_t *of_sample = winner ? winner + (ptrdiff_t)sample * features : NULL;
            call->kernels->largest_rows(x, out, of_sample, rows, features);
        } else {
            call->kernels->average_rows(x, out, rows, features);
        }
        x += (ptrdiff_t)rows * features;
        out += features;
    }
}

static void backward(const fv__call *call) {
    const int features = fv__shape_features(&call->node->output), rows = fv__shape_rows(&call->node->inputs[0]);
    const float *d_out = call->d_out;
    const int32_t *winner = call->saved;
    float *dx = call->d_in[0];
    for (int sample = 0; sample < call->samples && dx; sample++) {
        if (takes_largest(call->node)) {
            call->kernels->largest_rows_backward(d_out, winner, dx, rows, features);
            winner += features;
        } else {
            call->kernels->average_rows_backward(d_out, dx, rows, features);
        }
        d_out += features;
        dx += (ptrdiff_t)rows * features;
    }
}

static double multiply_adds(const fv__op_node *node) {
    return (double)fv__shape_elements(&node->inputs[0]);
}

const fv__op fv__op_global_pool = {
    .name = "global_pool",
    .attributes_size = sizeof(fv__global_pool_attributes),
    .infer = infer,
    .needs = needs,
    .forward = forward,
    .backward = backward,
    .multiply_adds = multiply_adds,
};
