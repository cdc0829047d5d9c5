// SPDX-License-Identifier: Apache-2.0
#include "train/trainer.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

// No larger than the data: a batch that is never full would only take memory.
static int batch_of(const fv__trainer *trainer, size_t samples) {
    return samples > 0 && samples < (size_t)trainer->settings.batch ? (int)samples : trainer->settings.batch;
}

static fv_status make_passes(fv__trainer *trainer, const fv__trainer_options *wanted, fv_error *error) {
    fv__pass_options options = {.batch = batch_of(trainer, wanted->train_samples),
                                .training = true,
                                .label_smoothing = trainer->settings.label_smoothing,
                                .augmentations = wanted->augmentations,
                                .class_weights = wanted->class_weights,
                                .no_rewrite = wanted->no_rewrite,
                                .from = wanted->from};
    memcpy(options.top_k, trainer->settings.top_k, sizeof options.top_k);
    FV__TRY(fv__pass_create(trainer->model, &trainer->runner, &options, &trainer->training, error));
    if (wanted->validation_samples) {
        options.training = false;
        options.batch = batch_of(trainer, wanted->validation_samples);
        options.augmentations = NULL;
        options.class_weights = NULL;
        FV__TRY(fv__pass_create(trainer->model, &trainer->runner, &options, &trainer->evaluation, error));
    }
    return FV_OK;
}

static fv_status prepare(fv__trainer *trainer, const fv__trainer_options *options, fv_error *error) {
    const fv__train_settings *settings = &trainer->settings;
    FV__TRY(fv__runner_start(&trainer->runner, options->threads, error));
    FV__TRY(make_passes(trainer, options, error));
    return fv__optimizer_init(&trainer->optimizer, &settings->optimizer, settings->clip_norm, &trainer->model->graph,
                              trainer->runner.kernels, error);
}

fv_status fv__trainer_create(fv_model *model, const fv__train_settings *settings, const fv__trainer_options *options,
                             fv__trainer **out, fv_error *error) {
    *out = NULL;
    fv__trainer *trainer = fv__alloc(sizeof *trainer);
    if (!trainer) {
        return fv__fail_memory(error, "training");
    }
    trainer->model = model;
    trainer->settings = *settings;
    trainer->seed = options->seed;
    size_t batch = (size_t)settings->batch, samples = options->train_samples;
    trainer->epoch_steps = samples > batch ? (samples + batch - 1) / batch : 1;
    const fv_status status = prepare(trainer, options, error);
    if (status) {
        fv__trainer_destroy(trainer);
        return status;
    }
    *out = trainer;
    return FV_OK;
}

void fv__trainer_destroy(fv__trainer *trainer) {
    if (trainer) {
        fv__pass_destroy(trainer->training);
        fv__pass_destroy(trainer->evaluation);
        fv__optimizer_free(&trainer->optimizer);
        fv__runner_stop(&trainer->runner);
        fv__free(trainer);
    }
}

double fv__trainer_rate(const fv__trainer *trainer) {
    return fv__schedule_rate(&trainer->settings.schedule, trainer->settings.optimizer.lr, trainer->step,
                             trainer->epoch_steps, (uint64_t)trainer->settings.epochs);
}

static fv_status fail_numeric(const fv__trainer *trainer, const char *what, fv_error *error) {
    char rate[FV__NUMBER_SIZE];
    return fv__fail(
        error, FV_NUMERIC,
        "%s is not finite at epoch %llu, step %llu: try a lower learning rate (train.optimizer lr, now %s)%s", what,
        (unsigned long long)(trainer->step / trainer->epoch_steps + 1),
        (unsigned long long)(trainer->step % trainer->epoch_steps + 1),
        fv__format_float(rate, trainer->settings.optimizer.lr),
        trainer->settings.clip_norm > 0 ? " or a lower train.clip_norm" : " or train.clip_norm: 1");
}

fv_status fv__trainer_step(fv__trainer *trainer, const fv__samples *samples, const uint32_t *indices, int count,
                           fv__metrics *metrics, fv_error *error) {
    fv__pass_run run = {.samples = samples,
                        .indices = indices,
                        .count = count,
                        .seed = trainer->seed,
                        .epoch = trainer->step / trainer->epoch_steps + 1};
    fv__plan *plan = fv__pass_plan(trainer->training);
    fv__metrics batch;
    fv_status status = FV_OK;
    FV__TRY(fv__pass_run_on(trainer->training, &run, &batch, error));
    float *gradients = fv__plan_weight_gradients(plan);
    if (!isfinite(batch.loss)) {
        status = fail_numeric(trainer, "the loss", error);
    } else if (fv__optimizer_step(&trainer->optimizer, trainer->runner.pool, trainer->step, fv__trainer_rate(trainer),
                                  trainer->model->weights, gradients, error)) {
        status = fail_numeric(trainer, "the gradient", error);
    }
    if (status) { // the next step must find them zero
        memset(gradients, 0, trainer->model->graph.weight_count * sizeof *gradients);
        return status;
    }
    fv__plan_weights_changed(plan);
    trainer->step++;
    fv__metrics_join(metrics, &batch);
    return FV_OK;
}

fv_status fv__trainer_evaluate(fv__trainer *trainer, const fv__samples *samples, fv__metrics *metrics,
                               fv_error *error) {
    fv__plan_weights_changed(fv__pass_plan(trainer->evaluation));
    return fv__pass_evaluate(trainer->evaluation, samples, metrics, NULL, error);
}

void fv__trainer_order(const fv__trainer *trainer, uint64_t epoch, size_t count, uint32_t *order) {
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
    }
    if (trainer->settings.shuffle) {
        fv__random random = fv__random_start(trainer->seed, FV__DRAW_SHUFFLE, epoch);
        fv__random_permutation(&random, count, order);
    }
}
