// SPDX-License-Identifier: Apache-2.0
// What layer_norm and norm_l share: they differ in where epsilon stands and in what the weights are called.
#ifndef FOVEA_LAYERS_NORMALIZATION_H
#define FOVEA_LAYERS_NORMALIZATION_H

#include "layers/layer.h"

// A node of `op` with the weights `scale` (ones) and `offset` (zeros) over the last axis of the input.
fv_status fv__build_normalization(fv__builder *builder, const fv__op *op, const char *scale, const char *offset,
                                  double epsilon, int input, int *output, fv_error *error);

#endif
