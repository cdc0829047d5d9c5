// SPDX-License-Identifier: Apache-2.0
// The output of a model's frozen part for every sample, computed once and kept in a file of the cache: a backbone that
// is not trained then costs one pass instead of one an epoch.
//
// The file is NumPy's (count, shape of the output), float32, named after what it holds: the frozen part (its weights
// and what it makes of a fixed picture), the samples and the instruction-set level. So it serves every run and seed
// that shares these. Training reads from it what it needs; nothing is loaded.
#ifndef FOVEA_TRAIN_FEATURES_H
#define FOVEA_TRAIN_FEATURES_H

#include "train/render.h"

typedef struct fv__features fv__features;

typedef struct fv__features_options {
    int node;           // of the model's graph: where the frozen part ends
    const char *data;   // digest of the samples
    const char *folder; // where the files are kept
    int threads;        // 0: as the machine allows
    bool no_rewrite;    // the graph as the layers write it
    // Called after each batch; false stops with FV_INTERRUPTED.
    bool (*on_batch)(void *context, size_t done, size_t count, double seconds);
    void *context;
} fv__features_options;

// Whether keeping the output of `node` is cheaper than computing it again.
bool fv__features_pay(const fv_model *model, int node);

// Finds the file or makes it; where another process is making it, waits for that. The samples need not outlive the
// call.
fv_status fv__features_open(const fv_model *model, const fv__samples *samples, const fv__features_options *options,
                            fv__features **out, fv_error *error);
void fv__features_close(fv__features *features); // NULL is fine

// The features as samples, with the labels of `samples`.
fv__samples fv__features_samples(fv__features *features, const fv__samples *samples);

#endif
