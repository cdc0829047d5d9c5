// SPDX-License-Identifier: Apache-2.0
// The learning rate over time: a pure function of how many steps were made, so that a resumed run needs no memory of
// it.
#ifndef FOVEA_TRAIN_SCHEDULE_H
#define FOVEA_TRAIN_SCHEDULE_H

#include "train/variant.h"

typedef enum fv__schedule_kind { FV__SCHEDULE_CONSTANT, FV__SCHEDULE_STEP, FV__SCHEDULE_COSINE } fv__schedule_kind;

// The constants of all kinds; each reads its own.
typedef struct fv__schedule_settings {
    int kind;             // fv__schedule_kind, the place in fv__schedule_variants
    int every;            // step: epochs
    double factor;        // step
    double warmup_epochs; // cosine; either this
    int warmup_steps;     // … or that
    double floor;         // cosine: share of the rate that is left at the end
} fv__schedule_settings;

extern const fv__variant fv__schedule_variants[];

// The rate of step number `step` (from 0) of a run of `epochs` epochs of `epoch_steps` steps, for an optimizer whose
// own rate is `rate`.
double fv__schedule_rate(const fv__schedule_settings *settings, double rate, uint64_t step, uint64_t epoch_steps,
                         uint64_t epochs);

#endif
