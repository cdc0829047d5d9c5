// SPDX-License-Identifier: Apache-2.0
// One value at a time: activation and dropout.
#ifndef FOVEA_OPS_POINTWISE_H
#define FOVEA_OPS_POINTWISE_H

#include "ops/op.h"

typedef struct fv__activation_attributes {
    fv__activation activation;
} fv__activation_attributes;

typedef struct fv__dropout_attributes {
    float rate;
} fv__dropout_attributes;

#endif
