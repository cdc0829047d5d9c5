// SPDX-License-Identifier: Apache-2.0
// Attention: attention and pooled_attention.
#ifndef FOVEA_OPS_ATTENTION_H
#define FOVEA_OPS_ATTENTION_H

#include "ops/op.h"

enum { FV__QUERY, FV__KEY, FV__VALUE }; // inputs

typedef enum fv__score { FV__SCORE_DOT, FV__SCORE_ADDITIVE } fv__score;

typedef enum fv__mask {
    FV__MASK_NONE,   // a query sees every key of its group
    FV__MASK_CAUSAL, // query i sees keys 0 … i
    FV__MASK_INPUT,  // the input after the value, broadcastable to (heads, Tq, Tk): a query does not see a key where it
                     // is 0
} fv__mask;

// Attention inside each of `groups` equal runs of tokens: inputs query (groups*Tq, heads*dk), key (groups*Tk,
// heads*dk), value (groups*Tk, heads*dv), then the mask, then the trained scale, if there are any. Unseen scores are
// -1e9. Output (groups*Tq, heads*dv); auxiliary: the weights ([groups,] heads, Tq, Tk), before dropout.
typedef struct fv__attention_attributes {
    int heads, groups;
    fv__score score;
    float scale;                   // fixed factor on the scores: 1, or 1/sqrt(dk)
    bool trained_scale;            // an input more: a scalar for dot (a factor on the scores), (dk) for additive
    fv__mask mask;                 // which keys a query sees
    bool shared_key, shared_value; // every head sees the whole key (groups*Tk, dk), the whole value (groups*Tk, dv)
    float dropout;                 // on the weights
} fv__attention_attributes;

// The mean over the queries of dot-product attention (the algebra pass makes these): inputs query (Tq, heads*dk), key
// (Tk, heads*dk) and value (Tk, heads*dv); output (heads*dv). With shared_value every head attends to the whole value
// (Tk, features): output (heads, features).
typedef struct fv__pooled_attention_attributes {
    int heads;
    bool shared_value;
    float scale; // on the scores, above 0
} fv__pooled_attention_attributes;

#endif
