// SPDX-License-Identifier: Apache-2.0
// A benchmark: whole steps on random samples in memory, and what its times are compared with.
#ifndef FOVEA_APP_BENCH_H
#define FOVEA_APP_BENCH_H

#include "train/trainer.h"

struct fv_bench {
    fv_bench_info info; // what is given out
    fv_model *model;
    fv_predictor *predictor; // inference only
    int from;                // node where samples enter; 0: the model's input
    const fv__kernels *kernels;
    int sample_batches;   // how many batches of random samples come round
    float *values;        // (samples, image or frozen layers' output) for training
    uint8_t *pixels;      // (samples, image) for inference
    int32_t *labels;      //
    float *probabilities; // (batch, classes)
    fv__trainer *trainer; // training only
    size_t next;          // batch that comes next
    fv_bench_node *nodes; // of the last profile
};

// Multiply-adds per second that the matrix kernel reaches on all threads at once with its operands in the caches: the
// best of a few tries. 0 when there is no memory.
double fv__bench_peak(const fv__kernels *kernels, int threads);

// Makes the random samples; takes one step on the next of them.
fv_status fv__bench_fill(fv_bench *bench, uint64_t seed, fv_error *error);
fv_status fv__bench_step(fv_bench *bench, fv_error *error);

#endif
