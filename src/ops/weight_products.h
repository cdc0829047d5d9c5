// SPDX-License-Identifier: Apache-2.0
// Products of weights, once a step; the algebra pass makes these.
#ifndef FOVEA_OPS_WEIGHT_PRODUCTS_H
#define FOVEA_OPS_WEIGHT_PRODUCTS_H

#include "ops/op.h"

// weight_product: inputs A, seen as (rows, inner), X, seen as (blocks, inner, columns), and an optional offset
// (columns):
//   y[h] = A · X[h] + offset for each block h, or, with sum_blocks, y = Σ_h A · X[h] + offset
// The output has the elements of (blocks, rows, columns), or (rows, columns), in the shape asked for.
typedef struct fv__weight_product_attributes {
    int rows, inner, blocks, columns;
    bool sum_blocks;
    fv__shape shape;
} fv__weight_product_attributes;

// The kernel of two convolutions one after the other, with nothing between them: inputs A (h, w, in, middle), the
// first, which moves by `stride`, and B (h, w, middle, out), the second.
typedef struct fv__convolution_product_attributes {
    int stride[2];
} fv__convolution_product_attributes;

// A product of two weights for each head: see head_product.c.
typedef struct fv__head_product_attributes {
    int heads;
    bool transposed; // the second weight's head is
} fv__head_product_attributes;

#endif
