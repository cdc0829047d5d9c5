// Scaled dot-product and additive attention: softmax(scores) · V for each head of each group (Vaswani et al. 2017,
// "Attention is all you need"; Bahdanau et al. 2015 for additive scores).
//
// Walks blocks of query rows whose softmax rows are complete, so memory grows linearly with the tokens; backward
// computes the scores again. With P the weights, M the dropout mask (0 or 1/(1 - rate)), S the scores:
//   dP = dO · Vᵀ ∘ M     dS = P ∘ (dP - Σ P ∘ dP)     dV = (P ∘ M)ᵀ · dO     dQ = factor · dS · K     dK = factor · dSᵀ · Q
// Scores, weights and their gradients of a block are (rows, stride), as src/kernels/attention.c says.
#include <string.h>

#include "base/random.h"
#include "ops/op.h"

enum { QUERY, KEY, VALUE };

enum {
    BLOCK_FLOATS = 16384, // 64 KiB of scores at a time
    BLOCK_ROWS = 24,      // a multiple of every tile height of a product
    FULLY_MASKED = -1000000000,
};

typedef struct dimensions {
    int heads, groups;
    int queries, keys;       // tokens of a group
    int depth, value_depth;  // features of a head
    int query_row, value_row; // features of a token: heads·depth, heads·value_depth
    int stride;              // keys rounded up to whole vectors
    int block;               // query rows at a time
    int mask, scale;         // which inputs these are, or -1
} dimensions;

static dimensions dimensions_of(const fv__op_node *node, int lanes) {
    const fv__attention_attributes *attributes = node->attributes;
    dimensions d = {.heads = attributes->heads,
                    .groups = attributes->groups,
                    .queries = node->inputs[QUERY].size[0] / attributes->groups,
                    .keys = node->inputs[KEY].size[0] / attributes->groups,
                    .query_row = node->inputs[QUERY].size[1],
                    .value_row = node->inputs[VALUE].size[1],
                    .depth = node->inputs[QUERY].size[1] / attributes->heads,
                    .value_depth = node->inputs[VALUE].size[1] / attributes->heads,
                    .mask = attributes->has_mask ? 3 : -1,
                    .scale = attributes->has_scale ? 3 + attributes->has_mask : -1};
    d.stride = (d.keys + lanes - 1) / lanes * lanes;
    d.block = BLOCK_FLOATS / d.stride / BLOCK_ROWS * BLOCK_ROWS;
    d.block = d.block > BLOCK_ROWS ? d.block : BLOCK_ROWS;
    d.block = d.block < d.queries ? d.block : d.queries;
    return d;
}

// --- Shapes -----------------------------------------------------------------------------------------------------------

static fv_status infer_mask(const fv__op_node *node, const dimensions *d, fv_error *error) {
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
    int wanted = 3 + attributes->has_mask + attributes->has_scale;
    if (node->input_count != wanted) {
        return fv__fail(error, FV_INVALID, "attention takes query, key, value%s%s: %d inputs, not %d",
                        attributes->has_mask ? ", mask" : "", attributes->has_scale ? ", scale" : "", wanted,
                        node->input_count);
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
        if (shape->rank != 2) {
            return fv__fail(error, FV_INVALID, "attention: the %s must be (tokens, features), not %s", names[i],
                            fv__shape_print(shape).text);
        }
        if (shape->size[1] % attributes->heads != 0) {
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
    fv_status status = infer_inputs(node, error);
    if (status) {
        return status;
    }
    const fv__shape *query = &node->inputs[QUERY], *key = &node->inputs[KEY], *value = &node->inputs[VALUE];
    if (query->size[1] != key->size[1]) {
        return fv__fail(error, FV_INVALID, "attention: query %s and key %s must have the same features",
                        fv__shape_print(query).text, fv__shape_print(key).text);
    }
    if (key->size[0] != value->size[0]) {
        return fv__fail(error, FV_INVALID, "attention: key %s and value %s must have the same tokens",
                        fv__shape_print(key).text, fv__shape_print(value).text);
    }
    dimensions d = dimensions_of(node, 1);
    if (d.mask >= 0 && (status = infer_mask(node, &d, error))) {
        return status;
    }
    if (d.scale >= 0) {
        const fv__shape *scale = &node->inputs[d.scale];
        bool additive = attributes->score == FV__SCORE_ADDITIVE;
        if (!node->input_is_weight[d.scale] || scale->rank != additive || (additive && scale->size[0] != d.depth)) {
            return fv__fail(error, FV_INVALID, "attention: the scale must be a weight of shape %s, not %s",
                            additive ? "(features of a head)" : "()", fv__shape_print(scale).text);
        }
    }
    node->output = (fv__shape){.rank = 2, .size = {query->size[0], value->size[1]}};
    return FV_OK;
}

static void auxiliary(const fv__op_node *node, fv__shape *shape) {
    dimensions d = dimensions_of(node, 1);
    *shape = d.groups > 1 ? (fv__shape){.rank = 4, .size = {d.groups, d.heads, d.queries, d.keys}}
                          : (fv__shape){.rank = 3, .size = {d.heads, d.queries, d.keys}};
}

static uint32_t backward_reads(const fv__op_node *node) {
    return (1u << node->input_count) - 1; // all inputs
}

static double multiply_adds(const fv__op_node *node) {
    dimensions d = dimensions_of(node, 1);
    return (double)d.groups * d.heads * d.queries * d.keys * (d.depth + d.value_depth);
}

// --- Memory -----------------------------------------------------------------------------------------------------------

typedef struct scratch_parts {
    float *keys;     // Kᵀ, (depth, stride): in panels for products, plain for additive scores
    float *values;   // Vᵀ in panels, (value_depth, stride)
    float *weights;  // the blocks, (block, stride): scores, then weights
    float *gradient; // of the weights, then of the scores
    float *dropped;  // the weights after dropout; `weights` itself without
    float *scores;   // kept for the gradient of a trainable scale, else NULL
    float *d_keys;   // transposed gradient of the keys for additive scores, (depth, stride)
} scratch_parts;

// Returns the size in floats.
static size_t cut_scratch(const fv__op_node *node, const dimensions *d, bool backward, float *memory,
                          scratch_parts *parts) {
    const fv__attention_attributes *attributes = node->attributes;
    bool additive = attributes->score == FV__SCORE_ADDITIVE;
    size_t stride = (size_t)d->stride, block = (size_t)d->block * stride;
    size_t keys = (size_t)d->depth * stride, values = backward ? (size_t)d->value_depth * stride : 0;
    size_t gradient = backward ? block : 0, dropped = backward && attributes->dropout > 0 ? block : 0;
    size_t scores = backward && attributes->has_scale && !additive ? block : 0, d_keys = backward && additive ? keys : 0;
    if (parts) {
        parts->keys = memory;
        parts->values = parts->keys + keys;
        parts->weights = parts->values + values;
        parts->gradient = parts->weights + block;
        parts->dropped = dropped ? parts->gradient + gradient : parts->weights;
        parts->scores = scores ? parts->gradient + gradient + dropped : NULL;
        parts->d_keys = parts->gradient + gradient + dropped + scores;
    }
    return keys + values + block + gradient + dropped + scores + d_keys;
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    (void)samples;
    dimensions d = dimensions_of(node, kernels->lanes);
    *needs = (fv__op_needs){.scratch = cut_scratch(node, &d, backward, NULL, NULL) * sizeof(float)};
}

// --- One head ---------------------------------------------------------------------------------------------------------

// One head of one group of one sample, and the block of it at work.
typedef struct head {
    const fv__call *call;
    const fv__attention_attributes *attributes;
    dimensions d;
    scratch_parts parts;
    const float *query, *key, *value; // its first token and feature
    const float *mask;                // its first row; NULL: none
    ptrdiff_t mask_row, mask_column;
    const float *scale;    // the trainable one; NULL: none
    float factor;          // on dot scores
    bool drops;            // dropout is on
    uint32_t drop_key[2];
    uint32_t weights_before; // of this sample in earlier heads: positions of the dropout's draws
    int first, rows;         // of the block
} head;

// Where input `i` of this sample begins; a weight is the same for all samples.
static size_t input_offset(const fv__call *call, int i, int sample) {
    return call->node->input_is_weight[i] ? 0 : (size_t)sample * fv__shape_elements(&call->node->inputs[i]);
}

static size_t query_offset(const head *h, int sample, int group, int number) {
    return input_offset(h->call, QUERY, sample) + (size_t)group * (size_t)h->d.queries * (size_t)h->d.query_row +
           (size_t)number * (size_t)h->d.depth;
}

static size_t key_offset(const head *h, int sample, int group, int number) {
    return input_offset(h->call, KEY, sample) + (size_t)group * (size_t)h->d.keys * (size_t)h->d.query_row +
           (size_t)number * (size_t)h->d.depth;
}

static size_t value_offset(const head *h, int sample, int group, int number) {
    return input_offset(h->call, VALUE, sample) + (size_t)group * (size_t)h->d.keys * (size_t)h->d.value_row +
           (size_t)number * (size_t)h->d.value_depth;
}

static size_t output_offset(const head *h, int sample, int group, int number) {
    size_t row = ((size_t)sample * (size_t)h->d.groups + (size_t)group) * (size_t)h->d.queries;
    return row * (size_t)h->d.value_row + (size_t)number * (size_t)h->d.value_depth;
}

static head start(const fv__call *call, bool backward) {
    head h = {.call = call, .attributes = call->node->attributes, .d = dimensions_of(call->node, call->kernels->lanes)};
    cut_scratch(call->node, &h.d, backward, call->scratch, &h.parts);
    h.scale = h.d.scale >= 0 ? call->in[h.d.scale] : NULL;
    h.factor = h.attributes->scale * (h.scale && h.attributes->score == FV__SCORE_DOT ? *h.scale : 1);
    h.drops = call->training && h.attributes->dropout > 0;
    if (!h.drops) {
        h.parts.dropped = h.parts.weights;
    }
    return h;
}

static void start_sample(head *h, int sample) {
    if (h->drops) {
        const fv__call *call = h->call;
        fv__philox key = fv__philox_block(call->seed, FV__DRAW_DROPOUT, call->epoch << 32 | call->node->id,
                                          call->sample_ids[sample]);
        h->drop_key[0] = key.word[0];
        h->drop_key[1] = key.word[1];
    }
}

// Size of axis `axis` of (heads, queries, keys) in the mask, which may have fewer axes.
static int mask_size(const fv__shape *mask, int axis) {
    int own = axis - (3 - mask->rank);
    return own < 0 ? 1 : mask->size[own];
}

static void transpose_panels(const head *h, const float *x, int row, int depth, float *to) {
    int panel = h->call->kernels->panel_columns;
    for (int token = 0; token < h->d.stride; token += panel) {
        int width = h->d.stride - token < panel ? h->d.stride - token : panel;
        int rows = h->d.keys - token < width ? h->d.keys - token : width;
        h->call->kernels->transpose(x + (ptrdiff_t)token * row, row, to + (ptrdiff_t)token * depth, width, rows, depth,
                                    width);
    }
}

static void start_head(head *h, int sample, int group, int number) {
    const fv__call *call = h->call;
    const dimensions *d = &h->d;
    h->query = call->in[QUERY] + query_offset(h, sample, group, number);
    h->key = call->in[KEY] + key_offset(h, sample, group, number);
    h->value = call->in[VALUE] + value_offset(h, sample, group, number);
    h->weights_before = (uint32_t)(group * d->heads + number) * (uint32_t)d->queries * (uint32_t)d->keys;
    if (d->mask >= 0) {
        const fv__shape *mask = &call->node->inputs[d->mask];
        int heads = mask_size(mask, 0), queries = mask_size(mask, 1), keys = mask_size(mask, 2);
        h->mask_column = keys > 1 ? 1 : 0;
        h->mask_row = queries > 1 ? keys : 0;
        h->mask = call->in[d->mask] + input_offset(call, d->mask, sample) +
                  (heads > 1 ? (size_t)number * (size_t)queries * (size_t)keys : 0);
    }
    if (h->attributes->score == FV__SCORE_ADDITIVE) {
        call->kernels->transpose(h->key, d->query_row, h->parts.keys, d->stride, d->keys, d->depth, d->stride);
    } else {
        transpose_panels(h, h->key, d->query_row, d->depth, h->parts.keys);
    }
}

// Scores and weights of the block; h->parts.scores, if any, keeps the products Q · Kᵀ.
static void weigh(const head *h) {
    const fv__kernels *kernels = h->call->kernels;
    const dimensions *d = &h->d;
    const float *query = h->query + (ptrdiff_t)h->first * d->query_row;
    float *scores = h->parts.scores ? h->parts.scores : h->parts.weights, factor = h->factor;
    if (h->attributes->score == FV__SCORE_ADDITIVE) {
        kernels->additive_scores(query, d->query_row, h->parts.keys, h->scale, scores, h->rows, d->depth, d->stride);
    } else {
        kernels->gemm(&(fv__gemm){.rows = h->rows,
                                  .columns = d->stride,
                                  .depth = d->depth,
                                  .segments = 1,
                                  .a = query,
                                  .a_row = d->query_row,
                                  .a_depth = 1,
                                  .b = h->parts.keys,
                                  .c = scores,
                                  .c_row = d->stride});
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

// Dropout of the block from `from` to `to`; the draw of a weight belongs to its place in (groups, heads, queries, keys).
static void drop(const head *h, const float *from, float *to) {
    for (int i = 0; i < h->rows; i++, from += h->d.stride, to += h->d.stride) {
        uint32_t position = h->weights_before + (uint32_t)(h->first + i) * (uint32_t)h->d.keys;
        h->call->kernels->dropout(from, to, (size_t)h->d.stride, h->attributes->dropout, h->drop_key, position);
    }
}

static void forward_head(head *h, float *out, float *weights_out) {
    const dimensions *d = &h->d;
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
        h->call->kernels->gemm(&(fv__gemm){.rows = h->rows,
                                           .columns = d->value_depth,
                                           .depth = d->keys,
                                           .segments = 1,
                                           .a = h->parts.weights,
                                           .a_row = d->stride,
                                           .a_depth = 1,
                                           .b = h->value,
                                           .b_row = d->value_row,
                                           .c = out + (ptrdiff_t)h->first * d->value_row,
                                           .c_row = d->value_row});
    }
}

static void forward(const fv__call *call) {
    head h = start(call, false);
    const dimensions *d = &h.d;
    size_t head_weights = (size_t)d->queries * (size_t)d->keys;
    for (int sample = 0; sample < call->samples; sample++) {
        start_sample(&h, sample);
        for (int group = 0; group < d->groups; group++) {
            for (int number = 0; number < d->heads; number++) {
                size_t place = ((size_t)sample * (size_t)d->groups + (size_t)group) * (size_t)d->heads + (size_t)number;
                start_head(&h, sample, group, number);
                forward_head(&h, call->out + output_offset(&h, sample, group, number),
                             call->auxiliary ? call->auxiliary + place * head_weights : NULL);
            }
        }
    }
}

// --- Backward ---------------------------------------------------------------------------------------------------------

// Where the gradients of a head begin; NULL: not wanted.
typedef struct head_gradients {
    const float *out;
    float *query, *key, *value, *scale;
} head_gradients;

// dst (keys, width) (+)= blockᵀ · right, right being (rows, width) of the block: the gradients of keys and values.
static void transposed_product(const head *h, const float *block, const float *right, int right_row, int width,
                               float *to, bool weight) {
    if (to) {
        h->call->kernels->gemm(&(fv__gemm){.rows = h->d.keys,
                                           .columns = width,
                                           .depth = h->rows,
                                           .segments = 1,
                                           .a = block,
                                           .a_row = 1,
                                           .a_depth = h->d.stride,
                                           .b = right,
                                           .b_row = right_row,
                                           .c = to,
                                           .c_row = right_row,
                                           .accumulate = weight || h->first > 0});
    }
}

// From the gradient of the output to that of the scores, in h->parts.gradient.
static void backward_weights(const head *h, const head_gradients *gradients) {
    const fv__kernels *kernels = h->call->kernels;
    const dimensions *d = &h->d;
    const float *d_out = gradients->out + (ptrdiff_t)h->first * d->value_row;
    weigh(h);
    if (h->drops) {
        drop(h, h->parts.weights, h->parts.dropped);
    }
    transposed_product(h, h->parts.dropped, d_out, d->value_row, d->value_depth, gradients->value,
                       h->call->node->input_is_weight[VALUE]);
    if (!gradients->query && !gradients->key && !gradients->scale) {
        return;
    }
    kernels->gemm(&(fv__gemm){.rows = h->rows,
                              .columns = d->stride,
                              .depth = d->value_depth,
                              .segments = 1,
                              .a = d_out,
                              .a_row = d->value_row,
                              .a_depth = 1,
                              .b = h->parts.values,
                              .c = h->parts.gradient,
                              .c_row = d->stride});
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

static void backward_block(const head *h, const head_gradients *gradients) {
    const fv__kernels *kernels = h->call->kernels;
    const dimensions *d = &h->d;
    const bool *is_weight = h->call->node->input_is_weight;
    const float *query = h->query + (ptrdiff_t)h->first * d->query_row;
    float *d_query = gradients->query ? gradients->query + (ptrdiff_t)h->first * d->query_row : NULL;
    backward_weights(h, gradients);
    if (h->attributes->score == FV__SCORE_ADDITIVE) {
        if (d_query || gradients->key || gradients->scale) {
            kernels->additive_scores_backward(query, d->query_row, h->parts.keys, h->scale, h->parts.gradient, d_query,
                                              is_weight[QUERY], h->parts.d_keys, gradients->scale, h->rows, d->depth,
                                              d->stride);
        }
        return;
    }
    if (d_query) {
        kernels->gemm(&(fv__gemm){.rows = h->rows,
                                  .columns = d->depth,
                                  .depth = d->keys,
                                  .segments = 1,
                                  .a = h->parts.gradient,
                                  .a_row = d->stride,
                                  .a_depth = 1,
                                  .b = h->key,
                                  .b_row = d->query_row,
                                  .c = d_query,
                                  .c_row = d->query_row,
                                  .accumulate = is_weight[QUERY]});
    }
    transposed_product(h, h->parts.gradient, query, d->query_row, d->depth, gradients->key, is_weight[KEY]);
}

// The gradient of the keys for additive scores was summed up transposed.
static void finish_additive(const head *h, float *d_key) {
    for (int token = 0; d_key && token < h->d.keys; token++) {
        float *to = d_key + (ptrdiff_t)token * h->d.query_row;
        for (int feature = 0; feature < h->d.depth; feature++) {
            float sum = h->parts.d_keys[(ptrdiff_t)feature * h->d.stride + token];
            to[feature] = h->call->node->input_is_weight[KEY] ? to[feature] + sum : sum;
        }
    }
}

static void backward_head(head *h, const head_gradients *gradients) {
    const dimensions *d = &h->d;
    bool additive = h->attributes->score == FV__SCORE_ADDITIVE;
    transpose_panels(h, h->value, d->value_row, d->value_depth, h->parts.values);
    if (additive) {
        memset(h->parts.d_keys, 0, (size_t)d->depth * (size_t)d->stride * sizeof(float));
    }
    for (h->first = 0; h->first < d->queries; h->first += d->block) {
        h->rows = d->queries - h->first < d->block ? d->queries - h->first : d->block;
        backward_block(h, gradients);
    }
    if (additive) {
        finish_additive(h, gradients->key);
    }
}

static void backward(const fv__call *call) {
    head h = start(call, true);
    const dimensions *d = &h.d;
    for (int sample = 0; sample < call->samples; sample++) {
        start_sample(&h, sample);
        for (int group = 0; group < d->groups; group++) {
            for (int number = 0; number < d->heads; number++) {
                start_head(&h, sample, group, number);
                head_gradients gradients = {.out = call->d_out + output_offset(&h, sample, group, number)};
                if (call->d_in[QUERY]) {
                    gradients.query = call->d_in[QUERY] + query_offset(&h, sample, group, number);
                }
                if (call->d_in[KEY]) {
                    gradients.key = call->d_in[KEY] + key_offset(&h, sample, group, number);
                }
                if (call->d_in[VALUE]) {
                    gradients.value = call->d_in[VALUE] + value_offset(&h, sample, group, number);
                }
                gradients.scale = d->scale >= 0 ? call->d_in[d->scale] : NULL;
                backward_head(&h, &gradients);
            }
        }
    }
}

const fv__op fv__op_attention = {.name = "attention",
                                 .attributes_size = sizeof(fv__attention_attributes),
                                 .infer = infer,
                                 .backward_reads = backward_reads,
                                 .needs = needs,
                                 .forward = forward,
                                 .backward = backward,
                                 .multiply_adds = multiply_adds,
                                 .auxiliary = auxiliary};
