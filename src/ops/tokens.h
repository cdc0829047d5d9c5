// SPDX-License-Identifier: Apache-2.0
// Values in another order or shape: patches, take_token and reshape.
#ifndef FOVEA_OPS_TOKENS_H
#define FOVEA_OPS_TOKENS_H

#include "ops/op.h"

// An image (height, width, channels) as (tokens, size * size * channels).
typedef struct fv__patches_attributes {
    int size;
} fv__patches_attributes;

typedef struct fv__take_token_attributes {
    int index;
} fv__take_token_attributes;

typedef struct fv__reshape_attributes {
    fv__shape shape;
} fv__reshape_attributes;

#endif
