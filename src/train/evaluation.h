// SPDX-License-Identifier: Apache-2.0
// What a model does with every sample of a set, besides the means of metrics.h: the numbers of fv_evaluation.
#ifndef FOVEA_TRAIN_EVALUATION_H
#define FOVEA_TRAIN_EVALUATION_H

#include "train/metrics.h"

// Create with room for all samples, add them in order, finish. Release with fv_evaluation_free, also after a failure.
fv_status fv__evaluation_create(int classes, size_t samples, fv_evaluation **out, fv_error *error);

// `count` samples: logits (count, classes), labels (count).
void fv__evaluation_add(fv_evaluation *evaluation, const float *logits, const int32_t *labels, int count);

// Precision, recall, F1, means and calibration from what was added.
void fv__evaluation_finish(fv_evaluation *evaluation);

#endif
