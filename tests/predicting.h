// SPDX-License-Identifier: Apache-2.0
// One prediction with a predictor made for it.
#ifndef FOVEA_TESTS_PREDICTING_H
#define FOVEA_TESTS_PREDICTING_H

#include "fovea.h"

typedef fv_status predict_function(fv_predictor *predictor, const uint8_t *images, size_t count, float *out,
                                   fv_error *error);

static inline fv_status predict_by(predict_function *run, const fv_model *model, int threads, const uint8_t *images,
                                   size_t count, float *out, fv_error *error) {
    const fv_predictor_options options = {.size = sizeof options, .threads = threads};
    fv_predictor *predictor;
    fv_status status = fv_predictor_create(model, &options, &predictor, error);
    if (!status) {
        status = run(predictor, images, count, out, error);
        fv_predictor_free(predictor);
    }
    return status;
}

static inline fv_status predict_once(const fv_model *model, const uint8_t *images, size_t count, float *probabilities,
                                     fv_error *error) {
    return predict_by(fv_predictor_run, model, 0, images, count, probabilities, error);
}

static inline fv_status logits_once(const fv_model *model, const uint8_t *images, size_t count, float *logits,
                                    fv_error *error) {
    return predict_by(fv_predictor_run_logits, model, 0, images, count, logits, error);
}

#endif
