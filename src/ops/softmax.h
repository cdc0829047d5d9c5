// SPDX-License-Identifier: Apache-2.0
// Softmax, and the loss of its logits.
#ifndef FOVEA_OPS_SOFTMAX_H
#define FOVEA_OPS_SOFTMAX_H

#include "ops/op.h"

typedef enum fv__axis { FV__AXIS_FEATURES, FV__AXIS_TOKENS } fv__axis;

typedef struct fv__softmax_attributes {
    fv__axis axis; // over the last axis, or for each feature over the tokens
} fv__softmax_attributes;

// Softmax cross-entropy of logits (classes) against call->targets, averaged over the batch in the gradient; the output
// is the loss of the sample itself (a scalar).
typedef struct fv__cross_entropy_attributes {
    float label_smoothing;
} fv__cross_entropy_attributes;

#endif
