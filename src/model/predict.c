// Prediction: bytes to the model's input, logits to probabilities, in batches of FV__PREDICTION_BATCH images. An image
// is read by the worker that carries it through the model. The plans and the threads are made once and kept with the
// model; a single image has a plan of its own, which is small enough to stay in a cache.
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "model/model.h"

enum { MAX_THREADS = 1024 };

void fv__model_preprocess(const fv_model *model, const uint8_t *pixels, int samples, float *out) {
    enum { PLACES = 16 }; // at a time, so that the channels' factors stand in whole vectors
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

void fv__model_drop_plans(fv_model *model) {
    fv__plan_destroy(model->plan);
    fv__plan_destroy(model->single);
    fv__pool_destroy(model->pool);
    fv__rewrite_free(&model->prediction);
    model->plan = model->single = NULL;
    model->pool = NULL;
}

void fv__model_weights_changed(fv_model *model) {
    if (model->plan) {
        fv__plan_weights_changed(model->plan);
    }
    if (model->single) {
        fv__plan_weights_changed(model->single);
    }
}

void fv_model_set_threads(fv_model *model, int threads) {
    threads = threads < 0 ? 0 : threads > MAX_THREADS ? MAX_THREADS : threads;
    if (threads != model->threads) {
        fv__model_drop_plans(model);
        model->threads = threads;
    }
}

static fv_status get_plan(fv_model *model, int batch, fv__plan **plan, fv_error *error) {
    fv__plan **kept = batch == 1 ? &model->single : &model->plan;
    fv_status status = FV_OK;
    if (!model->pool) {
        status = fv__pool_create(model->threads, &model->pool, error);
    }
    if (!status && !model->prediction.node_of) {
        const fv__rewrite_options options = {
            .rules = model->rewrite, .batch = FV__PREDICTION_BATCH, .wanted = &model->output, .wanted_count = 1};
        status = fv__rewrite_make(&model->graph, &options, &model->prediction, error);
    }
    if (!status && !*kept) {
        const fv__kernels *kernels;
        fv__plan_options options = {.batch = batch, .root = model->prediction.node_of[model->output]};
        status = fv__kernels_select(NULL, &kernels, error);
        if (!status) {
            status = fv__plan_create(&model->prediction.graph, kernels, fv__pool_threads(model->pool), &options, kept,
                                     error);
        }
    }
    *plan = *kept;
    return status;
}

// What the workers share while images are read. A worker keeps the bytes of one image.
typedef struct reading {
    const fv_model *model;
    fv__read_image *read;
    void *context;
    size_t first;        // of the batch
    size_t size, stride; // bytes of an image, and from one worker's to the next's
    uint8_t *pixels;     // (threads, stride)
} reading;

static fv_status render(void *context, int input, int first, int count, int worker, float *out, fv_error *error) {
    (void)input;
    const reading *now = context;
    uint8_t *pixels = now->pixels + (size_t)worker * now->stride;
    for (int i = 0; i < count; i++, out += now->size) {
        fv_status status = now->read(now->context, now->first + (size_t)(first + i), pixels, error);
        if (status) {
            return status;
        }
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

static fv_status run_batch(fv_model *model, reading *now, int samples, float *logits, fv_error *error) {
    fv__plan *plan;
    fv_status status = get_plan(model, samples == 1 ? 1 : FV__PREDICTION_BATCH, &plan, error);
    if (!status && !now->pixels) {
        now->pixels = fv__alloc_array((size_t)fv__pool_threads(model->pool), now->stride);
        status = now->pixels ? FV_OK : fv__fail_memory(error, "images");
    }
    fv__feed feed = {.samples = samples, .weights = model->weights, .render = render, .context = now};
    if (!status) {
        status = fv__plan_run(plan, model->pool, &feed, error);
    }
    if (!status) {
        memcpy(logits, fv__plan_value(plan, model->prediction.node_of[model->output]),
               (size_t)samples * (size_t)model->classes * sizeof *logits);
    }
    return status;
}

static fv_status read_logits(fv_model *model, size_t count, fv__read_image *read, void *context, float *logits,
                             fv_error *error) {
    const int *shape = model->input_settings.size.values;
    size_t size = (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2];
    reading now = {.model = model,
                   .read = read,
                   .context = context,
                   .size = size,
                   .stride = (size + FV__ALIGNMENT - 1) / FV__ALIGNMENT * FV__ALIGNMENT};
    fv_status status = FV_OK;
    if (!model->classes) {
        return fv__fail(error, FV_INVALID,
                        "the last layer gives %s, but prediction needs one value a class: add flatten or "
                        "global_average_pool, then dense",
                        fv__shape_print(fv__graph_shape(&model->graph, model->output)).text);
    }
    while (now.first < count && !status) {
        size_t left = count - now.first, samples = left < FV__PREDICTION_BATCH ? left : FV__PREDICTION_BATCH;
        status = run_batch(model, &now, (int)samples, logits + now.first * (size_t)model->classes, error);
        now.first += samples;
    }
    fv__free(now.pixels);
    return status;
}

fv_status fv__predict_read(fv_model *model, size_t count, fv__read_image *read, void *context, float *probabilities,
                           fv_error *error) {
    fv_status status = read_logits(model, count, read, context, probabilities, error);
    for (size_t i = 0; i < count && !status; i++) {
        float *row = probabilities + i * (size_t)model->classes;
        status = fv__model_softmax(row, model->classes, i, row, error);
    }
    return status;
}

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

static images_in_memory in_memory(const fv_model *model, const uint8_t *images) {
    const int *size = model->input_settings.size.values;
    return (images_in_memory){images, (size_t)size[0] * (size_t)size[1] * (size_t)size[2]};
}

fv_status fv__model_logits(fv_model *model, const uint8_t *images, size_t count, float *logits, fv_error *error) {
    images_in_memory memory = in_memory(model, images);
    return read_logits(model, count, copy_image, &memory, logits, error);
}

fv_status fv_predict(fv_model *model, const uint8_t *images, size_t count, float *probabilities, fv_error *error) {
    images_in_memory memory = in_memory(model, images);
    return fv__predict_read(model, count, copy_image, &memory, probabilities, error);
}
