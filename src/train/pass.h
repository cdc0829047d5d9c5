// SPDX-License-Identifier: Apache-2.0
// A model carried over labelled samples to losses and accuracies: the plan of its graph with the loss at its end, and
// the samples on their way into it. Training has one pass with gradients, evaluation one without.
#ifndef FOVEA_TRAIN_PASS_H
#define FOVEA_TRAIN_PASS_H

#include "graph/runner.h"
#include "model/model.h"
#include "train/metrics.h"
#include "train/render.h"

typedef struct fv__pass_options {
    int batch;       // most samples of a run
    bool training;   // dropout is on, gradients are computed
    bool no_rewrite; // the graph as the layers write it
    double label_smoothing;
    const fv__augmentations *augmentations; // of every sample; NULL: none. Must outlive the pass
    int from;                               // node of the model's graph where samples enter; 0: its input
    const float *class_weights;             // (classes): how much the loss of a sample counts; NULL: all the same
    int top_k[FV_MAX_TOP];                  // 0 after the last
} fv__pass_options;

typedef struct fv__pass fv__pass;

// Model and runner, whose kernels and threads it uses, must outlive the pass.
fv_status fv__pass_create(const fv_model *model, const fv__runner *runner, const fv__pass_options *options,
                          fv__pass **out, fv_error *error);
void fv__pass_destroy(fv__pass *pass); // NULL is fine

// Runs samples indices[0 … count-1], or first … first+count-1 when `indices` is NULL, and sets `metrics` to their sums.
// Random draws belong to (seed, epoch, sample). With training the gradients are in the plan afterwards.
typedef struct fv__pass_run {
    const fv__samples *samples;
    const uint32_t *indices;
    size_t first;
    int count;
    uint64_t seed, epoch;
} fv__pass_run;
fv_status fv__pass_run_on(fv__pass *pass, const fv__pass_run *run, fv__metrics *metrics, fv_error *error);

// The plan, and the graph it runs: for gradients, weights that changed, and profiles.
fv__plan *fv__pass_plan(fv__pass *pass);

// Logits of the last run, (count, classes).
const float *fv__pass_logits(const fv__pass *pass);
const fv__graph *fv__pass_graph(const fv__pass *pass);

// Whether every label is a class of the model.
fv_status fv__samples_check(const fv__samples *samples, const fv_model *model, fv_error *error);

// All samples, one batch after the other, through a pass without gradients. `details` (NULL: not wanted) has been
// begun.
fv_status fv__pass_evaluate(fv__pass *pass, const fv__samples *samples, fv__metrics *metrics, fv_evaluation *details,
                            fv_error *error);

#endif
