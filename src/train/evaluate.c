// SPDX-License-Identifier: Apache-2.0
// Evaluation: one pass over a data set, forward only.
#include <math.h>
#include <string.h>

#include "base/options.h"
#include "data/samples.h"
#include "train/evaluation.h"
#include "train/pass.h"

enum { BATCH = 64 };

static fv_status check_dataset(const fv_model *model, const fv_dataset *dataset, const int *top_k, fv_error *error) {
    FV__TRY(fv__model_check_images(model, dataset->name, dataset->height, dataset->width, dataset->channels, error));
    if (dataset->classes != model->classes) {
        return fv__fail(error, FV_INVALID, "the model has %d classes, but %s has %d", model->classes, dataset->name,
                        dataset->classes);
    }
    for (int k = 0; k < FV_MAX_TOP && top_k[k]; k++) {
        if (top_k[k] < 1 || top_k[k] > model->classes) {
            return fv__fail(error, FV_INVALID, "top-%d accuracy needs at least %d classes, and the model has %d",
                            top_k[k], top_k[k], model->classes);
        }
    }
    return FV_OK;
}

static fv_status evaluate(const fv_model *model, const fv_dataset *dataset, const fv_evaluate_options *options,
                          fv_evaluation *evaluation, fv_error *error) {
    fv__runner runner = {0};
    fv__pass *pass = NULL;
    fv__pass_options pass_options = {.batch = BATCH,
                                     .no_rewrite = options->no_rewrite,
                                     .label_smoothing =
                                         options->label_smoothing ? *options->label_smoothing : model->label_smoothing};
    const fv__samples samples = fv__dataset_samples(dataset);
    fv__metrics sums = {0};
    memcpy(pass_options.top_k, options->top_k, sizeof pass_options.top_k);
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(check_dataset(model, dataset, options->top_k, error));
    FV__TRY_OR_DONE(fv__runner_start(&runner, options->threads, error));
    FV__TRY_OR_DONE(fv__pass_create(model, &runner, &pass_options, &pass, error));
    FV__TRY_OR_DONE(fv__pass_evaluate(pass, &samples, &sums, evaluation, error));
    if (isfinite(sums.loss)) {
        evaluation->metrics = fv__metrics_means(&sums, options->top_k);
        fv__evaluation_finish(evaluation);
    } else {
        status =
            fv__fail(error, FV_NUMERIC, "the loss on %s is not finite; the model's weights overflow", dataset->name);
    }
done:
    fv__pass_destroy(pass);
    fv__runner_stop(&runner);
    return status;
}

fv_status fv_model_evaluate(const fv_model *model, const fv_dataset *dataset, const fv_evaluate_options *options,
                            fv_evaluation **out, fv_error *error) {
    *out = NULL;
    FV__TAKE(fv_evaluate_options, options, error);
    fv_evaluation *made = NULL;
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(fv__evaluation_create(dataset->classes, dataset->count, &made, error));
    FV__TRY_OR_DONE(evaluate(model, dataset, &own, made, error));
    *out = made;
    made = NULL;
done:
    fv_evaluation_free(made);
    return status;
}
