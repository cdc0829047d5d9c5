// SPDX-License-Identifier: Apache-2.0
// Dense layers.
#ifndef FOVEA_OPS_DENSE_H
#define FOVEA_OPS_DENSE_H

#include "ops/op.h"

// y = activation(x · W + b): inputs x (..., in), W (in, out), optional b (out).
typedef struct fv__dense_attributes {
    fv__activation activation;
} fv__dense_attributes;

// Op head_dense has no attributes: y[h] = x[h] · W[h] + b[h], inputs x (heads, in), W (in, heads*out), optional b
// (heads*out); output (heads*out).

#endif
