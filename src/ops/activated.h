// SPDX-License-Identifier: Apache-2.0
// What dense and conv2d share: an activation at the end of a product. ReLU and ReLU6 go into the product's own
// epilogue; the other functions run over blocks of rows that are still in the cache.
#ifndef FOVEA_OPS_ACTIVATED_H
#define FOVEA_OPS_ACTIVATED_H

#include "ops/op.h"

// What backward needs to know the derivative: the values before the activation (then they are saved), or what
// backward_reads adds: FV__READS_OUTPUT where the output is enough, 0 for linear.
bool fv__activated_saves(fv__activation activation);
uint32_t fv__activated_reads(fv__activation activation);

// Runs the product and the activation after it. `saved`, laid out as c, receives the values before the activation where
// they are kept; NULL: backward will not run.
void fv__activated_product(const fv__kernels *kernels, const fv__gemm *product, fv__activation activation,
                           float *saved);

// The same by slices that workers share (see fv__op.slices), without a backward: rows, or halves of the rows of each
// panel of columns, where there are more columns, so that no two workers read the whole of a large b.
int fv__activated_slices(const fv__kernels *kernels, int rows, int columns);
void fv__activated_product_slices(const fv__kernels *kernels, const fv__gemm *product, fv__activation activation,
                                  int begin, int end);

// The gradient before the activation: d_out itself for linear, else written to `scratch` and returned. Of `out` and
// `saved` the one that the activation needs is read.
const float *fv__activated_gradient(const fv__kernels *kernels, fv__activation activation, size_t count,
                                    const float *d_out, const float *out, const float *saved, float *scratch);

#endif
