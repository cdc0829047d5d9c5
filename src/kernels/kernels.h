// SPDX-License-Identifier: Apache-2.0
// The compute kernels: plain single-threaded loops over arrays that know nothing of graphs or threads. Every kernel is
// built once for each instruction-set level (level.c) and reached through that level's table of function pointers.
//
// To add a kernel: write `static` functions in src/kernels/NAME.c, include it in level.c, add its line to the list.
#ifndef FOVEA_KERNELS_KERNELS_H
#define FOVEA_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels/activation.h"
#include "kernels/optimizer.h"
#include "kernels/windows.h"

// A matrix product, one core:
//   c[m][n] (= or +=) sum over s < segments, k < depth of a(m, s, k) * b[s * depth + k][n]
//   then + bias[n], then ReLU (up to a ceiling), each if asked for.
// The left operand is reached through strides and a table of rows: a transposed matrix needs no copy and a convolution
// no im2col (its rows are the corners of the windows, a segment one row of a window). Any size may be 0; an empty sum
// is 0. c must not overlap the operands; a NaN passes through ReLU.
//
// The bits of c[m][n] depend on row m of a, column n of b and the sizes of the sum only: not on alignment, nor on
// whether b is packed, nor on how rows, columns, or the sum itself (by accumulate) are split over calls.
typedef struct fv__gemm {
    int rows, columns;     // of c
    int depth, segments;   // terms of one segment of the sum, number of segments (1 for a plain product)
    const float *a;        // a(m, s, k) = a[row(m) + s * a_segment + k * a_depth]
    ptrdiff_t a_row;       // row(m) = m * a_row
    ptrdiff_t a_depth;     // 1 is best; else strips of rows are copied, best if neighbouring rows are adjacent
    ptrdiff_t a_segment;   // unused with one segment
    const int32_t *a_rows; // or NULL: row(m) = a_rows[m]
    const float *b;        // (segments * depth, columns)
    ptrdiff_t b_row;       // floats from one row of b to the next; 0: b is packed by `pack`
    float *c;              // (rows, columns)
    ptrdiff_t c_row;       // floats from one row of c to the next
    bool accumulate;       // c += instead of c =
    const float *bias;     // (columns) or NULL
    bool relu;
    float ceiling; // of the ReLU, as 6 for ReLU6; 0: none
} fv__gemm;

// return type, name, arguments
#define FV__KERNEL_LIST(X)                                                                                             \
    X(void, gemm, (const fv__gemm *g))                                                                                 \
    /* Floats that `pack` writes for a (depth, columns) matrix: at least depth * columns. Columns from n on, n a */    \
    /* multiple of panel_columns, begin after packed_size(depth, n) of them. */                                        \
    X(size_t, packed_size, (int depth, int columns))                                                                   \
    /* Packs b(k, n) = b[k * row + n * column] (so also a transpose) for gemm. */                                      \
    X(void, pack, (int depth, int columns, const float *b, ptrdiff_t row, ptrdiff_t column, float *packed))            \
    /* Packs b(k, n) = b[k + n * column], filled up with columns of 0 to whole vectors, which the product then has. */ \
    X(void, pack_transposed, (int depth, int columns, const float *b, ptrdiff_t column, float *packed))                \
    /* The formulas, shapes and what may overlap are at the functions:    arithmetic.c, dropout.c */                   \
    X(void, add, (const float *a, const float *b, float *y, size_t n))                                                 \
    X(void, add_columns, (const float *x, ptrdiff_t stride, float *out, int rows, int columns))                        \
    X(void, dropout, (const float *x, float *y, size_t n, float rate, const uint32_t key[2], uint32_t position))       \
    X(double, inner_product, (const float *x, const float *y, size_t n))                                               \
    X(double, sum_squares, (const float *x, size_t n))                                                                 \
    /* activation.c: `reference` is the output for relu, relu6, tanh and sigmoid, the input for the GELUs. */          \
    X(void, activate, (fv__activation kind, const float *x, float *y, size_t n))                                       \
    X(void, activate_backward, (fv__activation kind, const float *dy, const float *reference, float *dx, size_t n))    \
    /* softmax.c */                                                                                                    \
    X(void, softmax_rows, (const float *x, float *y, int rows, int columns, float scale))                              \
    X(void, softmax_rows_backward, (const float *dy, const float *y, float *dx, int rows, int columns, float scale))   \
    X(void, softmax_tokens, (const float *x, float *y, int tokens, int features))                                      \
    X(void, softmax_tokens_backward, (const float *dy, const float *y, float *dx, int tokens, int features))           \
    /* transpose.c */                                                                                                  \
    X(void, transpose, (const float *x, ptrdiff_t x_row, float *y, ptrdiff_t y_row, int rows, int columns, int width)) \
    /* attention.c */                                                                                                  \
    X(void, mask_scores,                                                                                               \
      (float *values, const float *mask, ptrdiff_t mask_row, ptrdiff_t mask_column, int rows, int columns,             \
       ptrdiff_t stride, float factor, float replacement))                                                             \
    X(void, softmax_scores,                                                                                            \
      (const float *scores, float *weights, int rows, int columns, ptrdiff_t stride, float factor))                    \
    X(double, softmax_scores_backward,                                                                                 \
      (const float *weights, const float *dropped, const float *scores, float *gradient, int rows, ptrdiff_t stride,   \
       float factor))                                                                                                  \
    X(void, additive_scores,                                                                                           \
      (const float *query, ptrdiff_t query_row, const float *keys, const float *scale, float *scores, int rows,        \
       int depth, ptrdiff_t stride))                                                                                   \
    X(void, additive_scores_backward,                                                                                  \
      (const float *query, ptrdiff_t query_row, const float *keys, const float *scale, const float *gradient,          \
       float *d_query, float *d_keys, float *d_scale, int rows, int depth, ptrdiff_t stride))                          \
    /* double_norm.c */                                                                                                \
    X(void, double_norm,                                                                                               \
      (const float *x, float *y, float *divisors, float *scratch, int tokens, int heads, int slots))                   \
    X(void, double_norm_backward,                                                                                      \
      (const float *dy, const float *y, const float *divisors, float *dx, float *scratch, int tokens, int heads,       \
       int slots))                                                                                                     \
    /* norm.c */                                                                                                       \
    X(void, normalize,                                                                                                 \
      (const float *x, const float *gamma, const float *beta, float *y, float *statistics, int rows, int features,     \
       float epsilon, bool beside_deviation))                                                                          \
    X(void, normalize_backward,                                                                                        \
      (const float *dy, const float *x, const float *gamma, const float *statistics, float *dx, float *dgamma,         \
       float *dbeta, int rows, int features))                                                                          \
    /* pooling.c */                                                                                                    \
    X(void, max_pool2d, (const fv__windows *w, fv__activation activation, const float *x, float *y, uint8_t *winner))  \
    X(void, max_pool2d_backward,                                                                                       \
      (const fv__windows *w, const float *dy, const float *positive, const uint8_t *winner, float *dx))                \
    X(void, average_rows, (const float *x, float *y, int rows, int features))                                          \
    X(void, average_rows_backward, (const float *dy, float *dx, int rows, int features))                               \
    X(void, largest_rows, (const float *x, float *y, int32_t *winner, int rows, int features))                         \
    X(void, largest_rows_backward, (const float *dy, const int32_t *winner, float *dx, int rows, int features))        \
    /* depthwise.c */                                                                                                  \
    X(void, depthwise,                                                                                                 \
      (const fv__windows *w, float least, float most, const float *x, const float *kernel, const float *bias,          \
       float *y))                                                                                                      \
    X(void, depthwise_backward,                                                                                        \
      (const fv__windows *w, const float *dy, const float *x, const float *kernel, float *dx, float *dkernel))         \
    /* columns.c */                                                                                                    \
    X(void, scale_columns,                                                                                             \
      (const float *x, const float *scale, const float *shift, float *y, int rows, int columns, bool accumulate))      \
    X(void, scale_columns_backward,                                                                                    \
      (const float *dy, const float *x, const float *mean, const float *factor, float *dscale, int rows, int columns)) \
    /* loss.c */                                                                                                       \
    X(float, cross_entropy, (const float *logits, int classes, int label, int other, float mix, float smoothing))      \
    X(void, cross_entropy_backward,                                                                                    \
      (const float *logits, float *d_logits, int classes, int label, int other, float mix, float smoothing,            \
       float scale))                                                                                                   \
    /* resample.c: pictures have four values a pixel. */                                                               \
    X(void, resample, (const float *image, float *out, int height, int width, const float matrix[6]))                  \
    X(void, contrast, (float *image, int places, float factor))                                                        \
    X(void, widen_pixels, (const uint8_t *pixels, float *image, int places, int channels))                             \
    X(void, narrow_pixels,                                                                                             \
      (const float *image, float *out, int places, int channels, const float *scale, const float *shift))              \
    /* resize.c: photographs have three bytes a pixel. */                                                              \
    X(void, blend_rows,                                                                                                \
      (const uint8_t *rows, ptrdiff_t stride, const float *weights, int taps, float *out, int count))                  \
    X(void, blend_pixels,                                                                                              \
      (const float *row, const int32_t *first, const float *weights, int taps, float *out, int width))                 \
    X(void, round_values, (const float *values, uint8_t *out, int count))                                              \
    /* optimizer.c */                                                                                                  \
    X(void, sum_slots, (float *total, float *slots, size_t slot_stride, int slot_count, size_t n))                     \
    X(void, sgd, (const fv__sgd_step *step, const float *gradient, float *weight, float *velocity, size_t n))          \
    X(void, adam,                                                                                                      \
      (const fv__adam_step *step, const float *gradient, float *weight, float *mean, float *square, size_t n))

typedef struct fv__kernels {
    const char *level; // as in FOVEA_ISA
    int lanes;         // floats of a vector
    int panel_columns; // a packed matrix can be cut at its multiples
#define X(type, name, arguments) type(*name) arguments;
    FV__KERNEL_LIST(X)
#undef X
} fv__kernels;

// The kernels of the level called `level` ("x86-64-v4", "x86-64-v3", "baseline"); with NULL, of the one the environment
// variable FOVEA_ISA names; without it, of the best level this machine can run.
fv_status fv__kernels_select(const char *level, const fv__kernels **out, fv_error *error);

// The level of this index that this machine can run, best first; NULL past the last.
const fv__kernels *fv__kernels_available(int index);

#endif
