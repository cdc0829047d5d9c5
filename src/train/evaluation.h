// What a model does with every sample of a set, beside the means of metrics.h: the numbers of fv_evaluation.
#ifndef FOVEA_TRAIN_EVALUATION_H
#define FOVEA_TRAIN_EVALUATION_H

#include "train/metrics.h"

// Begin with room for all samples, add them in order, finish. fv_evaluation_free is fine also after a failure.
fv_status fv__evaluation_begin(fv_evaluation *evaluation, int classes, size_t samples, fv_error *error);

// `count` samples: logits (count, classes), labels (count).
void fv__evaluation_add(fv_evaluation *evaluation, const float *logits, const int32_t *labels, int count);

// Precision, recall, F1, means and calibration from what was added.
void fv__evaluation_finish(fv_evaluation *evaluation);

// Which samples are taken for another class with the most confidence, the most confident first, and among equals the
// earlier one: up to `most` of them. Returns how many.
int fv__evaluation_mistakes(const fv_evaluation *evaluation, const int32_t *labels, size_t *samples, int most);

#endif
