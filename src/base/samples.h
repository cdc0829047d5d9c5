// SPDX-License-Identifier: Apache-2.0
// Numbered samples, wherever they come from: a data set, files, memory, or features in a file of the cache. Prediction,
// training, augmentation and features read them in this way alone.
#ifndef FOVEA_BASE_SAMPLES_H
#define FOVEA_BASE_SAMPLES_H

#include "base/error.h"

// One of `read` and `read_values`, both of which are called from any worker.
typedef struct fv__samples {
    size_t count;
    const int32_t *labels; // (count); NULL: samples without labels
    // Bytes of sample `index`, (height, width, channels), which the model's preprocessing turns into its input.
    fv_status (*read)(void *context, size_t index, uint8_t *pixels, fv_error *error);
    // Floats of sample `index` that enter the model as they are and are not augmented; where they enter, the pass says.
    fv_status (*read_values)(void *context, size_t index, float *values, fv_error *error);
    void *context;
} fv__samples;

#endif
