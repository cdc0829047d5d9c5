// SPDX-License-Identifier: Apache-2.0
// Attention inside one head: what attention.c walks over. Its dimensions, its memory, its forward and backward.
#ifndef FOVEA_OPS_ATTENTION_HEAD_H
#define FOVEA_OPS_ATTENTION_HEAD_H

#include "ops/attention.h"

typedef struct fv__attention_dimensions {
    int heads, groups;
    int queries, keys;                          // tokens of a group
    int depth, value_depth;                     // features of a head
    int query_row, key_row, value_row, out_row; // features of a token: of a head, or of all heads
    int stride;                                 // keys rounded up to whole vectors
    int block;                                  // query rows at a time
    int mask, scale;                            // which inputs these are, or -1
} fv__attention_dimensions;

// `lanes` of the kernels (1 where only shapes matter).
fv__attention_dimensions fv__attention_dimensions_of(const fv__op_node *node, int lanes);

typedef struct fv__attention_scratch {
    float *keys;   // Kᵀ, (depth, stride): in panels for products, plain for additive scores
    float *values; // forward: V packed, (keys, value_depth); backward: Vᵀ in panels, (value_depth, stride)
    // Blocks, (block, stride)
    float *weights;  // scores, then weights
    float *gradient; // of the weights, then of the scores
    float *dropped;  // the weights after dropout; `weights` itself without
    float *scores;   // kept for the gradient of a trainable scale, else NULL
    // Backward: packed right operands
    float *key_rows;   // K, (keys, depth)
    float *query_rows; // the block of Q, (block, depth)
    float *d_out_rows; // the block of dO, (block, value_depth)
    float *d_keys;     // for additive scores: dKᵀ summed over the blocks, (depth, stride)
    float *causal;     // as many ones as queries, then zeros, (queries + keys), else NULL: row i of the mask begins at
                       // queries - 1 - i
} fv__attention_scratch;

// Cuts `memory` into `parts` (if not NULL) and returns its size in floats.
size_t fv__attention_cut_scratch(const fv__op_node *node, const fv__kernels *kernels, const fv__attention_dimensions *d,
                                 bool backward, float *memory, fv__attention_scratch *parts);

// One head of one group of one sample, and the block of it at work.
typedef struct fv__attention_head {
    const fv__call *call;
    const fv__attention_attributes *attributes;
    fv__attention_dimensions d;
    fv__attention_scratch parts;
    int number;                                 // of the head in its group
    const float *query, *key, *value;           // its first token and feature
    const float *arranged_key, *arranged_value; // those that `parts` holds: heads may share them
    const float *sample_mask;                   // NULL: none
    const float *mask;                          // the part of this head, (queries, keys) with these strides
    ptrdiff_t mask_row, mask_column;
    const float *scale; // the trainable one; NULL: none
    float factor;       // on dot scores
    bool drops;         // dropout is on
    uint32_t drop_key[2];
    uint32_t weights_before; // of this sample in earlier heads: positions of the dropout's draws
    int first, rows;         // of the block
} fv__attention_head;

// Where the gradients of a head begin; NULL: not wanted.
typedef struct fv__attention_gradients {
    const float *out;
    float *query, *key, *value, *scale;
} fv__attention_gradients;

// The output of the head at `out`; its weights go to `weights_out` if not NULL.
void fv__attention_forward(fv__attention_head *h, float *out, float *weights_out);
void fv__attention_backward(fv__attention_head *h, const fv__attention_gradients *gradients);

#endif
