// SPDX-License-Identifier: Apache-2.0
// Checkpoints: all that a run needs to go on as if it had never stopped, in one safetensors file that is written whole
// or not at all. The same recipe, data, seed and instruction-set level give the same bits from there on.
#ifndef FOVEA_TRAIN_CHECKPOINT_H
#define FOVEA_TRAIN_CHECKPOINT_H

#include "train/history.h"
#include "train/trainer.h"

// Where a run is.
typedef struct fv__run_state {
    uint64_t epoch;        // the one being trained, from 1
    uint64_t step;         // steps of it that are done
    uint64_t steps;        // steps done since the beginning
    uint64_t seed;         //
    fv__metrics train;     // sums of the epoch so far
    double seconds;        // spent in the epoch so far, without validation
    double rate;           // learning rate of the last step
    double best;           // best validation accuracy so far
    uint64_t best_epoch;   // 0: none yet
    uint64_t waited;       // epochs since the best one
    uint64_t weights_kept; // 1: the checkpoint has the weights of the best epoch
} fv__run_state;

// What a checkpoint is made of; everything stays the caller's.
typedef struct fv__checkpoint {
    const char *recipe; // as resolved
    const char *data;   // digest of the data set, "" when there is none
    const char *level;  // instruction-set level of the kernels
    bool rewrite;       // whether the algebra pass is used
    fv__run_state *state;
    fv__history *history;
    const fv__optimizer *optimizer;
    float *weights;      // (optimizer->weight_count)
    float *best_weights; // the same, or NULL when they are not kept
} fv__checkpoint;

// Comes before anything is computed with the model, which gets the run's weights; *rewrite says whether the run uses
// the algebra pass.
// Refuses by name a file that is torn, that is not a checkpoint, or that does not belong to the recipe, the data or the
// instruction-set level that `run` has (FV_UNSUPPORTED; the message names the FOVEA_ISA that works).
fv_status fv__checkpoint_begin(const fv__checkpoint *run, const char *path, fv_model *model, bool *rewrite,
                               fv_error *error);

fv_status fv__checkpoint_write(const fv__checkpoint *checkpoint, const char *path, fv_error *error);

// Fills in what `checkpoint` points to, from a file with which fv__checkpoint_begin succeeded.
fv_status fv__checkpoint_read(const fv__checkpoint *checkpoint, const char *path, fv_error *error);

#endif
