// SPDX-License-Identifier: Apache-2.0
// Attention against the formula: every score, mask and draw of dropout told one by one.
#include <math.h>

#include "ops/attention.h"
#include "reference.h"

typedef struct sizes {
    int heads, queries, keys, depth, value_depth;
    int key_row, value_row; // features of a token
} sizes;

static sizes sizes_of(const fv__op_node *node) {
    const fv__attention_attributes *a = node->attributes;
    const int key_row = node->inputs[1].size[1], value_row = node->inputs[2].size[1];
    return (sizes){.heads = a->heads,
                   .queries = node->inputs[0].size[0] / a->groups,
                   .keys = node->inputs[1].size[0] / a->groups,
                   .depth = node->inputs[0].size[1] / a->heads,
                   .value_depth = a->shared_value ? value_row : value_row / a->heads,
                   .key_row = key_row,
                   .value_row = value_row};
}

// Whether the mask, aligned right to (heads, queries, keys), shows this score.
static bool shown(const reference_call *call, int head, int query, int key) {
    const fv__attention_attributes *a = call->node->attributes;
    if (a->mask != FV__MASK_INPUT) {
        return a->mask == FV__MASK_NONE || key <= query;
    }
    const fv__shape *mask = &call->node->inputs[3];
    const int places[3] = {head, query, key};
    int index = 0;
    for (int axis = 0; axis < mask->rank; axis++) {
        index = index * mask->size[axis] + (mask->size[axis] == 1 ? 0 : places[axis + 3 - mask->rank]);
    }
    return call->in[3][index] != 0;
}

static double score(const reference_call *call, int head, int query_token, int key_token) {
    const fv__attention_attributes *a = call->node->attributes;
    const sizes s = sizes_of(call->node);
    const double *query = call->in[0] + query_token * s.heads * s.depth + head * s.depth;
    const double *key = call->in[1] + key_token * s.key_row + (a->shared_key ? 0 : head * s.depth);
    const double *scale = a->trained_scale ? call->in[a->mask == FV__MASK_INPUT ? 4 : 3] : NULL;
    double sum = 0;
    for (int d = 0; d < s.depth; d++) {
        sum += a->score == FV__SCORE_DOT ? query[d] * key[d] : (scale ? scale[d] : 1) * tanh(query[d] + key[d]);
    }
    return sum * (double)a->scale * (a->score == FV__SCORE_DOT && scale ? *scale : 1);
}

// One query row of one head; `position` is that of its first weight among those of the sample.
static void reference_row(const reference_call *call, int head, int group, int query, uint32_t position) {
    const fv__attention_attributes *a = call->node->attributes;
    const sizes s = sizes_of(call->node);
    double weights[1024], largest = -INFINITY, sum = 0;
    for (int key = 0; key < s.keys; key++) {
        weights[key] =
            shown(call, head, query, key) ? score(call, head, group * s.queries + query, group * s.keys + key) : -1e9;
        largest = fmax(largest, weights[key]);
    }
    for (int key = 0; key < s.keys; key++) {
        sum += weights[key] = exp(weights[key] - largest);
    }
    const int row = s.heads * s.value_depth;
    double *out = call->out + (group * s.queries + query) * row + head * s.value_depth;
    for (int d = 0; d < s.value_depth; d++) {
        out[d] = 0;
    }
    for (int key = 0; key < s.keys; key++) {
        double weight = weights[key] / sum;
        if (call->auxiliary) {
            call->auxiliary[position + (uint32_t)key] = weight;
        }
        if (call->training && a->dropout > 0) {
            weight =
                reference_keeps(call, a->dropout, position + (uint32_t)key) ? weight / (1 - (double)a->dropout) : 0;
        }
        const int first = a->shared_value ? 0 : head * s.value_depth;
        const double *value = call->in[2] + (group * s.keys + key) * s.value_row + first;
        for (int d = 0; d < s.value_depth; d++) {
            out[d] += weight * value[d];
        }
    }
}

static void reference(const reference_call *call) {
    const fv__attention_attributes *a = call->node->attributes;
    const sizes s = sizes_of(call->node);
    uint32_t position = 0;
    for (int group = 0; group < a->groups; group++) {
        for (int head = 0; head < a->heads; head++) {
            for (int query = 0; query < s.queries; query++, position += (uint32_t)s.keys) {
                reference_row(call, head, group, query, position);
            }
        }
    }
}

// A mask that hides about a third, and in its first row everything.
static void hide_some(const op_case *test, int input, float *values, size_t count) {
    const fv__shape *mask = &test->inputs[3].shape;
    if (input == 3) {
        for (size_t i = 0; i < count; i++) {
            values[i] = values[i] < -0.33f || (mask->rank > 1 && (int)i < mask->size[mask->rank - 1]) ? 0 : 1;
        }
    }
}

static void negative_scale(const op_case *test, int input, float *values, size_t count) {
    if (input == op_case_input_count(test) - 1 && count == 1) {
        values[0] = -0.7f;
    }
    const fv__attention_attributes *a = test->attributes;
    if (a->mask == FV__MASK_INPUT) {
        hide_some(test, input, values, count);
    }
}

#define ATTENTION(...)                                                                                                 \
    &(const fv__attention_attributes) {                                                                                \
        .groups = 1, .heads = 1, .scale = 1, __VA_ARGS__                                                               \
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif

static const op_case cases[] = {
    {.name = "one head",
     .attributes = ATTENTION(.scale = 0.5f),
     .inputs = {SAMPLE(5, 4), SAMPLE(5, 4), SAMPLE(5, 4)},
     .output = SHAPE(5, 4)},
    {.name = "heads, other keys, other values",
     .attributes = ATTENTION(.heads = 2, .scale = 0.3f),
     .inputs = {SAMPLE(7, 38), SAMPLE(21, 38), SAMPLE(21, 10)},
     .output = SHAPE(7, 10)},
    {.name = "a key that heads share",
     .attributes = ATTENTION(.heads = 3, .scale = 0.4f, .shared_key = true),
     .inputs = {SAMPLE(31, 27), SAMPLE(20, 9), SAMPLE(20, 12)},
     .output = SHAPE(31, 12)},
    {.name = "a value that heads share, dropout",
     .attributes = ATTENTION(.heads = 3, .scale = 0.4f, .shared_value = true, .dropout = 0.3f),
     .inputs = {SAMPLE(6, 27), SAMPLE(20, 27), SAMPLE(20, 7)},
     .output = SHAPE(6, 21),
     .training = true},
    {.name = "key and value that heads share, groups, mask",
     .attributes = ATTENTION(.heads = 2, .groups = 3, .shared_key = true, .shared_value = true, .mask = FV__MASK_INPUT),
     .inputs = {SAMPLE(12, 10), SAMPLE(15, 5), SAMPLE(15, 5), CONSTANT(4, 5)},
     .output = SHAPE(12, 10),
     .prepare = hide_some},
    {.name = "many queries of a shared key and value",
     .attributes = ATTENTION(.heads = 2, .shared_key = true, .shared_value = true, .scale = 0.2f),
     .inputs = {SAMPLE(30, 10), SAMPLE(350, 5), SAMPLE(350, 5)},
     .output = SHAPE(30, 10),
     .samples = 2},
    {.name = "additive, a shared key",
     .attributes = ATTENTION(.heads = 2, .score = FV__SCORE_ADDITIVE, .shared_key = true),
     .inputs = {SAMPLE(6, 10), SAMPLE(9, 5), SAMPLE(9, 8)},
     .output = SHAPE(6, 8)},
    {.name = "a shared key too wide",
     .attributes = ATTENTION(.heads = 2, .shared_key = true),
     .inputs = {SAMPLE(6, 10), SAMPLE(9, 10), SAMPLE(9, 8)},
     .refusal = "in each head"},
    {.name = "a vector of keys",
     .attributes = ATTENTION(.heads = 3, .scale = 0.3f),
     .inputs = {SAMPLE(5, 51), SAMPLE(16, 51), SAMPLE(16, 60)},
     .output = SHAPE(5, 60)},
    {.name = "one token",
     .attributes = ATTENTION(.heads = 2),
     .inputs = {SAMPLE(1, 2), SAMPLE(1, 2), SAMPLE(1, 2)},
     .output = SHAPE(1, 2)},
    {.name = "groups",
     .attributes = ATTENTION(.heads = 2, .groups = 3, .scale = 0.4f),
     .inputs = {SAMPLE(6, 6), SAMPLE(12, 6), SAMPLE(12, 4)},
     .output = SHAPE(6, 4)},
    {.name = "causal, heads, dropout",
     .attributes = ATTENTION(.heads = 2, .mask = FV__MASK_CAUSAL, .dropout = 0.25f),
     .inputs = {SAMPLE(19, 8), SAMPLE(19, 8), SAMPLE(19, 8)},
     .output = SHAPE(19, 8),
     .training = true},
    {.name = "causal, fewer keys, groups, a shared key",
     .attributes = ATTENTION(.heads = 3, .groups = 2, .mask = FV__MASK_CAUSAL, .shared_key = true),
     .inputs = {SAMPLE(18, 12), SAMPLE(10, 4), SAMPLE(10, 9)},
     .output = SHAPE(18, 9)},
    {.name = "causal, more keys, several blocks of queries",
     .attributes = ATTENTION(.mask = FV__MASK_CAUSAL),
     .inputs = {SAMPLE(60, 3), SAMPLE(400, 3), SAMPLE(400, 2)},
     .output = SHAPE(60, 2),
     .samples = 2},
    {.name = "causal, additive",
     .attributes = ATTENTION(.score = FV__SCORE_ADDITIVE, .mask = FV__MASK_CAUSAL),
     .inputs = {SAMPLE(6, 5), SAMPLE(6, 5), SAMPLE(6, 8)},
     .output = SHAPE(6, 8)},
    {.name = "several blocks of queries",
     .attributes = ATTENTION(.scale = 0.6f),
     .inputs = {SAMPLE(60, 3), SAMPLE(400, 3), SAMPLE(400, 2)},
     .output = SHAPE(60, 2),
     .samples = 2},
    {.name = "mask for a sample, (keys)",
     .attributes = ATTENTION(.heads = 2, .mask = FV__MASK_INPUT),
     .inputs = {SAMPLE(4, 6), SAMPLE(18, 6), SAMPLE(18, 6), CONSTANT(18)},
     .output = SHAPE(4, 6),
     .prepare = hide_some},
    {.name = "mask for a sample, (heads, queries, keys), a row hidden",
     .attributes = ATTENTION(.heads = 2, .mask = FV__MASK_INPUT, .groups = 2),
     .inputs = {SAMPLE(8, 6), SAMPLE(10, 6), SAMPLE(10, 6), CONSTANT(2, 4, 5)},
     .output = SHAPE(8, 6),
     .prepare = hide_some},
    {.name = "mask for a sample, (heads, 1, 1)",
     .attributes = ATTENTION(.heads = 3, .mask = FV__MASK_INPUT),
     .inputs = {SAMPLE(4, 6), SAMPLE(5, 6), SAMPLE(5, 6), CONSTANT(3, 1, 1)},
     .output = SHAPE(4, 6),
     .prepare = hide_some},
    {.name = "mask for a sample, (queries, keys)",
     .attributes = ATTENTION(.heads = 2, .mask = FV__MASK_INPUT),
     .inputs = {SAMPLE(4, 6), SAMPLE(5, 6), SAMPLE(5, 6), CONSTANT(4, 5)},
     .output = SHAPE(4, 6),
     .prepare = hide_some},
    {.name = "trainable scale, negative",
     .attributes = ATTENTION(.heads = 2, .trained_scale = true, .scale = 0.5f),
     .inputs = {SAMPLE(4, 6), SAMPLE(5, 6), SAMPLE(5, 6), WEIGHT_SCALAR},
     .output = SHAPE(4, 6),
     .prepare = negative_scale},
    {.name = "trainable scale, mask, dropout",
     .attributes = ATTENTION(.heads = 2, .trained_scale = true, .mask = FV__MASK_INPUT, .dropout = 0.3f),
     .inputs = {SAMPLE(4, 6), SAMPLE(17, 6), SAMPLE(17, 6), CONSTANT(4, 17), WEIGHT_SCALAR},
     .output = SHAPE(4, 6),
     .training = true,
     .prepare = negative_scale},
    {.name = "dropout",
     .attributes = ATTENTION(.heads = 2, .groups = 2, .scale = 0.5f, .dropout = 0.4f),
     .inputs = {SAMPLE(8, 6), SAMPLE(38, 6), SAMPLE(38, 10)},
     .output = SHAPE(8, 10),
     .training = true},
    {.name = "dropout outside training",
     .attributes = ATTENTION(.heads = 2, .scale = 0.5f, .dropout = 0.4f),
     .inputs = {SAMPLE(8, 6), SAMPLE(9, 6), SAMPLE(9, 10)},
     .output = SHAPE(8, 10)},
    {.name = "refuses a key that is a weight",
     .attributes = ATTENTION(.heads = 2),
     .inputs = {SAMPLE(9, 6), WEIGHT(4, 6), SAMPLE(4, 10)},
     .refusal = "key is a weight"},
    {.name = "refuses a mask that is a weight",
     .attributes = ATTENTION(.heads = 2, .mask = FV__MASK_INPUT),
     .inputs = {SAMPLE(9, 6), SAMPLE(4, 6), SAMPLE(4, 10), WEIGHT(9, 4)},
     .refusal = "mask is a weight"},
    {.name = "additive",
     .attributes = ATTENTION(.score = FV__SCORE_ADDITIVE),
     .inputs = {SAMPLE(6, 5), SAMPLE(7, 5), SAMPLE(7, 4)},
     .output = SHAPE(6, 4)},
    {.name = "additive, heads, scales, mask",
     .attributes = ATTENTION(.heads = 2, .scale = 0.7f, .score = FV__SCORE_ADDITIVE, .trained_scale = true,
                             .mask = FV__MASK_INPUT),
     .inputs = {SAMPLE(6, 10), SAMPLE(18, 10), SAMPLE(18, 4), CONSTANT(6, 18), WEIGHT(5)},
     .output = SHAPE(6, 4),
     .prepare = hide_some},
    {.name = "additive, blocks, scale, dropout",
     .attributes = ATTENTION(.score = FV__SCORE_ADDITIVE, .trained_scale = true, .dropout = 0.2f),
     .inputs = {SAMPLE(30, 3), SAMPLE(400, 3), SAMPLE(400, 2), WEIGHT(3)},
     .output = SHAPE(30, 2),
     .samples = 2,
     .training = true},
    {.name = "refuses heads that do not divide",
     .attributes = ATTENTION(.heads = 4),
     .inputs = {SAMPLE(5, 6), SAMPLE(5, 6), SAMPLE(5, 6)},
     .refusal = "4 heads do not divide the 6 features"},
    {.name = "refuses groups that do not divide",
     .attributes = ATTENTION(.groups = 2),
     .inputs = {SAMPLE(5, 6), SAMPLE(5, 6), SAMPLE(5, 6)},
     .refusal = "2 groups do not divide the 5 tokens"},
    {.name = "refuses keys of other features",
     .attributes = ATTENTION(.heads = 2),
     .inputs = {SAMPLE(5, 6), SAMPLE(5, 8), SAMPLE(5, 6)},
     .refusal = "same features"},
    {.name = "refuses values of other tokens",
     .attributes = ATTENTION(.heads = 2),
     .inputs = {SAMPLE(5, 6), SAMPLE(5, 6), SAMPLE(4, 6)},
     .refusal = "same tokens"},
    {.name = "refuses a mask that does not broadcast",
     .attributes = ATTENTION(.heads = 2, .mask = FV__MASK_INPUT),
     .inputs = {SAMPLE(5, 6), SAMPLE(5, 6), SAMPLE(5, 6), CONSTANT(4, 5)},
     .refusal = "(2, 5, 5)"},
    {.name = "refuses a missing mask",
     .attributes = ATTENTION(.mask = FV__MASK_INPUT),
     .inputs = {SAMPLE(5, 6), SAMPLE(5, 6), SAMPLE(5, 6)},
     .refusal = "mask"},
    {.name = "refuses a scale of another shape",
     .attributes = ATTENTION(.trained_scale = true, .score = FV__SCORE_ADDITIVE),
     .inputs = {SAMPLE(5, 6), SAMPLE(5, 6), SAMPLE(5, 6), WEIGHT(5)},
     .refusal = "scale"},
    {.name = "refuses a dropout of 1",
     .attributes = ATTENTION(.dropout = 1),
     .inputs = {SAMPLE(5, 6), SAMPLE(5, 6), SAMPLE(5, 6)},
     .refusal = "dropout"},
};
#pragma GCC diagnostic pop

const op_cases cases_attention = CASES(cases, reference);
