// SPDX-License-Identifier: Apache-2.0
// A sample on its way into the model: read, augmented, mixed with another, normalized. What comes out depends on seed,
// epoch and sample alone.
#ifndef FOVEA_TRAIN_RENDER_H
#define FOVEA_TRAIN_RENDER_H

#include "base/samples.h"
#include "data/augment.h"
#include "model/model.h"

typedef struct fv__renderer {
    const fv_model *model;
    const fv__kernels *kernels;
    const fv__augmentations *augmentations; // NULL: none
    uint8_t *memory;                        // (workers, worker_bytes)
    size_t worker_bytes, pixel_bytes, image_values;
} fv__renderer;

// `augmentations` (NULL: none), like the model, must outlive it. fv__renderer_free is fine also after a failure.
fv_status fv__renderer_init(fv__renderer *renderer, const fv_model *model, const fv__kernels *kernels,
                            const fv__augmentations *augmentations, int workers, fv_error *error);
void fv__renderer_free(fv__renderer *renderer);

// What goes into the model for one sample; `worker` is the caller's number below `workers`.
fv_status fv__render(const fv__renderer *renderer, const fv__samples *samples, fv__augment_draw draw, int worker,
                     float *out, fv_error *error);

// What its loss is measured against. The label with the larger share of two mixed ones comes first: accuracy is counted
// against that.
fv__target fv__render_target(const fv__renderer *renderer, const fv__samples *samples, fv__augment_draw draw);

#endif
