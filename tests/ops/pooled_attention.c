// SPDX-License-Identifier: Apache-2.0
// The mean of attention over its queries, told query by query.
#include <math.h>

#include "harness.h"
#include "ops/attention.h"

static void reference(const reference_call *call) {
    const fv__pooled_attention_attributes *a = call->node->attributes;
    const int queries = call->node->inputs[0].size[0], keys = call->node->inputs[1].size[0];
    const int row = call->node->inputs[0].size[1], depth = row / a->heads;
    const int value_row = call->node->inputs[2].size[1],
              value_depth = a->shared_value ? value_row : value_row / a->heads;
    for (int i = 0; i < a->heads * value_depth; i++) {
        call->out[i] = 0;
    }
    for (int head = 0; head < a->heads; head++) {
        for (int query = 0; query < queries; query++) {
            double weights[512], largest = -INFINITY, sum = 0;
            for (int key = 0; key < keys; key++) {
                weights[key] = 0;
                for (int d = head * depth; d < (head + 1) * depth; d++) {
                    weights[key] += (double)a->scale * call->in[0][query * row + d] * call->in[1][key * row + d];
                }
                largest = fmax(largest, weights[key]);
            }
            for (int key = 0; key < keys; key++) {
                sum += weights[key] = exp(weights[key] - largest);
            }
            for (int key = 0; key < keys; key++) {
                const double *value = call->in[2] + key * value_row + (a->shared_value ? 0 : head * value_depth);
                for (int d = 0; d < value_depth; d++) {
                    call->out[head * value_depth + d] += weights[key] / sum * value[d] / queries;
                }
            }
        }
    }
}

#define POOLED(...)                                                                                                    \
    &(const fv__pooled_attention_attributes) {                                                                         \
        __VA_ARGS__                                                                                                    \
    }

static const op_case cases[] = {
    {.name = "one head",
     .attributes = POOLED(1, false, 1),
     .inputs = {SAMPLE(5, 3), SAMPLE(7, 3), SAMPLE(7, 2)},
     .output = SHAPE(2)},
    {.name = "heads with their own values",
     .attributes = POOLED(4, false, 0.7f),
     .inputs = {SAMPLE(9, 20), SAMPLE(17, 20), SAMPLE(17, 12)},
     .output = SHAPE(12)},
    {.name = "heads that share the value",
     .attributes = POOLED(3, true, 0.5f),
     .inputs = {SAMPLE(9, 18), SAMPLE(16, 18), SAMPLE(16, 10)},
     .output = SHAPE(3, 10)},
    {.name = "one token",
     .attributes = POOLED(2, true, 1),
     .inputs = {SAMPLE(1, 4), SAMPLE(1, 4), SAMPLE(1, 3)},
     .output = SHAPE(2, 3)},
    {.name = "several blocks of queries",
     .attributes = POOLED(2, true, 1),
     .inputs = {SAMPLE(101, 4), SAMPLE(400, 4), SAMPLE(400, 3)},
     .output = SHAPE(2, 3),
     .samples = 2},
    {.name = "refuses heads that do not divide",
     .attributes = POOLED(4, false, 1),
     .inputs = {SAMPLE(5, 8), SAMPLE(5, 8), SAMPLE(5, 6)},
     .refusal = "4 heads do not divide"},
    {.name = "refuses keys of other features",
     .attributes = POOLED(2, false, 1),
     .inputs = {SAMPLE(5, 8), SAMPLE(5, 6), SAMPLE(5, 6)},
     .refusal = "same features"},
    {.name = "refuses values of other tokens",
     .attributes = POOLED(2, true, 1),
     .inputs = {SAMPLE(5, 8), SAMPLE(5, 8), SAMPLE(4, 6)},
     .refusal = "same tokens"},
    {.name = "refuses learned queries",
     .attributes = POOLED(2, true, 1),
     .inputs = {WEIGHT(5, 8), SAMPLE(5, 8), SAMPLE(5, 6)},
     .refusal = "the query is a weight"},
};
const op_cases cases_pooled_attention = CASES(cases, reference);
