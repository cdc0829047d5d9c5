#include "recipe/frozen.h"

#include "base/memory.h"
#include "base/options.h"
#include "fetch/cache.h"
#include "graph/frozen.h"

fv_status fv__frozen_end(const fv_recipe *recipe, const fv_model *model, int *end, const char **why_not,
                         fv_error *error) {
    int node;
    *why_not = NULL;
    *end = 0;
    fv_status status = fv__graph_frozen_end(&model->graph, model->input, model->output, &node, error);
    if (status || node == model->input || !fv__features_pay(model, node) || !recipe->train.cache_features) {
        return status;
    }
    if (recipe->augmentations.count > 0) {
        *why_not = "augmentation changes the samples each epoch, so the frozen layers run anew for every one";
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
    bool rewrite;
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

static fv_status open_one(const fv_model *model, int end, const fv_dataset *data, fv__samples *samples,
                          const char *folder, report *now, fv__features **out, fv_error *error) {
    char digest[FV__SHA256_TEXT];
    fv__features_options options = {.node = end,
                                    .data = digest,
                                    .folder = folder,
                                    .threads = now->options->threads,
                                    .no_rewrite = !now->rewrite,
                                    .on_batch = on_batch,
                                    .context = now};
    fv_status status = fv__dataset_digest(data, digest, error);
    if (!status) {
        status = fv__features_open(model, samples, &options, out, error);
    }
    if (!status) {
        *samples = fv__features_samples(*out, samples);
        now->before += samples->count;
    }
    return status;
}

// Training goes on without the cache, only slower.
static void do_without(fv__frozen *frozen, const fv_train_options *options, const fv_error *reason) {
    char *message = fv__format("%s; without a cache the frozen layers run anew in every epoch", reason->message);
    remark(options, message ? message : reason->message);
    fv__free(message);
    fv__frozen_close(frozen);
}

fv_status fv__frozen_open(fv__frozen *frozen, const fv_recipe *recipe, const fv_train_options *options,
                          const fv_model *model, fv__samples *training, const fv_dataset *training_data,
                          fv__samples *validation, const fv_dataset *validation_data, bool rewrite, fv_error *error) {
    const fv__samples images = *training, validation_images = *validation;
    const char *why_not;
    char *folder;
    fv_error reason, *told = error ? error : &reason;
    *frozen = (fv__frozen){0};
    fv_status status = fv__frozen_end(recipe, model, &frozen->end, &why_not, told);
    if (!status && why_not) {
        remark(options, why_not);
    }
    if (status || !frozen->end) {
        return status;
    }
    report now = {
        .options = options, .rewrite = rewrite, .total = training->count + (validation_data ? validation->count : 0)};
    status = fv__cache_path("features", &folder, told);
    if (!status) {
        status = open_one(model, frozen->end, training_data, training, folder, &now, &frozen->training, told);
    }
    if (!status && validation_data) {
        status = open_one(model, frozen->end, validation_data, validation, folder, &now, &frozen->validation, told);
    }
    fv__free(folder);
    if (status == FV_IO || status == FV_NOT_FOUND) { // of the cache; if of an image, training finds that out
        do_without(frozen, options, told);
        *training = images;
        *validation = validation_images;
        status = FV_OK;
    }
    return status;
}

void fv__frozen_close(fv__frozen *frozen) {
    fv__features_close(frozen->training);
    fv__features_close(frozen->validation);
    *frozen = (fv__frozen){0};
}
