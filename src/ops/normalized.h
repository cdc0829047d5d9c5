// SPDX-License-Identifier: Apache-2.0
// Normalization: the attributes of all such ops, and what layer_norm and norm_l share, which is all but whether ε is
// added to the variance or to the deviation.
#ifndef FOVEA_OPS_NORMALIZED_H
#define FOVEA_OPS_NORMALIZED_H

#include "ops/op.h"

// epsilon is added to the variance (layer_norm, batch_norm, and what the algebra pass folds of the last) or to the
// deviation (norm_l). Inputs x (..., features), gamma, beta; batch_norm takes the mean and the variance after them.
typedef struct fv__norm_attributes {
    float epsilon;
} fv__norm_attributes;

fv_status fv__normalized_infer(fv__op_node *node, const char *op, fv_error *error);
uint32_t fv__normalized_reads(const fv__op_node *node);
void fv__normalized_needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                          fv__op_needs *needs);
void fv__normalized_forward(const fv__call *call, bool beside_deviation);
void fv__normalized_backward(const fv__call *call);
double fv__normalized_multiply_adds(const fv__op_node *node);

#endif
