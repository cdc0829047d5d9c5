// SPDX-License-Identifier: Apache-2.0
// Prediction: bytes to the model's input, logits to probabilities, in batches of FV__PREDICTION_BATCH images. An image
// is read by the worker that carries it through the model. Plans and threads are made once and kept with the predictor;
// a single image has its own plan, which is small enough to stay in a cache.
#include "model/predict.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/options.h"

enum { MAX_THREADS = 1024 };

void fv__model_preprocess(const fv_model *model, const uint8_t *pixels, int samples, float *out) {
    enum { PLACES = 16 }; // at a time, so that the channels' factors fill whole vectors
    const int *size = model->input_settings.size.values;
    const size_t channels = (size_t)size[2], run = PLACES * channels;
    const size_t count = (size_t)samples * (size_t)size[0] * (size_t)size[1] * channels;
    float scale[PLACES * FV__MAX_CHANNELS], shift[PLACES * FV__MAX_CHANNELS];
    for (size_t i = 0; i < run; i++) {
        scale[i] = model->scale[i % channels];
        shift[i] = model->shift[i % channels];
    }
    for (size_t begin = 0; begin < count; begin += run) {
        const size_t values = count - begin < run ? count - begin : run;
        for (size_t i = 0; i < values; i++) {
            out[begin + i] = (float)pixels[begin + i] * scale[i] + shift[i];
        }
    }
}

// --- The predictor

fv_status fv_predictor_create(const fv_model *model, const fv_predictor_options *options, fv_predictor **out,
                              fv_error *error) {
    *out = NULL;
    FV__TAKE(fv_predictor_options, options, error);
    const fv__rewrite_options rewrite = {
        .rules = !own.no_rewrite, .batch = FV__PREDICTION_BATCH, .wanted = &model->output, .wanted_count = 1};
    const int threads = own.threads < 0 ? 0 : own.threads > MAX_THREADS ? MAX_THREADS : own.threads;
    fv_predictor *made = NULL;
    fv_status status = FV_OK;
    if (!model->classes) {
        return fv__fail(error, FV_INVALID,
                        "the last layer gives %s, but prediction needs one value per class: add flatten or "
                        "global_average_pool, then dense",
                        fv__shape_print(fv__graph_shape(&model->graph, model->output)).text);
    }
    made = fv__alloc(sizeof *made);
    FV__TRY_OR_DONE(made ? FV_OK : fv__fail_memory(error, "the predictor"));
    made->model = model;
    made->weights_version = model->weights_version;
    FV__TRY_OR_DONE(fv__runner_start(&made->runner, threads, error));
    FV__TRY_OR_DONE(fv__runner_rewrite(&made->runner, &model->graph, &rewrite, error));
    *out = made;
    made = NULL;
done:
    fv_predictor_free(made);
    return status;
}

void fv_predictor_free(fv_predictor *predictor) {
    if (predictor) {
        fv__plan_destroy(predictor->plan);
        fv__plan_destroy(predictor->single);
        fv__runner_stop(&predictor->runner);
        fv__free(predictor->pixels);
        fv__free(predictor);
    }
}

static void follow_weights(fv_predictor *predictor) {
    if (predictor->weights_version != predictor->model->weights_version) {
        predictor->weights_version = predictor->model->weights_version;
        if (predictor->plan) {
            fv__plan_weights_changed(predictor->plan);
        }
        if (predictor->single) {
            fv__plan_weights_changed(predictor->single);
        }
    }
}

static int output_of(const fv_predictor *predictor) {
    return predictor->runner.rewrite.node_of[predictor->model->output];
}

fv_status fv__predictor_plan(fv_predictor *predictor, int samples, fv__plan **plan, fv_error *error) {
    fv__plan **kept = samples == 1 ? &predictor->single : &predictor->plan;
    if (!*kept) {
        const fv__plan_options options = {.batch = samples == 1 ? 1 : FV__PREDICTION_BATCH,
                                          .root = output_of(predictor)};
        FV__TRY(fv__runner_plan(&predictor->runner, NULL, &options, kept, error));
    }
    *plan = *kept;
    return FV_OK;
}

// What the workers share while images are read. A worker keeps the bytes of one image.
typedef struct reading {
    const fv_model *model;
    const fv__samples *samples;
    size_t first;        // of the batch
    size_t size, stride; // bytes of an image, and from one worker's to the next's
    uint8_t *pixels;     // (threads, stride)
} reading;

static fv_status render(void *context, int input, int first, int count, int worker, float *out, fv_error *error) {
    (void)input;
    const reading *now = context;
    uint8_t *pixels = now->pixels + (size_t)worker * now->stride;
    for (int i = 0; i < count; i++, out += now->size) {
        FV__TRY(now->samples->read(now->samples->context, now->first + (size_t)(first + i), pixels, error));
        fv__model_preprocess(now->model, pixels, 1, out);
    }
    return FV_OK;
}

fv_status fv__model_softmax(const float *logits, int classes, size_t image, float *out, fv_error *error) {
    float largest = logits[0];
    double sum = 0;
    for (int c = 0; c < classes; c++) {
        if (!isfinite(logits[c])) {
            return fv__fail(error, FV_NUMERIC,
                            "image %zu: class %d has a value that is not finite; the model's weights overflow", image,
                            c);
        }
        largest = logits[c] > largest ? logits[c] : largest;
    }
    for (int c = 0; c < classes; c++) {
        out[c] = expf(logits[c] - largest);
        sum += (double)out[c];
    }
    for (int c = 0; c < classes; c++) {
        out[c] = (float)((double)out[c] / sum);
    }
    return FV_OK;
}

static fv_status run_batch(fv_predictor *predictor, reading *now, int samples, float *logits, fv_error *error) {
    fv__plan *plan;
    const fv__feed feed = {.samples = samples, .weights = predictor->model->weights, .render = render, .context = now};
    FV__TRY(fv__predictor_plan(predictor, samples, &plan, error));
    FV__TRY(fv__runner_run(&predictor->runner, plan, &feed, error));
    memcpy(logits, fv__plan_value(plan, output_of(predictor)),
           (size_t)samples * (size_t)predictor->model->classes * sizeof *logits);
    return FV_OK;
}

fv_status fv__predictor_read_logits(fv_predictor *predictor, const fv__samples *samples, float *logits,
                                    fv_error *error) {
    const fv_model *model = predictor->model;
    const size_t size = fv__model_image_bytes(model);
    reading now = {.model = model,
                   .samples = samples,
                   .size = size,
                   .stride = (size + FV__ALIGNMENT - 1) / FV__ALIGNMENT * FV__ALIGNMENT};
    if (!predictor->pixels) {
        predictor->pixels = fv__alloc_array((size_t)fv__runner_threads(&predictor->runner), now.stride);
        FV__TRY(predictor->pixels ? FV_OK : fv__fail_memory(error, "images"));
    }
    now.pixels = predictor->pixels;
    follow_weights(predictor);
    while (now.first < samples->count) {
        const size_t left = samples->count - now.first,
                     count = left < FV__PREDICTION_BATCH ? left : FV__PREDICTION_BATCH;
        FV__TRY(run_batch(predictor, &now, (int)count, logits + now.first * (size_t)model->classes, error));
        now.first += count;
    }
    return FV_OK;
}

fv_status fv__predictor_read(fv_predictor *predictor, const fv__samples *samples, float *probabilities,
                             fv_error *error) {
    const int classes = predictor->model->classes;
    FV__TRY(fv__predictor_read_logits(predictor, samples, probabilities, error));
    for (size_t i = 0; i < samples->count; i++) {
        float *row = probabilities + i * (size_t)classes;
        FV__TRY(fv__model_softmax(row, classes, i, row, error));
    }
    return FV_OK;
}

// --- Images in memory

typedef struct images_in_memory {
    const uint8_t *pixels;
    size_t size; // bytes of an image
} images_in_memory;

static fv_status copy_image(void *context, size_t index, uint8_t *pixels, fv_error *error) {
    (void)error;
    const images_in_memory *images = context;
    memcpy(pixels, images->pixels + index * images->size, images->size);
    return FV_OK;
}

fv_status fv_predictor_run_logits(fv_predictor *predictor, const uint8_t *images, size_t count, float *logits,
                                  fv_error *error) {
    images_in_memory memory = {images, fv__model_image_bytes(predictor->model)};
    const fv__samples samples = {.count = count, .read = copy_image, .context = &memory};
    return fv__predictor_read_logits(predictor, &samples, logits, error);
}

fv_status fv_predictor_run(fv_predictor *predictor, const uint8_t *images, size_t count, float *probabilities,
                           fv_error *error) {
    images_in_memory memory = {images, fv__model_image_bytes(predictor->model)};
    const fv__samples samples = {.count = count, .read = copy_image, .context = &memory};
    return fv__predictor_read(predictor, &samples, probabilities, error);
}
