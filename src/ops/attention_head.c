// SPDX-License-Identifier: Apache-2.0
// One head of attention, by blocks of query rows; the formulas are in attention.c.
#include "ops/attention_head.h"
#include "ops/product.h"

#include <string.h>

enum {
    BLOCK_FLOATS = 16384, // 64 KiB of scores at a time
    BLOCK_ROWS = 24,      // a multiple of every tile height of a product
    FULLY_MASKED = -1000000000,
};

fv__attention_dimensions fv__attention_dimensions_of(const fv__op_node *node, int lanes) {
    const fv__attention_attributes *attributes = node->attributes;
    fv__attention_dimensions d = {.heads = attributes->heads,
                                  .groups = attributes->groups,
                                  .queries = node->inputs[FV__QUERY].size[0] / attributes->groups,
                                  .keys = node->inputs[FV__KEY].size[0] / attributes->groups,
                                  .query_row = node->inputs[FV__QUERY].size[1],
                                  .key_row = node->inputs[FV__KEY].size[1],
                                  .value_row = node->inputs[FV__VALUE].size[1],
                                  .depth = node->inputs[FV__QUERY].size[1] / attributes->heads,
                                  .mask = attributes->mask == FV__MASK_INPUT ? 3 : -1};
    d.scale = attributes->trained_scale ? (d.mask < 0 ? 3 : 4) : -1;
    d.value_depth = d.value_row / (attributes->shared_value ? 1 : d.heads);
    d.out_row = d.heads * d.value_depth;
    d.stride = (d.keys + lanes - 1) / lanes * lanes;
    d.block = BLOCK_FLOATS / d.stride / BLOCK_ROWS * BLOCK_ROWS;
    d.block = d.block > BLOCK_ROWS ? d.block : BLOCK_ROWS;
    d.block = d.block < d.queries ? d.block : d.queries;
    return d;
}

size_t fv__attention_cut_scratch(const fv__op_node *node, const fv__kernels *kernels, const fv__attention_dimensions *d,
                                 bool backward, float *memory, fv__attention_scratch *parts) {
    const fv__attention_attributes *attributes = node->attributes;
    const bool additive = attributes->score == FV__SCORE_ADDITIVE;
    const size_t stride = (size_t)d->stride, block = (size_t)d->block * stride;
    const size_t key_columns = (size_t)d->depth * stride;
    const struct {
        float **part;
        size_t size; // a multiple of the vector, but for memory's end
    } cuts[] = {
        {&parts->keys, additive ? key_columns : kernels->packed_size(d->depth, d->stride)},
        {&parts->values,
         backward ? kernels->packed_size(d->value_depth, d->stride) : kernels->packed_size(d->keys, d->value_depth)},
        {&parts->weights, block},
        {&parts->gradient, backward ? block : 0},
        {&parts->dropped, backward && attributes->dropout > 0 ? block : 0},
        {&parts->scores, backward && attributes->trained_scale && !additive ? block : 0},
        {&parts->key_rows, backward && !additive ? kernels->packed_size(d->keys, d->depth) : 0},
        {&parts->query_rows, backward && !additive ? kernels->packed_size(d->block, d->depth) : 0},
        {&parts->d_out_rows, backward ? kernels->packed_size(d->block, d->value_depth) : 0},
        {&parts->d_keys, backward && additive ? key_columns : 0},
        {&parts->causal, attributes->mask == FV__MASK_CAUSAL ? (size_t)(d->queries + d->keys) : 0},
    };
    size_t total = 0;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        if (memory) {
            *cuts[i].part = cuts[i].size ? memory + total : NULL;
        }
        total += cuts[i].size;
    }
    if (memory && !parts->dropped) {
        parts->dropped = parts->weights;
    }
    return total;
}

// Size of axis `axis` of (heads, queries, keys) in the mask, which may have fewer axes.
static int mask_size(const fv__shape *mask, int axis) {
    int own = axis - (3 - mask->rank);
    return own < 0 ? 1 : mask->size[own];
}

// Finds the mask, and makes Kᵀ unless the head before left it. Returns whether it made it.
static bool begin(fv__attention_head *h) {
    const fv__attention_dimensions *d = &h->d;
    h->mask = NULL;
    if (h->parts.causal) {
        h->mask = h->parts.causal + d->queries - 1;
        h->mask_row = -1;
        h->mask_column = 1;
    } else if (h->sample_mask) {
        const fv__shape *shape = &h->call->node->inputs[d->mask];
        int heads = mask_size(shape, 0), queries = mask_size(shape, 1), keys = mask_size(shape, 2);
        h->mask_column = keys > 1 ? 1 : 0;
        h->mask_row = queries > 1 ? keys : 0;
        h->mask = h->sample_mask + (heads > 1 ? (size_t)h->number * (size_t)queries * (size_t)keys : 0);
    }
    if (h->arranged_key == h->key) {
        return false;
    }
    h->arranged_key = h->key;
    if (h->attributes->score == FV__SCORE_ADDITIVE) {
        h->call->kernels->transpose(h->key, d->key_row, h->parts.keys, d->stride, d->keys, d->depth, d->stride);
    } else {
        h->call->kernels->pack_transposed(d->depth, d->keys, h->key, d->key_row, h->parts.keys);
    }
    return true;
}

// Scores and weights of the block; h->parts.scores, if any, keeps the products Q · Kᵀ.
static void weigh(const fv__attention_head *h) {
    const fv__kernels *kernels = h->call->kernels;
    const fv__attention_dimensions *d = &h->d;
    const float *query = h->query + (ptrdiff_t)h->first * d->query_row;
    float *scores = h->parts.scores ? h->parts.scores : h->parts.weights, factor = h->factor;
    if (h->attributes->score == FV__SCORE_ADDITIVE) {
        kernels->additive_scores(query, d->query_row, h->parts.keys, h->scale, scores, h->rows, d->depth, d->stride);
    } else {
        fv__multiply(kernels, h->rows, d->depth, d->stride, fv__by_row(query, d->query_row), fv__packed(h->parts.keys),
                     scores, d->stride);
    }
    if (h->mask) {
        if (scores != h->parts.weights) {
            memcpy(h->parts.weights, scores, (size_t)h->rows * (size_t)d->stride * sizeof(float));
            scores = h->parts.weights;
        }
        kernels->mask_scores(scores, h->mask + h->first * h->mask_row, h->mask_row, h->mask_column, h->rows, d->keys,
                             d->stride, factor, FULLY_MASKED);
        factor = 1;
    }
    kernels->softmax_scores(scores, h->parts.weights, h->rows, d->keys, d->stride, factor);
}

// Dropout of the block from `from` to `to`; the draw of a weight belongs to its place in (groups, heads, queries,
// keys).
static void drop(const fv__attention_head *h, const float *from, float *to) {
    for (int i = 0; i < h->rows; i++, from += h->d.stride, to += h->d.stride) {
        uint32_t position = h->weights_before + (uint32_t)(h->first + i) * (uint32_t)h->d.keys;
        h->call->kernels->dropout(from, to, (size_t)h->d.stride, h->attributes->dropout, h->drop_key, position);
    }
}

void fv__attention_forward(fv__attention_head *h, float *out, float *weights_out) {
    const fv__attention_dimensions *d = &h->d;
    begin(h);
    if (h->arranged_value != h->value) {
        h->arranged_value = h->value;
        h->call->kernels->pack(d->keys, d->value_depth, h->value, d->value_row, 1, h->parts.values);
    }
    for (h->first = 0; h->first < d->queries; h->first += d->block) {
        h->rows = d->queries - h->first < d->block ? d->queries - h->first : d->block;
        weigh(h);
        for (int i = 0; weights_out && i < h->rows; i++) {
            memcpy(weights_out + (size_t)(h->first + i) * (size_t)d->keys, h->parts.weights + (ptrdiff_t)i * d->stride,
                   (size_t)d->keys * sizeof(float));
        }
        if (h->drops) {
            drop(h, h->parts.weights, h->parts.weights);
        }
        fv__multiply(h->call->kernels, h->rows, d->keys, d->value_depth, fv__by_row(h->parts.weights, d->stride),
                     fv__packed(h->parts.values), out + (ptrdiff_t)h->first * d->out_row, d->out_row);
    }
}

// Whether the gradient of the key or value is added to that of the heads before, which share it.
static bool adds_up(const fv__attention_head *h, int input) {
    return h->number > 0 && (input == FV__KEY ? h->attributes->shared_key : h->attributes->shared_value);
}

// The gradient of keys or values, (keys, width) += blockᵀ · right, `right` being the packed rows of the block.
static void transposed_product(const fv__attention_head *h, int input, const float *block, const float *right,
                               int width, int row, float *to) {
    fv__multiply_add(h->call->kernels, h->d.keys, h->rows, width, fv__by_column(block, h->d.stride), fv__packed(right),
                     to, row, h->first > 0 || adds_up(h, input));
}

// From the gradient of the output to that of the scores, in h->parts.gradient.
static void backward_weights(const fv__attention_head *h, const fv__attention_gradients *gradients) {
    const fv__kernels *kernels = h->call->kernels;
    const fv__attention_dimensions *d = &h->d;
    const float *d_out = gradients->out + (ptrdiff_t)h->first * d->out_row;
    weigh(h);
    if (h->drops) {
        drop(h, h->parts.weights, h->parts.dropped);
    }
    if (gradients->value) { // forward: O = (P ∘ M) · V, so dV += (P ∘ M)ᵀ · dO
        kernels->pack(h->rows, d->value_depth, d_out, d->out_row, 1, h->parts.d_out_rows);
        transposed_product(h, FV__VALUE, h->parts.dropped, h->parts.d_out_rows, d->value_depth, d->value_row,
                           gradients->value);
    }
    if (!gradients->query && !gradients->key && !gradients->scale) {
        return;
    }
    // and d(P ∘ M) = dO · Vᵀ
    fv__multiply(kernels, h->rows, d->value_depth, d->stride, fv__by_row(d_out, d->out_row),
                 fv__packed(h->parts.values), h->parts.gradient, d->stride);
    if (h->mask) { // no gradient passes a masked score, not even in a row that is masked as a whole
        kernels->mask_scores(h->parts.gradient, h->mask + h->first * h->mask_row, h->mask_row, h->mask_column, h->rows,
                             d->keys, d->stride, 1, 0);
    }
    double along = kernels->softmax_scores_backward(h->parts.weights, h->parts.dropped, h->parts.scores,
                                                    h->parts.gradient, h->rows, d->stride, h->factor);
    if (h->parts.scores && gradients->scale) {
        *gradients->scale += (float)along * h->attributes->scale;
    }
}

static void backward_block(const fv__attention_head *h, const fv__attention_gradients *gradients) {
    const fv__kernels *kernels = h->call->kernels;
    const fv__attention_dimensions *d = &h->d;
    const float *query = h->query + (ptrdiff_t)h->first * d->query_row;
    float *d_query = gradients->query ? gradients->query + (ptrdiff_t)h->first * d->query_row : NULL;
    backward_weights(h, gradients);
    if (h->attributes->score == FV__SCORE_ADDITIVE) {
        if (d_query || gradients->key || gradients->scale) {
            kernels->additive_scores_backward(query, d->query_row, h->parts.keys, h->scale, h->parts.gradient, d_query,
                                              h->parts.d_keys, gradients->scale, h->rows, d->depth, d->stride);
        }
        return;
    }
    if (d_query) { // forward: S = factor · Q · Kᵀ; the factor is in dS already
        fv__multiply(kernels, h->rows, d->keys, d->depth, fv__by_row(h->parts.gradient, d->stride),
                     fv__packed(h->parts.key_rows), d_query, d->query_row);
    }
    if (gradients->key) {
        kernels->pack(h->rows, d->depth, query, d->query_row, 1, h->parts.query_rows);
        transposed_product(h, FV__KEY, h->parts.gradient, h->parts.query_rows, d->depth, d->key_row, gradients->key);
    }
}

// The gradient of the keys for additive scores was summed up transposed.
static void give_out_transposed(const fv__attention_head *h, float *to) {
    for (int token = 0; to && token < h->d.keys; token++, to += h->d.key_row) {
        for (int feature = 0; feature < h->d.depth; feature++) {
            float sum = h->parts.d_keys[(ptrdiff_t)feature * h->d.stride + token];
            to[feature] = adds_up(h, FV__KEY) ? to[feature] + sum : sum;
        }
    }
}

void fv__attention_backward(fv__attention_head *h, const fv__attention_gradients *gradients) {
    const fv__attention_dimensions *d = &h->d;
    const bool additive = h->attributes->score == FV__SCORE_ADDITIVE;
    if (begin(h) && !additive) {
        h->call->kernels->pack(d->keys, d->depth, h->key, d->key_row, 1, h->parts.key_rows);
    }
    if (h->arranged_value != h->value) {
        h->arranged_value = h->value;
        h->call->kernels->pack_transposed(d->value_depth, d->keys, h->value, d->value_row, h->parts.values);
    }
    if (additive) {
        memset(h->parts.d_keys, 0, (size_t)d->depth * (size_t)d->stride * sizeof(float));
    }
    for (h->first = 0; h->first < d->queries; h->first += d->block) {
        h->rows = d->queries - h->first < d->block ? d->queries - h->first : d->block;
        backward_block(h, gradients);
    }
    if (additive) {
        give_out_transposed(h, gradients->key);
    }
}
