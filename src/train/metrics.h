// SPDX-License-Identifier: Apache-2.0
// Loss and accuracies, added up sample after sample in their order: the sums do not depend on threads.
#ifndef FOVEA_TRAIN_METRICS_H
#define FOVEA_TRAIN_METRICS_H

#include "ops/op.h"

// Sums over samples.
typedef struct fv__metrics {
    double loss;
    uint64_t samples, correct;
    uint64_t top[FV_MAX_TOP]; // samples whose class is among the k likeliest, for each k asked for
} fv__metrics;

// The predicted class: the first of the largest logits.
int fv__largest_logit(const float *logits, int classes);

// Adds samples with these losses (samples) and logits (samples, classes). A sample counts as correct when its label is
// the first of the largest logits, and as among the top k when fewer than k logits are larger than its label's, both as
// Keras counts. `top_k` ends with 0 or is full.
void fv__metrics_add(fv__metrics *metrics, const int top_k[FV_MAX_TOP], int classes, const float *losses,
                     const float *logits, const fv__target *targets, int samples);

// Adds the sums of `other`.
void fv__metrics_join(fv__metrics *metrics, const fv__metrics *other);

// Means for people; all zero when there are no samples.
fv_metrics fv__metrics_means(const fv__metrics *metrics, const int top_k[FV_MAX_TOP]);

// A number and what it is called in every file and every answer: "val_loss", "top5".
typedef struct fv__named_value {
    char name[24];
    double value;
} fv__named_value;

enum { FV__METRIC_VALUES = 2 + FV_MAX_TOP };

// Loss and accuracies, `prefix` before their names; returns how many.
int fv__metrics_name(const fv_metrics *metrics, const char *prefix, fv__named_value values[FV__METRIC_VALUES]);

#endif
