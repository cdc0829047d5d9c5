// SPDX-License-Identifier: Apache-2.0
// A model whose first layers are not trained learns from their output, which is kept in the cache (features.h).
#ifndef FOVEA_TRAIN_FROZEN_H
#define FOVEA_TRAIN_FROZEN_H

#include "data/dataset.h"
#include "train/features.h"
#include "train/fit.h"

// The features that a run learns from, while it runs.
typedef struct fv__frozen {
    fv__features *training, *validation; // NULL: the model runs from its input
    fv__samples training_samples, validation_samples;
} fv__frozen;

// The node whose output is kept: where the frozen part ends. 0 where none is kept, and *why_not says why where one might
// have expected it (else NULL).
fv_status fv__frozen_end(const fv__train_settings *settings, const fv__augmentations *augmentations,
                         const fv_model *model, int *end, const char **why_not, fv_error *error);

// Where it pays, gives a prepared run the features of its samples, and the node where they enter, instead of the
// samples, which are those of `training` and `validation` (NULL: none). Computing them is reported to its callback.
// fv__frozen_close, after the run, is fine also after a failure.
fv_status fv__frozen_use(fv__frozen *frozen, const fv_model *model, const fv_dataset *training,
                         const fv_dataset *validation, fv__fit_options *fit, fv_error *error);
void fv__frozen_close(fv__frozen *frozen);

#endif
