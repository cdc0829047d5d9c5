// SPDX-License-Identifier: Apache-2.0
// Pieces of naive references that several ops share, in double.
#ifndef FOVEA_TESTS_OPS_REFERENCE_H
#define FOVEA_TESTS_OPS_REFERENCE_H

#include "harness.h"
#include "ops/convolution.h"

double reference_activation(fv__activation kind, double x);

// Whether dropout keeps the element: the draws of the library, told by formula.
bool reference_keeps(const reference_call *call, float rate, uint32_t position);

// Where window `position` begins along an axis: Keras's `same` puts the odd cell of padding behind.
int reference_window(int size, int window, int stride, fv__padding padding, int position);

typedef struct reference_image {
    double *values;
    int height, width, channels;
} reference_image;

// A convolution of x with its activation; `bias` may be NULL. Of a depthwise kernel a channel sees only itself. The
// caller frees the values.
reference_image reference_convolve(reference_image x, const fv__conv2d_attributes *attributes, const fv__shape *shape,
                                   const double *kernel, const double *bias, bool depthwise);

// The whole reference of a convolution as an op.
void reference_convolution(const reference_call *call, bool depthwise);

// For op_case.prepare: biases that lay the sums on both sides of both kinks of ReLU6.
void prepare_around_six(const op_case *test, int input, float *values, size_t count);

#endif
