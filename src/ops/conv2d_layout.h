// SPDX-License-Identifier: Apache-2.0
// The shapes of a convolution, where its memory goes, and the product it is; see conv2d.c for the method.
#ifndef FOVEA_OPS_CONV2D_LAYOUT_H
#define FOVEA_OPS_CONV2D_LAYOUT_H

#include "ops/convolution.h"

typedef struct fv__conv2d_geometry {
    int height, width, channels; // image
    int kernel[2], stride[2];    // vertical, horizontal
    int rows, columns, filters;  // output
    int before[2];               // padding above and to the left
    int padded[2];               // height and width with padding
    fv__activation activation;
    bool pointwise; // 1×1, stride 1: a dense layer over pixels, whole calls at once
} fv__conv2d_geometry;

// For a node whose shapes are consistent; rows or columns are 0 if the kernel does not fit.
fv__conv2d_geometry fv__conv2d_geometry_of(const fv__op_node *node);

// The windows of a node with an image as input 0, a kernel as input 1 and fv__conv2d_attributes; as the op's `windows`.
fv__windows fv__conv2d_windows_of(const fv__op_node *node);
void fv__conv2d_windows(const fv__op_node *node, fv__windows *windows);

// Sizes in floats. Parts begin on cache lines: lines() rounds up.
size_t fv__conv2d_lines(size_t count);
bool fv__conv2d_pads(const fv__conv2d_geometry *g);
size_t fv__conv2d_padded_floats(const fv__conv2d_geometry *g); // 0 if nothing is padded
size_t fv__conv2d_spread_floats(const fv__conv2d_geometry *g); // windows of spread_rows output rows; 0 if pointwise
size_t fv__conv2d_output_floats(const fv__conv2d_geometry *g);
size_t fv__conv2d_kernel_floats(const fv__conv2d_geometry *g);

// What `prepared` holds; the last two for backward only.
typedef struct fv__conv2d_prepared {
    float *weights;         // packed W, (kh·kw·channels, filters)
    int32_t *windows;       // (rows·columns): where each window begins in the padded image
    float *transposed;      // packed Wᵀ, (filters, kh·kw·channels)
    int32_t *kernel_places; // (kh·kw·channels): where each kernel element lies in a window
} fv__conv2d_prepared;

// Cuts `memory` into `parts` (if not NULL) and returns its size in numbers of 4 bytes.
size_t fv__conv2d_cut_prepared(const fv__conv2d_geometry *g, const fv__kernels *kernels, bool backward, void *memory,
                               fv__conv2d_prepared *parts);

// Makes the border of the padded image zero, once a call; nothing if nothing is padded.
void fv__conv2d_clear_border(const fv__conv2d_geometry *g, float *padded);

// Puts the image in the middle of `padded`, whose border is zero already; returns where it now is.
const float *fv__conv2d_pad_image(const fv__conv2d_geometry *g, const float *image, float *padded);

// How many rows of the output the input gradient takes at a time.
int fv__conv2d_spread_rows(const fv__conv2d_geometry *g);

// Fills `parts` from the kernel.
void fv__conv2d_prepare(const fv__conv2d_geometry *g, const fv__kernels *kernels, bool backward, const float *weights,
                        const fv__conv2d_prepared *parts);

// The product that makes output rows begin … end-1 of the padded image `x`; `out` is where row `begin` goes.
fv__gemm fv__conv2d_product(const fv__conv2d_geometry *g, const fv__conv2d_prepared *parts, const float *x,
                            const float *bias, int begin, int end, float *out);

#endif
