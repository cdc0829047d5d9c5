// Prediction: bytes to the model's input, logits to probabilities, in batches of FV__PREDICTION_BATCH images. The plans
// and the threads are made once and kept with the model; a single image has a plan of its own, which is small enough to
// stay in a cache.
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "model/model.h"

enum { MAX_THREADS = 1024 };

void fv__model_preprocess(const fv_model *model, const uint8_t *pixels, int samples, float *out) {
    const int *size = model->input_settings.size.values;
    size_t places = (size_t)samples * (size_t)size[0] * (size_t)size[1], channels = (size_t)size[2];
    for (size_t c = 0; c < channels; c++) {
        float scale = model->scale[c], shift = model->shift[c];
        for (size_t i = 0; i < places; i++) {
            out[i * channels + c] = (float)pixels[i * channels + c] * scale + shift;
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
        status = fv__pool_create(model->threads ? model->threads : fv__cpu_threads(), &model->pool, error);
    }
    if (!status && !model->prediction.node_of) {
        status = fv__rewrite_make(&model->graph, model->rewrite, FV__PREDICTION_BATCH, &model->output, 1,
                                  &model->prediction, error);
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

typedef struct batch_images {
    const fv_model *model;
    const uint8_t *pixels; // of the batch's first image
    size_t size;           // bytes of an image
} batch_images;

static fv_status render(void *context, int input, int first, int count, int worker, float *out, fv_error *error) {
    (void)input;
    (void)worker;
    (void)error;
    const batch_images *images = context;
    fv__model_preprocess(images->model, images->pixels + (size_t)first * images->size, count, out);
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

fv_status fv__model_logits(fv_model *model, const uint8_t *images, size_t count, float *logits, fv_error *error) {
    const int *size = model->input_settings.size.values;
    batch_images batch = {.model = model, .size = (size_t)size[0] * (size_t)size[1] * (size_t)size[2]};
    if (!model->classes) {
        return fv__fail(error, FV_INVALID,
                        "the last layer gives %s, but prediction needs one value a class: add flatten or "
                        "global_average_pool, then dense",
                        fv__shape_print(fv__graph_shape(&model->graph, model->output)).text);
    }
    for (size_t first = 0; first < count;) {
        int samples = count - first < FV__PREDICTION_BATCH ? (int)(count - first) : FV__PREDICTION_BATCH;
        float *out = logits + first * (size_t)model->classes;
        fv__plan *plan;
        fv_status status = get_plan(model, samples == 1 ? 1 : FV__PREDICTION_BATCH, &plan, error);
        if (status) {
            return status;
        }
        batch.pixels = images + first * batch.size;
        fv__feed feed = {.samples = samples, .weights = model->weights, .render = render, .context = &batch};
        status = fv__plan_run(plan, model->pool, &feed, error);
        if (status) {
            return status;
        }
        memcpy(out, fv__plan_value(plan, model->prediction.node_of[model->output]),
               (size_t)samples * (size_t)model->classes * sizeof *out);
        first += (size_t)samples;
    }
    return FV_OK;
}

fv_status fv_predict(fv_model *model, const uint8_t *images, size_t count, float *probabilities, fv_error *error) {
    const size_t classes = (size_t)model->classes;
    fv_status status = fv__model_logits(model, images, count, probabilities, error);
    for (size_t i = 0; i < count && !status; i++) {
        float *row = probabilities + i * classes;
        status = fv__model_softmax(row, model->classes, i, row, error);
    }
    return status;
}
