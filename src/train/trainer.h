// SPDX-License-Identifier: Apache-2.0
// Training one step at a time: samples in, weights moved. The loop of epochs around it is fit.h.
#ifndef FOVEA_TRAIN_TRAINER_H
#define FOVEA_TRAIN_TRAINER_H

#include "train/pass.h"
#include "train/settings.h"

// Everything a step needs, allocated once.
typedef struct fv__trainer {
    fv_model *model; // whose weights are moved
    fv__train_settings settings;
    uint64_t seed;        // of the random draws
    uint64_t epoch_steps; // steps of an epoch
    uint64_t step;        // steps made since the beginning: the learning rate, Adam's corrections and the epoch follow
    fv__runner runner;    // kernels and threads
    fv__pass *training, *evaluation;
    fv__optimizer optimizer;
} fv__trainer;

typedef struct fv__trainer_options {
    int threads;                            // 0: as the machine allows
    uint64_t seed;                          //
    size_t train_samples;                   // of an epoch, for schedules
    size_t validation_samples;              // of fv__trainer_evaluate; 0: it will not be called
    const fv__augmentations *augmentations; // of training samples; NULL: none. Must outlive the trainer
    const float *class_weights;             // (classes): how much a training sample counts; NULL: all the same
    int from;                               // node where samples enter; 0: the model's input
    bool no_rewrite;                        // the graph as the layers write it
} fv__trainer_options;

// The model must outlive the trainer.
fv_status fv__trainer_create(fv_model *model, const fv__train_settings *settings, const fv__trainer_options *options,
                             fv__trainer **out, fv_error *error);
void fv__trainer_destroy(fv__trainer *trainer); // NULL is fine

// One step on samples indices[0 … count-1], count at most the batch: forward, loss, backward, update. Adds to
// `metrics`. A failure (reading a sample; FV_NUMERIC, which names epoch and step) leaves the weights as they were.
fv_status fv__trainer_step(fv__trainer *trainer, const fv__samples *samples, const uint32_t *indices, int count,
                           fv__metrics *metrics, fv_error *error);

// Loss and accuracies of all samples, dropout off.
fv_status fv__trainer_evaluate(fv__trainer *trainer, const fv__samples *samples, fv__metrics *metrics, fv_error *error);

// The learning rate of the step that comes next.
double fv__trainer_rate(const fv__trainer *trainer);

// The order in which epoch `epoch` (from 1) goes through `count` samples: a function of seed and epoch.
void fv__trainer_order(const fv__trainer *trainer, uint64_t epoch, size_t count, uint32_t *order);

#endif
