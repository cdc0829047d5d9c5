// SPDX-License-Identifier: Apache-2.0
// Prediction of picture files. One that cannot be read is carried through the model as a black image, so that the
// others are computed as if it were good, and its probabilities are cleared after the batch.
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "model/predict.h"

// Picture files have colours, or are grey.
static fv_status check_channels(const fv_model *model, fv_error *error) {
    int channels = model->input_settings.size.values[2];
    if (channels != 1 && channels != 3) {
        return fv__fail(error, FV_UNSUPPORTED,
                        "the model takes images of %d channels, but picture files give 3, or 1 for grey", channels);
    }
    return FV_OK;
}

fv_status fv_model_read_image(const fv_model *model, const char *path, uint8_t *pixels, fv_error *error) {
    const fv__input_settings *input = &model->input_settings;
    const fv__resize resize = {.mode = input->resize, .height = input->size.values[0], .width = input->size.values[1]};
    const fv__kernels *kernels;
    FV__TRY(check_channels(model, error));
    FV__TRY(fv__kernels_select(NULL, &kernels, error));
    return fv__resize_file(&resize, kernels, path, input->size.values[2], pixels, error);
}

// What the workers share: each writes to its own file's place.
typedef struct batch_files {
    const fv_model *model;
    const char *const *paths; // of the batch
    bool strict;
    fv_error problems[FV__PREDICTION_BATCH]; // status FV_OK: none
} batch_files;

static fv_status read_file(void *context, size_t index, uint8_t *pixels, fv_error *error) {
    batch_files *files = context;
    const fv_status status = fv_model_read_image(files->model, files->paths[index], pixels, error);
    if (!status || status == FV_MEMORY || files->strict) {
        return status;
    }
    files->problems[index] = *error;
    memset(pixels, 0, fv__model_image_bytes(files->model));
    return FV_OK;
}

// False: the caller asks to stop.
static bool leave_out(const batch_files *files, size_t first, size_t samples, const fv_predict_files_options *options,
                      float *probabilities) {
    const size_t classes = (size_t)files->model->classes;
    bool go_on = true;
    for (size_t i = 0; i < samples; i++) {
        if (files->problems[i].status) {
            memset(probabilities + i * classes, 0, classes * sizeof *probabilities);
            go_on &= fv__emit(
                options->on_event, options->context,
                &(fv_event){.kind = FV_EVENT_LEFT_OUT, .message = files->problems[i].message, .index = first + i});
        }
    }
    return go_on;
}

static fv_status run(fv_predictor *predictor, batch_files *files, const char *const *paths, size_t count,
                     const fv_predict_files_options *options, float *probabilities, fv_error *error) {
    for (size_t first = 0; first < count;) {
        const size_t samples = count - first < FV__PREDICTION_BATCH ? count - first : FV__PREDICTION_BATCH;
        float *out = probabilities + first * (size_t)predictor->model->classes;
        files->paths = paths + first;
        for (size_t i = 0; i < samples; i++) {
            files->problems[i].status = FV_OK;
        }
        const fv__samples batch = {.count = samples, .read = read_file, .context = files};
        const fv_status status = fv__predictor_read(predictor, &batch, out, error);
        if (status) {
            return status == FV_NUMERIC ? fv__fail_in(error, status, "the files from %s on", paths[first]) : status;
        }
        const bool go_on = leave_out(files, first, samples, options, out);
        first += samples;
        const fv_event event = {.kind = FV_EVENT_WORK, .message = "files", .done = first, .count = count};
        if (!fv__emit(options->on_event, options->context, &event) || !go_on) {
            return fv__fail(error, FV_INTERRUPTED, "stopped after %zu of %zu files", first, count);
        }
    }
    return FV_OK;
}

fv_status fv_predictor_run_files(fv_predictor *predictor, const char *const *paths, size_t count,
                                 const fv_predict_files_options *options, float *probabilities, fv_error *error) {
    FV__TAKE(fv_predict_files_options, options, error);
    FV__TRY(check_channels(predictor->model, error));
    batch_files *files = fv__alloc(sizeof *files);
    if (!files) {
        return fv__fail_memory(error, "a batch of files");
    }
    files->model = predictor->model;
    files->strict = own.strict;
    const fv_status status = run(predictor, files, paths, count, &own, probabilities, error);
    fv__free(files);
    return status;
}
