// SPDX-License-Identifier: Apache-2.0
// Prediction of samples of a data set.
#include "model/predict.h"
#include "data/dataset.h"

typedef struct chosen {
    const fv_dataset *dataset;
    const size_t *indices;
} chosen;

static fv_status read_sample(void *context, size_t index, uint8_t *pixels, fv_error *error) {
    const chosen *now = context;
    return fv_dataset_read(now->dataset, now->indices[index], pixels, error);
}

fv_status fv_predictor_run_samples(fv_predictor *predictor, const fv_dataset *dataset, const size_t *indices,
                                   size_t count, float *probabilities, fv_error *error) {
    chosen now = {dataset, indices};
    const fv__samples samples = {.count = count, .read = read_sample, .context = &now};
    FV__TRY(fv__model_check_images(predictor->model, dataset->name, dataset->height, dataset->width, dataset->channels,
                                   error));
    return fv__predictor_read(predictor, &samples, probabilities, error);
}
