// SPDX-License-Identifier: Apache-2.0
#include "train/frozen.h"

#include "base/memory.h"
#include "base/options.h"
#include "fetch/cache.h"
#include "graph/frozen.h"

fv_status fv__frozen_end(const fv__train_settings *settings, const fv__augmentations *augmentations,
                         const fv_model *model, int *end, const char **why_not, fv_error *error) {
    int node;
    *why_not = NULL;
    *end = 0;
    FV__TRY(fv__graph_frozen_end(&model->graph, model->input, model->output, &node, error));
    if (node == model->input || !settings->cache_features || !fv__features_pay(model, node)) {
        return FV_OK;
    }
    if (augmentations->count > 0) {
        *why_not = "augmentation changes the samples each epoch, so the frozen layers run again for every one";
    } else {
        *end = node;
    }
    return FV_OK;
}

static void remark(const fv_train_options *options, const char *message) {
    fv__emit(options->on_event, options->context, &(fv_event){.kind = FV_EVENT_REMARK, .message = message});
}

// How far it is, over both data sets.
typedef struct report {
    const fv_train_options *options;
    size_t before, total;
    size_t computed; // of those before, which took
    double seconds;
} report;

static bool on_batch(void *context, size_t done, size_t count, double seconds) {
    report *now = context;
    const double all = now->seconds + seconds;
    const size_t computed = now->computed + done;
    const fv_event event = {.kind = FV_EVENT_WORK,
                            .message = "frozen layers",
                            .done = done ? now->before + done : 0,
                            .count = now->total,
                            .computed = computed,
                            .seconds = all};
    if (done == count) {
        now->computed = computed;
        now->seconds = all;
    }
    return fv__emit(now->options->on_event, now->options->context, &event);
}

// The features of one of the data sets, as samples with its labels.
static fv_status open_one(const fv_model *model, fv__features_options options, const fv_dataset *data,
                          const fv__samples *samples, report *now, fv__features **out, fv__samples *features,
                          fv_error *error) {
    char digest[FV__SHA256_TEXT];
    FV__TRY(fv__dataset_digest(data, digest, error));
    options.data = digest;
    FV__TRY(fv__features_open(model, samples, &options, out, error));
    *features = fv__features_samples(*out, samples);
    now->before += samples->count;
    return FV_OK;
}

static fv_status open_both(fv__frozen *frozen, const fv_model *model, int end, const fv_dataset *training,
                           const fv_dataset *validation, const fv__fit_options *fit, fv_error *error) {
    char *folder;
    report now = {.options = fit->run, .total = fit->train->count + (validation ? fit->validation->count : 0)};
    fv_status status = FV_OK;
    FV__TRY(fv__cache_path("features", &folder, error));
    const fv__features_options options = {.node = end,
                                          .folder = folder,
                                          .threads = fit->run->threads,
                                          .no_rewrite = !fit->rewrite,
                                          .on_batch = on_batch,
                                          .context = &now};
    FV__TRY_OR_DONE(
        open_one(model, options, training, fit->train, &now, &frozen->training, &frozen->training_samples, error));
    if (validation) {
        FV__TRY_OR_DONE(open_one(model, options, validation, fit->validation, &now, &frozen->validation,
                                 &frozen->validation_samples, error));
    }
done:
    fv__free(folder);
    return status;
}

// Training goes on without the cache, only slower.
static void do_without(fv__frozen *frozen, const fv_train_options *options, const fv_error *reason) {
    char *message = fv__format("%s; without a cache the frozen layers run again in every epoch", reason->message);
    remark(options, message ? message : reason->message);
    fv__free(message);
    fv__frozen_close(frozen);
}

fv_status fv__frozen_use(fv__frozen *frozen, const fv_model *model, const fv_dataset *training,
                         const fv_dataset *validation, fv__fit_options *fit, fv_error *error) {
    const char *why_not;
    int end;
    fv_error reason, *why = error ? error : &reason;
    *frozen = (fv__frozen){0};
    FV__TRY(fv__frozen_end(fit->settings, fit->augmentations, model, &end, &why_not, why));
    if (why_not) {
        remark(fit->run, why_not);
    }
    if (!end) {
        return FV_OK;
    }
    const fv_status status = open_both(frozen, model, end, training, validation, fit, why);
    if (status == FV_IO || status == FV_NOT_FOUND) { // of the cache; if of an image, training finds that out
        do_without(frozen, fit->run, why);
        return FV_OK;
    }
    FV__TRY(status);
    fit->from = end;
    fit->train = &frozen->training_samples;
    fit->validation = validation ? &frozen->validation_samples : NULL;
    return FV_OK;
}

void fv__frozen_close(fv__frozen *frozen) {
    fv__features_close(frozen->training);
    fv__features_close(frozen->validation);
    *frozen = (fv__frozen){0};
}
