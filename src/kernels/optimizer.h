// SPDX-License-Identifier: Apache-2.0
// The constants of one optimizer step.
#ifndef FOVEA_KERNELS_OPTIMIZER_H
#define FOVEA_KERNELS_OPTIMIZER_H

#include <stdbool.h>

// Gradients are multiplied by `gradient_scale` (clipping; else 1) as they are read.
typedef struct fv__sgd_step {
    float rate, momentum, gradient_scale;
    bool nesterov;
} fv__sgd_step;

// The shares 1 − β are taken in double, as Keras does: in float, 1 − 0.999 is off by 5e-5 of itself.
// Adam: `rate` is lr · √(1 − β₂ᵗ) / (1 − β₁ᵗ), `decay` is 0. AdamW: `decay` is lr · weight decay.
typedef struct fv__adam_step {
    double beta1, beta2;
    float rate, epsilon, decay, gradient_scale;
} fv__adam_step;

#endif
