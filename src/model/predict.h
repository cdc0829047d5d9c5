// SPDX-License-Identifier: Apache-2.0
// Inside a predictor: what runs a model's graph on images.
#ifndef FOVEA_MODEL_PREDICT_H
#define FOVEA_MODEL_PREDICT_H

#include "base/samples.h"
#include "graph/runner.h"
#include "model/model.h"

enum { FV__PREDICTION_BATCH = 64 }; // images that prediction takes at a time

struct fv_predictor {
    const fv_model *model;
    uint64_t weights_version; // of the model's weights that the plans have prepared
    fv__runner runner;
    fv__plan *plan;   // of FV__PREDICTION_BATCH images; plans are made on first use
    fv__plan *single; // of one image
    uint8_t *pixels;  // (threads, image): what a worker reads
};

// Probabilities, or logits, (count, classes) of samples that are read as bytes. Fails as the first sample that cannot
// be read.
fv_status fv__predictor_read(fv_predictor *predictor, const fv__samples *samples, float *probabilities,
                             fv_error *error);
fv_status fv__predictor_read_logits(fv_predictor *predictor, const fv__samples *samples, float *logits,
                                    fv_error *error);

// The plan that runs so many images.
fv_status fv__predictor_plan(fv_predictor *predictor, int samples, fv__plan **plan, fv_error *error);

#endif
