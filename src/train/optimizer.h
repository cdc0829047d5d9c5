// SPDX-License-Identifier: Apache-2.0
// Optimizers: how weights follow their gradient. Settings as a recipe gives them, state laid out as the weights are,
// and the update as tasks over the pool: fixed tiles of weights, so that any number of threads gives the same bits.
//
// Adding an optimizer: a kernel (src/kernels/optimizer.c), a row in optimizer_settings.c, a case in optimizer.c.
#ifndef FOVEA_TRAIN_OPTIMIZER_H
#define FOVEA_TRAIN_OPTIMIZER_H

#include "base/pool.h"
#include "graph/graph.h"
#include "train/variant.h"

typedef enum fv__optimizer_kind { FV__OPTIMIZER_SGD, FV__OPTIMIZER_ADAM, FV__OPTIMIZER_ADAMW } fv__optimizer_kind;

// The constants of all kinds; each reads its own.
typedef struct fv__optimizer_settings {
    int kind;                     // fv__optimizer_kind, the place in fv__optimizer_variants
    double lr;                    // learning rate, before the schedule
    double momentum;              // sgd
    bool nesterov;                // sgd
    double beta1, beta2, epsilon; // adam, adamw
    double weight_decay;          // adamw
} fv__optimizer_settings;

extern const fv__variant fv__optimizer_variants[];

enum { FV__OPTIMIZER_STATES = 2 };

typedef struct fv__optimizer_tile {
    size_t first;
    int count;
    float lr_factor;
} fv__optimizer_tile;

typedef struct fv__optimizer {
    fv__optimizer_settings settings;
    double clip_norm; // largest norm of the gradient of all weights together; 0: any
    const fv__kernels *kernels;
    size_t weight_count;                           // of the slab of all weights, as each state has
    int state_count;                               //
    const char *state_names[FV__OPTIMIZER_STATES]; // "mean", "square"
    float *states[FV__OPTIMIZER_STATES];           // (weight_count) each
    fv__optimizer_tile *tiles;                     // of the trainable weights only
    int tile_count;
    double *squares; // (tile_count): sums of squared gradients, when clipping
} fv__optimizer;

// The state of a fresh optimizer for the weights of `graph`. fv__optimizer_free is fine also after a failure.
fv_status fv__optimizer_init(fv__optimizer *optimizer, const fv__optimizer_settings *settings, double clip_norm,
                             const fv__graph *graph, const fv__kernels *kernels, fv_error *error);
void fv__optimizer_free(fv__optimizer *optimizer);

// Moves the weights by one step at learning rate `rate` and leaves the gradients zero; `step` counts from 0. Both are
// slabs as graph.h lays them out. With clipping, FV_NUMERIC when the norm is not finite: the weights are as before.
fv_status fv__optimizer_step(fv__optimizer *optimizer, fv__pool *pool, uint64_t step, double rate, float *weights,
                             float *gradients, fv_error *error);

#endif
