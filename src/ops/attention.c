// SPDX-License-Identifier: Apache-2.0
// Scaled dot-product and additive attention: softmax(scores) · V for each head of each group (Vaswani et al. 2017,
// "Attention is all you need"; Bahdanau et al. 2015 for additive scores).
//
// Walks blocks of query rows whose softmax rows are complete, so memory grows linearly with the tokens; backward
// computes the scores again. With P the weights, M the dropout mask (0 or 1/(1 - rate)), S the scores:
//   dP = dO · Vᵀ ∘ M         dS = P ∘ (dP - Σ P ∘ dP)
//   dV = (P ∘ M)ᵀ · dO       dQ = factor · dS · K           dK = factor · dSᵀ · Q
// Scores, weights and their gradients of a block are (rows, stride), as src/kernels/attention.c says.
#include <string.h>

#include "base/random.h"
#include "ops/attention_head.h"
#include "ops/check.h"

static fv_status infer_mask(const fv__op_node *node, const fv__attention_dimensions *d, fv_error *error) {
    FV__TRY(fv__op_expect_sample(node, "attention", d->mask, "mask", 0, FV__MAX_RANK, error));
    const fv__shape *mask = &node->inputs[d->mask];
    int full[3] = {d->heads, d->queries, d->keys};
    bool fits = mask->rank <= 3;
    for (int i = 1; fits && i <= mask->rank; i++) {
        fits = mask->size[mask->rank - i] == 1 || mask->size[mask->rank - i] == full[3 - i];
    }
    return fits ? FV_OK
                : fv__fail(error, FV_INVALID,
                           "attention: the mask %s does not broadcast to (heads, queries, keys) = (%d, %d, %d)",
                           fv__shape_print(mask).text, full[0], full[1], full[2]);
}

static fv_status infer_inputs(const fv__op_node *node, fv_error *error) {
    const fv__attention_attributes *attributes = node->attributes;
    const bool masked = attributes->mask == FV__MASK_INPUT;
    const int wanted = 3 + masked + attributes->trained_scale;
    if (node->input_count != wanted) {
        return fv__fail(error, FV_INVALID, "attention takes query, key, value%s%s: %d inputs, not %d",
                        masked ? ", mask" : "", attributes->trained_scale ? ", scale" : "", wanted, node->input_count);
    }
    if (attributes->heads < 1 || attributes->groups < 1) {
        return fv__fail(error, FV_INVALID, "attention needs at least one head and one group, not %d and %d",
                        attributes->heads, attributes->groups);
    }
    if (!(attributes->dropout >= 0 && attributes->dropout < 1)) {
        return fv__fail(error, FV_INVALID, "attention: dropout must be at least 0 and below 1, not %g",
                        (double)attributes->dropout);
    }
    static const char *const names[3] = {"query", "key", "value"};
    for (int i = 0; i < 3; i++) {
        const fv__shape *shape = &node->inputs[i];
        FV__TRY(fv__op_expect_sample(node, "attention", i, names[i], 2, 2, error));
        const bool shared = (i == FV__KEY && attributes->shared_key) || (i == FV__VALUE && attributes->shared_value);
        if (!shared && shape->size[1] % attributes->heads != 0) {
            return fv__fail(error, FV_INVALID, "attention: %d heads do not divide the %d features of the %s",
                            attributes->heads, shape->size[1], names[i]);
        }
        if (shape->size[0] % attributes->groups != 0) {
            return fv__fail(error, FV_INVALID, "attention: %d groups do not divide the %d tokens of the %s",
                            attributes->groups, shape->size[0], names[i]);
        }
    }
    return FV_OK;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    const fv__attention_attributes *attributes = node->attributes;
    FV__TRY(infer_inputs(node, error));
    const fv__shape *query = &node->inputs[FV__QUERY], *key = &node->inputs[FV__KEY], *value = &node->inputs[FV__VALUE];
    const int heads = attributes->heads;
    if (query->size[1] != key->size[1] * (attributes->shared_key ? heads : 1)) {
        return fv__fail(error, FV_INVALID, "attention: query %s and key %s must have the same features%s",
                        fv__shape_print(query).text, fv__shape_print(key).text,
                        attributes->shared_key ? " in each head" : "");
    }
    if (key->size[0] != value->size[0]) {
        return fv__fail(error, FV_INVALID, "attention: key %s and value %s must have the same tokens",
                        fv__shape_print(key).text, fv__shape_print(value).text);
    }
    fv__attention_dimensions d = fv__attention_dimensions_of(node, 1);
    if (d.mask >= 0) {
        FV__TRY(infer_mask(node, &d, error));
    }
    if (d.scale >= 0) {
        const fv__shape *scale = &node->inputs[d.scale];
        bool additive = attributes->score == FV__SCORE_ADDITIVE;
        if (!node->input_is_weight[d.scale] || scale->rank != additive || (additive && scale->size[0] != d.depth)) {
            return fv__fail(error, FV_INVALID, "attention: the scale must be a weight of shape %s, not %s",
                            additive ? "(features of a head)" : "()", fv__shape_print(scale).text);
        }
    }
    node->output = (fv__shape){.rank = 2, .size = {query->size[0], d.out_row}};
    return FV_OK;
}

static void auxiliary(const fv__op_node *node, fv__shape *shape) {
    fv__attention_dimensions d = fv__attention_dimensions_of(node, 1);
    *shape = d.groups > 1 ? (fv__shape){.rank = 4, .size = {d.groups, d.heads, d.queries, d.keys}}
                          : (fv__shape){.rank = 3, .size = {d.heads, d.queries, d.keys}};
}

static bool draws(const fv__op_node *node) {
    return ((const fv__attention_attributes *)node->attributes)->dropout > 0;
}

static uint32_t backward_reads(const fv__op_node *node) {
    return (1u << node->input_count) - 1; // all inputs
}

static double multiply_adds(const fv__op_node *node) {
    fv__attention_dimensions d = fv__attention_dimensions_of(node, 1);
    return (double)d.groups * d.heads * d.queries * d.keys * (d.depth + d.value_depth);
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    (void)samples;
    fv__attention_dimensions d = fv__attention_dimensions_of(node, kernels->lanes);
    fv__attention_scratch parts;
    size_t floats = fv__attention_cut_scratch(node, kernels, &d, backward, NULL, &parts);
    *needs = (fv__op_needs){.scratch = floats * sizeof(float)};
}

// --- The walk over samples, groups and heads ---

// Where the head `number` of a group of a sample begins in arrays like input `i`.
static size_t input_offset(const fv__attention_head *h, int i, int sample, int group, int number) {
    const fv__shape *shape = &h->call->node->inputs[i];
    size_t tokens = (size_t)shape->size[0], features = (size_t)shape->size[1];
    size_t token = (size_t)sample * tokens + tokens / (size_t)h->d.groups * (size_t)group;
    const int width = i == FV__VALUE ? h->d.value_depth : h->d.depth;
    return token * features + ((size_t)number * (size_t)width) % features; // where heads share it, all at its begin
}

static size_t output_offset(const fv__attention_head *h, int sample, int group, int number) {
    size_t token = ((size_t)sample * (size_t)h->d.groups + (size_t)group) * (size_t)h->d.queries;
    return token * (size_t)h->d.out_row + (size_t)number * (size_t)h->d.value_depth;
}

static fv__attention_head start(const fv__call *call, bool backward) {
    fv__attention_head h = {.call = call,
                            .attributes = call->node->attributes,
                            .d = fv__attention_dimensions_of(call->node, call->kernels->lanes)};
    fv__attention_cut_scratch(call->node, call->kernels, &h.d, backward, call->scratch, &h.parts);
    for (int i = 0; h.parts.causal && i < h.d.queries + h.d.keys; i++) {
        h.parts.causal[i] = i < h.d.queries ? 1 : 0;
    }
    h.scale = h.d.scale >= 0 ? call->in[h.d.scale] : NULL;
    h.factor = h.attributes->scale * (h.scale && h.attributes->score == FV__SCORE_DOT ? *h.scale : 1);
    h.drops = call->training && h.attributes->dropout > 0;
    if (!h.drops) {
        h.parts.dropped = h.parts.weights;
    }
    return h;
}

static void start_sample(fv__attention_head *h, int sample) {
    const fv__call *call = h->call;
    if (h->drops) {
        fv__philox key = fv__philox_block(call->seed, FV__DRAW_DROPOUT, call->epoch << 32 | call->node->id,
                                          call->sample_ids[sample]);
        h->drop_key[0] = key.word[0];
        h->drop_key[1] = key.word[1];
    }
    if (h->d.mask >= 0) {
        size_t mask = fv__shape_elements(&call->node->inputs[h->d.mask]);
        h->sample_mask = call->in[h->d.mask] + (size_t)sample * mask;
    }
}

static void start_head(fv__attention_head *h, int sample, int group, int number) {
    const fv__call *call = h->call;
    h->query = call->in[FV__QUERY] + input_offset(h, FV__QUERY, sample, group, number);
    h->key = call->in[FV__KEY] + input_offset(h, FV__KEY, sample, group, number);
    h->value = call->in[FV__VALUE] + input_offset(h, FV__VALUE, sample, group, number);
    h->weights_before = (uint32_t)(group * h->d.heads + number) * (uint32_t)h->d.queries * (uint32_t)h->d.keys;
    h->number = number;
}

// Heads begin … end-1 of one sample, counted through its groups.
static void forward_heads(fv__attention_head *h, int sample, int begin, int end) {
    const fv__call *call = h->call;
    const fv__attention_dimensions *d = &h->d;
    const size_t table = (size_t)d->queries * (size_t)d->keys;
    start_sample(h, sample);
    for (int i = begin; i < end; i++) {
        const int group = i / d->heads, number = i % d->heads;
        const size_t before = (size_t)sample * (size_t)d->groups * (size_t)d->heads + (size_t)i;
        start_head(h, sample, group, number);
        fv__attention_forward(h, call->out + output_offset(h, sample, group, number),
                              call->auxiliary ? call->auxiliary + before * table : NULL);
    }
}

static int slices(const fv__op_node *node, const fv__kernels *kernels) {
    (void)kernels;
    const fv__attention_attributes *attributes = node->attributes;
    return attributes->groups * attributes->heads;
}

static void forward_slices(const fv__call *call, int begin, int end) {
    fv__attention_head h = start(call, false);
    forward_heads(&h, 0, begin, end);
}

static void forward(const fv__call *call) {
    fv__attention_head h = start(call, false);
    for (int sample = 0; sample < call->samples; sample++) {
        forward_heads(&h, sample, 0, slices(call->node, call->kernels));
    }
}

static void backward(const fv__call *call) {
    fv__attention_head h = start(call, true);
    const fv__attention_dimensions *d = &h.d;
    if (d->mask >= 0 && call->d_in[d->mask]) { // no gradient passes the mask
        memset(call->d_in[d->mask], 0,
               (size_t)call->samples * fv__shape_elements(&call->node->inputs[d->mask]) * sizeof(float));
    }
    for (int sample = 0; sample < call->samples; sample++) {
        start_sample(&h, sample);
        for (int i = 0; i < d->groups * d->heads; i++) {
            int group = i / d->heads, number = i % d->heads;
            start_head(&h, sample, group, number);
            float *wanted[3];
            for (int input = 0; input < 3; input++) {
                float *all = call->d_in[input];
                wanted[input] = all ? all + input_offset(&h, input, sample, group, number) : NULL;
            }
            fv__attention_gradients gradients = {.out = call->d_out + output_offset(&h, sample, group, number),
                                                 .query = wanted[FV__QUERY],
                                                 .key = wanted[FV__KEY],
                                                 .value = wanted[FV__VALUE],
                                                 .scale = d->scale >= 0 ? call->d_in[d->scale] : NULL};
            fv__attention_backward(&h, &gradients);
        }
    }
}

const fv__op fv__op_attention = {.name = "attention",
                                 .attributes_size = sizeof(fv__attention_attributes),
                                 .draws = draws,
                                 .infer = infer,
                                 .backward_reads = backward_reads,
                                 .needs = needs,
                                 .forward = forward,
                                 .backward = backward,
                                 .slices = slices,
                                 .forward_slices = forward_slices,
                                 .multiply_adds = multiply_adds,
                                 .auxiliary = auxiliary};
