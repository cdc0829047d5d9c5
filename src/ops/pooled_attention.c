// SPDX-License-Identifier: Apache-2.0
// The mean over the queries of attention's output, without that output: the mean is taken of the weights.
//   p = mean over the queries of softmax(scale · Q · Kᵀ)     y = p · V     for each head
// With P the weights of a block of query rows, T the number of queries, dp = dy · Vᵀ and dP = dp / T in every row:
//   dV = pᵀ · dy     dS = scale · P ∘ (dP - Σ P ∘ dP)     dQ = dS · K     dK = dSᵀ · Q
// Blocks of query rows have complete softmax rows, so that memory grows linearly with the tokens; p is kept for
// backward, which computes the scores again.
#include <string.h>

#include "ops/attention.h"
#include "ops/check.h"
#include "ops/product.h"

enum { QUERY, KEY, VALUE }; // inputs

enum { BLOCK_FLOATS = 16384, LEAST_ROWS = 8 }; // 64 KiB of scores at a time

typedef struct dimensions {
    int heads, queries, keys;
    int depth, query_row;       // features of a head, and of a token
    int value_depth, value_row; // the same of the value; its heads may share all features
    int products, rows;         // p · V is so many products of so many rows: one of all heads, or one a head
    int block;                  // query rows at a time
    float scale;
} dimensions;

static dimensions dimensions_of(const fv__op_node *node) {
    const fv__pooled_attention_attributes *attributes = node->attributes;
    const bool shared = attributes->shared_value;
    dimensions d = {.heads = attributes->heads,
                    .queries = node->inputs[QUERY].size[0],
                    .keys = node->inputs[KEY].size[0],
                    .depth = node->inputs[QUERY].size[1] / attributes->heads,
                    .query_row = node->inputs[QUERY].size[1],
                    .value_depth = node->inputs[VALUE].size[1] / (shared ? 1 : attributes->heads),
                    .value_row = node->inputs[VALUE].size[1],
                    .products = shared ? 1 : attributes->heads,
                    .rows = shared ? attributes->heads : 1,
                    .scale = attributes->scale};
    d.block = BLOCK_FLOATS / d.keys > LEAST_ROWS ? BLOCK_FLOATS / d.keys : LEAST_ROWS;
    d.block = d.block < d.queries ? d.block : d.queries;
    return d;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    const fv__pooled_attention_attributes *attributes = node->attributes;
    FV__TRY(fv__op_expect_inputs(node, "pooled_attention", 3, 3, "query, key and value", error));
    FV__TRY(fv__op_expect_sample(node, "pooled_attention", QUERY, "the query", 2, 2, error));
    FV__TRY(fv__op_expect_sample(node, "pooled_attention", KEY, "the key", 2, 2, error));
    FV__TRY(fv__op_expect_sample(node, "pooled_attention", VALUE, "the value", 2, 2, error));
    const fv__shape *query = &node->inputs[QUERY], *key = &node->inputs[KEY], *value = &node->inputs[VALUE];
    if (query->size[1] != key->size[1] || key->size[0] != value->size[0]) {
        return fv__fail(error, FV_INVALID,
                        "pooled_attention: query %s and key %s must have the same features, key and value %s the same "
                        "tokens",
                        fv__shape_print(query).text, fv__shape_print(key).text, fv__shape_print(value).text);
    }
    if (attributes->heads < 1 || query->size[1] % attributes->heads ||
        (!attributes->shared_value && value->size[1] % attributes->heads)) {
        return fv__fail(error, FV_INVALID, "pooled_attention: %d heads do not divide the features of %s and %s",
                        attributes->heads, fv__shape_print(query).text, fv__shape_print(value).text);
    }
    node->output = attributes->shared_value ? (fv__shape){2, {attributes->heads, value->size[1]}}
                                            : (fv__shape){1, {value->size[1]}};
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    (void)node;
    return FV__READS_INPUT(QUERY) | FV__READS_INPUT(KEY) | FV__READS_INPUT(VALUE);
}

typedef struct scratch {
    float *packed;   // Kᵀ or Vᵀ in panels
    float *weights;  // (block, keys): scores, then weights
    float *mean;     // (heads, keys): p, where nobody keeps it
    float *d_mean;   // (heads, keys): dp / T
    float *gradient; // (block, keys): of the weights, then of the scores
} scratch;

// Cuts `memory` into `parts` (if not NULL) and returns its size in floats.
static size_t cut_scratch(const dimensions *d, const fv__kernels *kernels, bool backward, float *memory,
                          scratch *parts) {
    const size_t keys = kernels->packed_size(d->depth, d->keys), values = kernels->packed_size(d->value_depth, d->keys);
    const size_t packed = backward && values > keys ? values : keys;
    const size_t block = (size_t)d->block * (size_t)d->keys, mean = (size_t)d->heads * (size_t)d->keys;
    if (parts) {
        *parts = (scratch){memory, memory + packed, memory + packed + block, NULL, NULL};
        parts->d_mean = parts->mean; // forward and backward are calls of their own
        parts->gradient = parts->mean + mean;
    }
    return packed + block + mean + (backward ? block : 0);
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    const dimensions d = dimensions_of(node);
    (void)samples;
    *needs = (fv__op_needs){.saved = backward ? (size_t)d.heads * (size_t)d.keys * sizeof(float) : 0,
                            .scratch = cut_scratch(&d, kernels, backward, NULL, NULL) * sizeof(float)};
}

// One sample, and the head and block of it at work.
typedef struct sample {
    const fv__kernels *kernels;
    dimensions d;
    scratch parts;
    const float *query, *key, *value; // (tokens, features)
    int first, rows;                  // of the block
} sample;

static sample start(const fv__call *call, int number, bool backward) {
    sample s = {.kernels = call->kernels, .d = dimensions_of(call->node)};
    cut_scratch(&s.d, call->kernels, backward, call->scratch, &s.parts);
    s.query = call->in[QUERY] + (ptrdiff_t)number * s.d.queries * s.d.query_row;
    s.key = call->in[KEY] + (ptrdiff_t)number * s.d.keys * s.d.query_row;
    s.value = call->in[VALUE] + (ptrdiff_t)number * s.d.keys * s.d.value_row;
    return s;
}

static bool next_block(sample *s) {
    const int left = s->d.queries - s->first;
    s->rows = left < s->d.block ? left : s->d.block;
    return s->rows > 0;
}

static void pack_keys(const sample *s, int head) {
    s->kernels->pack(s->d.depth, s->d.keys, s->key + (ptrdiff_t)head * s->d.depth, 1, s->d.query_row, s->parts.packed);
}

// The weights of the block.
static void weigh(const sample *s, int head) {
    const dimensions *d = &s->d;
    fv__multiply(s->kernels, s->rows, d->depth, d->keys,
                 fv__by_row(s->query + (ptrdiff_t)s->first * d->query_row + (ptrdiff_t)head * d->depth, d->query_row),
                 fv__packed(s->parts.packed), s->parts.weights, d->keys);
    s->kernels->softmax_rows(s->parts.weights, s->parts.weights, s->rows, d->keys, d->scale);
}

static void forward(const fv__call *call) {
    float *out = call->out, *kept = call->saved;
    for (int number = 0; number < call->samples; number++) {
        sample s = start(call, number, false);
        const dimensions *d = &s.d;
        const size_t weights = (size_t)d->heads * (size_t)d->keys;
        float *mean = kept ? kept + (size_t)number * weights : s.parts.mean;
        memset(mean, 0, weights * sizeof *mean);
        for (int head = 0; head < d->heads; head++) {
            pack_keys(&s, head);
            for (s.first = 0; next_block(&s); s.first += s.rows) {
                weigh(&s, head);
                s.kernels->add_columns(s.parts.weights, d->keys, mean + (ptrdiff_t)head * d->keys, s.rows, d->keys);
            }
        }
        for (size_t i = 0; i < weights; i++) {
            mean[i] /= (float)d->queries;
        }
        for (int i = 0; i < d->products; i++, out += d->rows * d->value_depth) {
            fv__multiply(s.kernels, d->rows, d->keys, d->value_depth,
                         fv__by_row(mean + (ptrdiff_t)i * d->keys, d->keys),
                         fv__by_row(s.value + (ptrdiff_t)i * d->value_depth, d->value_row), out, d->value_depth);
        }
    }
}

// Forward: y = p · V, so dV = pᵀ · dy
static void backward_value(const sample *s, const float *mean, const float *d_out, float *d_value) {
    const dimensions *d = &s->d;
    for (int i = 0; i < d->products; i++) {
        fv__multiply(s->kernels, d->keys, d->rows, d->value_depth,
                     fv__by_column(mean + (ptrdiff_t)i * d->keys, d->keys),
                     fv__by_row(d_out + (ptrdiff_t)i * d->value_depth, d->value_depth),
                     d_value + (ptrdiff_t)i * d->value_depth, d->value_row);
    }
}

// and dp / T = dy · Vᵀ / T
static void backward_mean(const sample *s, const float *d_out) {
    const dimensions *d = &s->d;
    for (int i = 0; i < d->products; i++) {
        s->kernels->pack(d->value_depth, d->keys, s->value + (ptrdiff_t)i * d->value_depth, 1, d->value_row,
                         s->parts.packed);
        fv__multiply(s->kernels, d->rows, d->value_depth, d->keys,
                     fv__by_row(d_out + (ptrdiff_t)i * d->value_depth, d->value_depth), fv__packed(s->parts.packed),
                     s->parts.d_mean + (ptrdiff_t)i * d->keys, d->keys);
    }
    for (ptrdiff_t i = 0; i < (ptrdiff_t)d->heads * d->keys; i++) {
        s->parts.d_mean[i] /= (float)d->queries;
    }
}

// Forward: P = softmax(scale · Q · Kᵀ), so with dS from softmax dQ = dS · K and dK = dSᵀ · Q, of the block; d_query and d_key are the whole sample's.
static void backward_block(const sample *s, int head, float *d_query, float *d_key) {
    const dimensions *d = &s->d;
    const float *d_mean = s->parts.d_mean + (ptrdiff_t)head * d->keys;
    const ptrdiff_t at = (ptrdiff_t)s->first * d->query_row + (ptrdiff_t)head * d->depth;
    float *gradient = s->parts.gradient;
    weigh(s, head);
    for (int row = 0; row < s->rows; row++) {
        memcpy(gradient + (ptrdiff_t)row * d->keys, d_mean, (size_t)d->keys * sizeof *gradient);
    }
    s->kernels->softmax_rows_backward(gradient, s->parts.weights, gradient, s->rows, d->keys, d->scale);
    if (d_query) {
        fv__multiply(s->kernels, s->rows, d->keys, d->depth, fv__by_row(gradient, d->keys),
                     fv__by_row(s->key + (ptrdiff_t)head * d->depth, d->query_row), d_query + at, d->query_row);
    }
    if (d_key) {
        fv__multiply_add(s->kernels, d->keys, s->rows, d->depth, fv__by_column(gradient, d->keys),
                         fv__by_row(s->query + at, d->query_row), d_key + (ptrdiff_t)head * d->depth, d->query_row,
                         s->first > 0);
    }
}

// Where the gradient of one sample's input begins; NULL: not wanted.
static float *gradient_of(const fv__call *call, int input, int number) {
    const size_t size = fv__shape_elements(&call->node->inputs[input]);
    return call->d_in[input] ? call->d_in[input] + (size_t)number * size : NULL;
}

static void backward(const fv__call *call) {
    const size_t outputs = fv__shape_elements(&call->node->output);
    for (int number = 0; number < call->samples; number++) {
        sample s = start(call, number, true);
        const float *mean = (const float *)call->saved + (ptrdiff_t)number * s.d.heads * s.d.keys;
        const float *d_out = call->d_out + (size_t)number * outputs;
        float *d_query = gradient_of(call, QUERY, number), *d_key = gradient_of(call, KEY, number);
        float *d_value = gradient_of(call, VALUE, number);
        if (d_value) {
            backward_value(&s, mean, d_out, d_value);
        }
        if (!d_query && !d_key) {
            continue;
        }
        backward_mean(&s, d_out);
        for (int head = 0; head < s.d.heads; head++) {
            pack_keys(&s, head);
            for (s.first = 0; next_block(&s); s.first += s.rows) {
                backward_block(&s, head, d_query, d_key);
            }
        }
    }
}

static double multiply_adds(const fv__op_node *node) {
    const dimensions d = dimensions_of(node);
    return (double)d.heads * d.keys * ((double)d.queries * d.depth + d.value_depth);
}

const fv__op fv__op_pooled_attention = {
    .name = "pooled_attention",
    .attributes_size = sizeof(fv__pooled_attention_attributes),
    .infer = infer,
    .backward_reads = backward_reads,
    .needs = needs,
    .forward = forward,
    .backward = backward,
    .multiply_adds = multiply_adds,
};
