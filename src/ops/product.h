// SPDX-License-Identifier: Apache-2.0
// Matrix products as ops write them. What fv__gemm guarantees of bits holds for all of them.
#ifndef FOVEA_OPS_PRODUCT_H
#define FOVEA_OPS_PRODUCT_H

#include "kernels/kernels.h"

// A matrix in memory; element (i, j) is at[i * row + j * column]. row 0: packed by `pack`.
typedef struct fv__matrix {
    const float *at;
    ptrdiff_t row, column;
} fv__matrix;

// Row by row, `stride` floats from one row to the next.
static inline fv__matrix fv__by_row(const float *at, ptrdiff_t stride) {
    return (fv__matrix){at, stride, 1};
}

// The transpose of a matrix that lies row by row. For the left operand alone.
static inline fv__matrix fv__by_column(const float *at, ptrdiff_t stride) {
    return (fv__matrix){at, 1, stride};
}

// For the right operand alone.
static inline fv__matrix fv__packed(const float *at) {
    return (fv__matrix){at, 0, 0};
}

// c = a · b, with a (rows, depth), b (depth, columns) and c (rows, columns), a row every `c_row` floats. To be changed
// (bias, activation) before it runs.
static inline fv__gemm fv__product(int rows, int depth, int columns, fv__matrix a, fv__matrix b, float *c,
                                   ptrdiff_t c_row) {
    return (fv__gemm){.rows = rows,
                      .columns = columns,
                      .depth = depth,
                      .segments = 1,
                      .a = a.at,
                      .a_row = a.row,
                      .a_depth = a.column,
                      .b = b.at,
                      .b_row = b.row,
                      .c = c,
                      .c_row = c_row};
}

// c = a · b
static inline void fv__multiply(const fv__kernels *kernels, int rows, int depth, int columns, fv__matrix a,
                                fv__matrix b, float *c, ptrdiff_t c_row) {
    const fv__gemm product = fv__product(rows, depth, columns, a, b, c, c_row);
    kernels->gemm(&product);
}

// c = c + a · b, or c = a · b where `add` is false
static inline void fv__multiply_add(const fv__kernels *kernels, int rows, int depth, int columns, fv__matrix a,
                                    fv__matrix b, float *c, ptrdiff_t c_row, bool add) {
    fv__gemm product = fv__product(rows, depth, columns, a, b, c, c_row);
    product.accumulate = add;
    kernels->gemm(&product);
}

#endif
