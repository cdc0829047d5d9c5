// A sample on its way into the model: read, augmented, mixed with another, normalized. What comes out depends on seed,
// epoch and sample alone.
#ifndef FOVEA_TRAIN_RENDER_H
#define FOVEA_TRAIN_RENDER_H

#include "data/augment.h"
#include "model/model.h"

// Where samples come from: one of `read` and `read_values`.
typedef struct fv__samples {
    size_t count;
    const int32_t *labels; // (count)
    // Bytes of sample `index`, (height, width, channels), which the model's preprocessing turns into its input. Called
    // from any worker.
    fv_status (*read)(void *context, size_t index, uint8_t *pixels, fv_error *error);
    // Floats of sample `index` that go into the model as they are and are not augmented; where they enter, the pass
    // says. Called from any worker.
    fv_status (*read_values)(void *context, size_t index, float *values, fv_error *error);
    void *context;
} fv__samples;

// Those of a data set, which must outlive them.
fv__samples fv__dataset_samples(const fv_dataset *dataset);

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

// What its loss is measured against. Of two mixed labels the one with the larger share comes first: accuracy is counted
// against that.
fv__target fv__render_target(const fv__renderer *renderer, const fv__samples *samples, fv__augment_draw draw);

#endif
