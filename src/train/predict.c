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
    const int *size = predictor->model->input_settings.size.values;
    chosen now = {dataset, indices};
    if (dataset->height != size[0] || dataset->width != size[1] || dataset->channels != size[2]) {
        return fv__fail(error, FV_INVALID, "the model takes images of %d×%d×%d, but those of %s are %d×%d×%d", size[0],
                        size[1], size[2], dataset->name, dataset->height, dataset->width, dataset->channels);
    }
    return fv__predictor_read(predictor, count, read_sample, &now, probabilities, error);
}
