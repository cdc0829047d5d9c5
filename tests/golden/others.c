// SPDX-License-Identifier: Apache-2.0
// Cases that are no layer: losses, metrics, optimizers.
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "data/dataset.h"
#include "data/image.h"
#include "golden.h"
#include "image/resize.h"
#include "model/model.h"
#include "ops/softmax.h"
#include "train/metrics.h"
#include "train/optimizer.h"

static fv__target *targets_of(golden_case *golden, int count) {
    const fv__tensor_entry *labels = golden_tensor(golden, "labels");
    fv__target *targets = fv__alloc_array((size_t)count, sizeof *targets);
    if (labels && labels->rank != 1) {
        golden_skip(golden, "labels are not one class a sample");
    }
    for (int i = 0; !golden->status && targets && i < count; i++) {
        int32_t label = (int32_t)golden_value(labels, (size_t)i);
        targets[i] = (fv__target){.label = label, .other = label, .weight = 1};
    }
    return targets;
}

static fv_status render_logits(void *context, int input, int first, int count, int worker, float *out,
                               fv_error *error) {
    golden_case *golden = context;
    (void)worker, (void)error;
    size_t classes = fv__shape_elements(fv__graph_shape(&golden->graph, input));
    memcpy(out, golden_floats(golden, "logits") + (size_t)first * classes, (size_t)count * classes * sizeof *out);
    return FV_OK;
}

static void run_cross_entropy(golden_case *golden) {
    int logits = golden_input(golden, "logits");
    fv__cross_entropy_attributes attributes = {(float)golden_number(golden, "label_smoothing", 0)};
    int loss = golden_op(golden, &fv__op_cross_entropy, &attributes, 1, &logits);
    fv__target *targets = targets_of(golden, golden->batch);
    fv__plan *plan = NULL;
    fv__plan_options options = {.batch = golden->batch, .training = true, .backward = true, .root = loss};
    if (!golden->status) {
        golden->status = fv__plan_create(&golden->graph, golden->kernels, fv__pool_threads(golden->pool), &options,
                                         &plan, &golden->error);
    }
    fv__feed feed = {.samples = golden->batch, .targets = targets, .render = render_logits, .context = golden};
    if (!golden->status) {
        golden->status = fv__plan_run(plan, golden->pool, &feed, &golden->error);
    }
    if (!golden->status) {
        double sum = 0;
        for (int i = 0; i < golden->batch; i++) {
            sum += (double)fv__plan_value(plan, loss)[i];
        }
        float mean = (float)(sum / golden->batch);
        golden_compare(golden, "loss", &mean, golden_floats(golden, "loss"), 1, GOLDEN_FORWARD, 0);
        size_t count = fv__shape_elements(fv__graph_shape(&golden->graph, logits)) * (size_t)golden->batch;
        golden_compare(golden, "dlogits", fv__plan_gradient(plan, logits), golden_floats(golden, "dlogits"), count,
                       GOLDEN_GRADIENT, 0);
    }
    fv__plan_destroy(plan);
    fv__free(targets);
}

static void run_top_k(golden_case *golden) {
    const fv__tensor_entry *logits = golden_tensor(golden, "logits");
    const json_t *wanted = json_object_get(golden->config, "k");
    if (golden->status || !json_is_array(wanted)) {
        golden_fail(golden, "config has no list 'k'");
        return;
    }
    int samples = (int)logits->shape[0], classes = (int)logits->shape[1];
    fv__target *targets = targets_of(golden, samples);
    float *losses = fv__alloc_array((size_t)samples, sizeof *losses);
    for (size_t i = 0; i < json_array_size(wanted) && !golden->status; i++) {
        int top_k[FV_MAX_TOP] = {(int)json_integer_value(json_array_get(wanted, i))};
        fv__metrics metrics = {0};
        fv__metrics_add(&metrics, top_k, classes, losses, golden_floats(golden, "logits"), targets, samples);
        fv_metrics means = fv__metrics_means(&metrics, top_k);
        float share = (float)means.top[0];
        golden_compare(golden, "accuracy", &share, golden_floats(golden, "accuracy") + i, 1, 1e-6, 0);
    }
    fv__free(targets);
    fv__free(losses);
}

static bool begins_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

static void run_optimizer(golden_case *golden) {
    const fv__tensor_entry *gradients = golden_tensor(golden, "gradients");
    const char *kind = golden_text(golden, "kind", "");
    int node = golden_weight(golden, "w0", NULL);
    if (golden->status) {
        return;
    }
    (void)node;
    fv__optimizer_settings settings = {.kind = begins_with(kind, "sgd")     ? FV__OPTIMIZER_SGD
                                               : begins_with(kind, "adamw") ? FV__OPTIMIZER_ADAMW
                                                                            : FV__OPTIMIZER_ADAM,
                                       .lr = golden_number(golden, "lr", 1e-3),
                                       .momentum = golden_number(golden, "momentum", 0),
                                       .nesterov = json_is_true(json_object_get(golden->config, "nesterov")) ||
                                                   strstr(kind, "nesterov") != NULL,
                                       .beta1 = golden_number(golden, "beta1", 0.9),
                                       .beta2 = golden_number(golden, "beta2", 0.999),
                                       .epsilon = golden_number(golden, "epsilon", 1e-7),
                                       .weight_decay = golden_number(golden, "weight_decay", 0)};
    size_t steps = (size_t)gradients->shape[0], count = (size_t)gradients->shape[1];
    float *weights = fv__alloc_array(golden->graph.weight_count, sizeof *weights);
    float *gradient = fv__alloc_array(golden->graph.weight_count, sizeof *gradient);
    memcpy(weights, golden_floats(golden, "w0"), count * sizeof *weights);
    fv__optimizer optimizer = {0};
    golden->status = fv__optimizer_init(&optimizer, &settings, golden_number(golden, "global_clipnorm", 0),
                                        &golden->graph, golden->kernels, &golden->error);
    for (size_t step = 0; step < steps && !golden->status; step++) {
        memcpy(gradient, golden_floats(golden, "gradients") + step * count, count * sizeof *gradient);
        golden->status =
            fv__optimizer_step(&optimizer, golden->pool, step, settings.lr, weights, gradient, &golden->error);
        if (!golden->status) {
            golden_compare(golden, "w", weights, golden_floats(golden, "w") + step * count, count, 1e-6, 0);
        }
    }
    fv__optimizer_free(&optimizer);
    fv__free(weights);
    fv__free(gradient);
}

// Augmentations with everything that is drawn fixed, a picture at a time.
static void augment_one(golden_case *golden, fv__image *image) {
    const char *kind = golden_text(golden, "kind", "");
    double height = golden_number(golden, "height", 0), width = golden_number(golden, "width", height);
    if (strcmp(kind, "rotation") == 0) {
        fv__image_rotate(image, golden->kernels, golden_number(golden, "turns", 0));
    } else if (strcmp(kind, "zoom") == 0) {
        fv__image_zoom(image, golden->kernels, height, width);
    } else if (strcmp(kind, "translation") == 0) {
        fv__image_translate(image, golden->kernels, height, width);
    } else if (strcmp(kind, "contrast") == 0) {
        fv__image_contrast(image, golden->kernels, golden_number(golden, "factor", 1));
    } else if (strcmp(kind, "flip") == 0) {
        const char *direction = golden_text(golden, "direction", "horizontal");
        fv__image_flip(image, strcmp(direction, "vertical") != 0, strcmp(direction, "horizontal") != 0);
    } else {
        golden_fail(golden, "there is no augmentation '%s' here", kind);
    }
}

static void run_augment(golden_case *golden) {
    const fv__tensor_entry *x = golden_tensor(golden, "x");
    const float *values = golden_floats(golden, "x"), *expected = golden_floats(golden, "y");
    if (golden->status || x->rank != 4 || x->shape[3] > FV__PIXEL) {
        golden_fail(golden, "x must be (batch, height, width, channels)");
        return;
    }
    size_t places = (size_t)(x->shape[1] * x->shape[2]), channels = (size_t)x->shape[3];
    const float one[FV__PIXEL] = {1, 1, 1, 1}, zero[FV__PIXEL] = {0};
    float *memory = fv__alloc_array(places * 3, FV__PIXEL * sizeof *memory);
    fv__image image = {.height = (int)x->shape[1], .width = (int)x->shape[2], .channels = (int)x->shape[3]};
    for (int64_t sample = 0; memory && sample < (int64_t)x->shape[0] && !golden->status; sample++) {
        const size_t start = (size_t)sample * places * channels;
        image.values = memory;
        image.spare = memory + places * FV__PIXEL;
        for (size_t i = 0; i < places * channels; i++) {
            image.values[i / channels * FV__PIXEL + i % channels] = values[start + i];
        }
        augment_one(golden, &image);
        float *out = memory + 2 * places * FV__PIXEL;
        golden->kernels->narrow_pixels(image.values, out, (int)places, (int)channels, one, zero);
        golden_compare(golden, "y", out, expected + start, places * channels, GOLDEN_PIXELS, 255);
    }
    fv__free(memory);
}

// Mean and variance of each channel, and what becomes of the values with them.
static void run_normalization(golden_case *golden) {
    const fv__tensor_entry *x = golden_tensor(golden, "x");
    const float *values = golden_floats(golden, "x"), *expected = golden_floats(golden, "y");
    if (golden->status) {
        return;
    }
    size_t channels = (size_t)x->shape[x->rank - 1], count = x->bytes / sizeof(float), each = count / channels;
    double *one = fv__alloc_array(each, sizeof *one), mean[FV__MAX_CHANNELS], deviation[FV__MAX_CHANNELS];
    float *y = fv__alloc_array(count, sizeof *y), means[FV__MAX_CHANNELS], variances[FV__MAX_CHANNELS];
    fv_model *model = fv__alloc(sizeof *model);
    for (size_t c = 0; c < channels; c++) {
        for (size_t i = 0; i < each; i++) {
            one[i] = (double)values[i * channels + c];
        }
        fv__moments(one, NULL, each, &mean[c], &deviation[c]);
        means[c] = (float)mean[c];
        variances[c] = (float)(deviation[c] * deviation[c]);
    }
    model->input_settings.size.values[2] = (int)channels;
    fv__model_normalize(model, mean, deviation);
    for (size_t i = 0; i < count; i++) {
        y[i] = values[i] * model->scale[i % channels] + model->shift[i % channels];
    }
    golden_compare(golden, "mean", means, golden_floats(golden, "mean"), channels, GOLDEN_FORWARD, 0);
    golden_compare(golden, "variance", variances, golden_floats(golden, "variance"), channels, GOLDEN_FORWARD, 0);
    golden_compare(golden, "y", y, expected, count, GOLDEN_FORWARD, 0);
    fv__free(model);
    fv__free(y);
    fv__free(one);
}

// (height, width, channels) of bytes, a channel at a time as a grey picture of three that are alike.
static void run_resize(golden_case *golden) {
    const fv__tensor_entry *x = golden_tensor(golden, "x"), *y = golden_tensor(golden, "y");
    const char *how = golden_text(golden, "interpolation", "bilinear");
    if (golden->status || x->dtype != FV__U8 || x->rank != 3 || y->rank != 3) {
        golden_fail(golden, "x must be (height, width, channels) of bytes");
        return;
    }
    if (!begins_with(how, "bilinear") || strstr(how, "corner")) {
        golden_skip(golden, "interpolation '%s'", how);
        return;
    }
    bool smooth = strstr(how, "antialias") && !strstr(how, "no antialias");
    size_t channels = (size_t)x->shape[2], places = (size_t)(y->shape[0] * y->shape[1]);
    size_t pixels = (size_t)(x->shape[0] * x->shape[1]);
    fv__resize resize = {.mode = smooth ? FV__RESIZE_ANTIALIAS : FV__RESIZE_BILINEAR,
                         .height = (int)y->shape[0],
                         .width = (int)y->shape[1]};
    fv__bitmap image = {.height = (int)x->shape[0], .width = (int)x->shape[1], .pixels = fv__alloc(3 * pixels)};
    float *out = fv__alloc_array(places * 3, sizeof *out), *result = fv__alloc_array(places * channels, sizeof *out);
    for (size_t c = 0; c < channels && !golden->status; c++) {
        for (size_t i = 0; i < 3 * pixels; i++) {
            image.pixels[i] = ((const uint8_t *)x->data)[i / 3 * channels + c];
        }
        golden->status = fv__resize_image(&resize, golden->kernels, &image, out, &golden->error);
        for (size_t i = 0; i < places; i++) {
            result[i * channels + c] = out[3 * i + c % 3];
        }
    }
    golden_compare(golden, "y", result, golden_floats(golden, "y"), places * channels, GOLDEN_FORWARD, 0);
    fv__free(result);
    fv__free(out);
    fv__bitmap_free(&image);
}

const golden_kind golden_others[] = {{"cross_entropy", run_cross_entropy}, {"top_k", run_top_k},
                                     {"optimizer", run_optimizer},         {"augment", run_augment},
                                     {"normalization", run_normalization}, {"resize", run_resize},
                                     {"model", golden_run_model},          {0}};
