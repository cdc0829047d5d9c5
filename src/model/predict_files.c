// Prediction of picture files. One that cannot be read is carried through the model as a black image, so that the
// others are computed as if it were good, and its probabilities are cleared after the batch.
#include <string.h>

#include "base/memory.h"
#include "model/model.h"

// Picture files have colours, or are grey.
static fv_status check_channels(const fv_model *model, fv_error *error) {
    int channels = model->input_settings.size.values[2];
    if (channels != 1 && channels != 3) {
        return fv__fail(error, FV_UNSUPPORTED,
                        "the model takes images of %d channels, but picture files give 3, or 1 for grey", channels);
    }
    return FV_OK;
}

fv_status fv__model_read_picture(const fv_model *model, const char *path, uint8_t *pixels, fv_error *error) {
    const fv__input_settings *input = &model->input_settings;
    const fv__resize resize = {.mode = input->resize, .height = input->size.values[0], .width = input->size.values[1]};
    const fv__kernels *kernels;
    fv_status status = check_channels(model, error);
    if (!status) {
        status = fv__kernels_select(NULL, &kernels, error);
    }
    return status ? status : fv__resize_file(&resize, kernels, path, input->size.values[2], pixels, error);
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
    const int *size = files->model->input_settings.size.values;
    fv_status status = fv__model_read_picture(files->model, files->paths[index], pixels, error);
    if (!status || status == FV_MEMORY || files->strict) {
        return status;
    }
    files->problems[index] = *error;
    memset(pixels, 0, (size_t)size[0] * (size_t)size[1] * (size_t)size[2]);
    return FV_OK;
}

static void leave_out(const batch_files *files, size_t first, size_t samples, const fv_predict_options *options,
                      float *probabilities) {
    size_t classes = (size_t)files->model->classes;
    for (size_t i = 0; i < samples; i++) {
        if (files->problems[i].status) {
            memset(probabilities + i * classes, 0, classes * sizeof *probabilities);
            if (options->on_left_out) {
                options->on_left_out(options->context, first + i, files->problems[i].message);
            }
        }
    }
}

fv_status fv_predict_files(fv_model *model, const char *const *paths, size_t count, const fv_predict_options *options,
                           float *probabilities, fv_error *error) {
    fv_status status = check_channels(model, error);
    batch_files *files = status ? NULL : fv__alloc(sizeof *files);
    if (!files) {
        return status ? status : fv__fail_memory(error, "a batch of files");
    }
    options = options ? options : &(const fv_predict_options){0};
    files->model = model;
    files->strict = options->strict;
    for (size_t first = 0; first < count && !status;) {
        size_t samples = count - first < FV__PREDICTION_BATCH ? count - first : FV__PREDICTION_BATCH;
        float *out = probabilities + first * (size_t)model->classes;
        files->paths = paths + first;
        for (size_t i = 0; i < samples; i++) {
            files->problems[i].status = FV_OK;
        }
        status = fv__predict_read(model, samples, read_file, files, out, error);
        if (!status) {
            leave_out(files, first, samples, options, out);
            first += samples;
        } else if (status == FV_NUMERIC) {
            fv__fail_in(error, status, "the files from %s on", paths[first]);
        }
        if (!status && options->on_progress && !options->on_progress(options->context, first, count)) {
            status = fv__fail(error, FV_INTERRUPTED, "stopped after %zu of %zu files", first, count);
        }
    }
    fv__free(files);
    return status;
}
