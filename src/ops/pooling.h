// SPDX-License-Identifier: Apache-2.0
// Pooling: max_pool2d and global_pool.
#ifndef FOVEA_OPS_POOLING_H
#define FOVEA_OPS_POOLING_H

#include "ops/windows.h"

// Largest value of each window, then the activation (a monotonic one commutes with the maximum).
typedef struct fv__max_pool2d_attributes {
    int size[2], stride[2];
    fv__padding padding;
    fv__activation activation;
} fv__max_pool2d_attributes;

typedef enum fv__pooling { FV__POOLING_AVERAGE, FV__POOLING_MAX } fv__pooling;

// Over every axis but the last: (tokens, features) or (height, width, channels) to (features).
typedef struct fv__global_pool_attributes {
    fv__pooling pooling;
} fv__global_pool_attributes;

#endif
