// SPDX-License-Identifier: Apache-2.0
// Convolutions: conv2d, depthwise_conv2d and bottleneck.
#ifndef FOVEA_OPS_CONVOLUTION_H
#define FOVEA_OPS_CONVOLUTION_H

#include "ops/windows.h"

// Cross-correlation as in Keras: inputs x (height, width, in), kernel (kh, kw, in, out), optional bias (out).
// Depthwise: kernel (kh, kw, in, 1), optional bias (in).
typedef struct fv__conv2d_attributes {
    int stride[2]; // vertical, horizontal
    fv__padding padding;
    fv__activation activation;
} fv__conv2d_attributes;

// A convolution with bias, then a depthwise one, then one of 1×1 with stride 1. The depthwise activation is linear,
// ReLU or ReLU6.
typedef struct fv__bottleneck_attributes {
    fv__conv2d_attributes first, depthwise, last;
} fv__bottleneck_attributes;

#endif
