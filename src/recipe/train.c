// The public functions that bring recipe, data, model and training together.
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "recipe/frozen.h"
#include "recipe/recipe.h"
#include "train/evaluation.h"
#include "train/fit.h"

// --- Models

// From the recipe as resolved, so that the model's description does not depend on how much of the recipe was written
// out: a resumed run, which reads the resolved one, ends with the same model file.
fv_status fv__recipe_model(const fv_recipe *recipe, uint64_t seed, fv_model **out, fv_error *error) {
    const fv__dataset_info *info = recipe->data.info;
    fv__text text = {0};
    fv_recipe *resolved = NULL;
    *out = NULL;
    fv_status status = fv__recipe_resolve(recipe, &text, error);
    if (!status) {
        status = fv_recipe_parse(text.bytes, text.length, recipe->source, &resolved, error);
    }
    if (!status) {
        status = fv__model_build(resolved->input, resolved->layers, fv__data_known_classes(&recipe->data),
                                 info->class_names, seed, out, error);
    }
    fv_recipe_free(resolved);
    fv__text_free(&text);
    return status;
}

// By mean and deviation over the whole training split, whatever part of it is trained on.
static fv_status normalize(fv_model *model, const fv_dataset *all, fv_error *error) {
    fv__dataset_statistics statistics = {0};
    if (model->input_settings.normalize != FV__NORMALIZE_DATASET) {
        return FV_OK;
    }
    fv_status status = fv__dataset_measure(all, &statistics, error);
    if (!status) {
        fv__model_normalize(model, statistics.mean, statistics.deviation);
        fv__dataset_statistics_free(&statistics);
    }
    return status;
}

// With the weights that the recipe begins with; `resumed`, they are those of the checkpoint anyhow.
static fv_status start_model(const fv_recipe *recipe, uint64_t seed, bool resumed, fv_model **out, fv_error *error) {
    fv_status status = fv__recipe_model(recipe, seed, out, error);
    if (!status && !resumed && (status = fv__weights_load(&recipe->weights, *out, error))) {
        fv_model_free(*out);
        *out = NULL;
    }
    return status;
}

// A complete model, given all of the training split, whose files may name the classes.
static fv_status make_model(const fv_recipe *recipe, uint64_t seed, bool resumed, const fv_dataset *all, fv_model **out,
                            fv_error *error) {
    fv_status status = start_model(recipe, seed, resumed, out, error);
    if (!status) {
        status = fv__model_name_classes(*out, all->classes, all->class_names, error);
        if (!status) {
            status = normalize(*out, all, error);
        }
        if (status) {
            fv_model_free(*out);
            *out = NULL;
        }
    }
    return status;
}

fv_status fv_model_create_from_recipe(const fv_recipe *recipe, uint64_t seed, fv_model **out, fv_error *error) {
    fv_dataset *all;
    fv_status status = start_model(recipe, seed, false, out, error);
    if (status || (*out)->input_settings.normalize != FV__NORMALIZE_DATASET) {
        return status;
    }
    fv_model_free(*out);
    *out = NULL;
    status = fv__data_open_training(&recipe->data, &all, error);
    if (!status) {
        status = make_model(recipe, seed, false, all, out, error);
        fv_dataset_free(all);
    }
    return status;
}

// --- Samples of data sets

static fv_status read_sample(void *context, size_t index, uint8_t *pixels, fv_error *error) {
    return fv_dataset_read(context, index, pixels, error);
}

static fv__samples samples_of(fv_dataset *dataset) {
    return (fv__samples){.count = dataset->count, .labels = dataset->labels, .read = read_sample, .context = dataset};
}

// --- Training

// Names the samples of a run: those learnt from and those validated on (NULL: none).
static fv_status digest_data(const fv_dataset *training, const fv_dataset *validation, char digest[FV__SHA256_TEXT],
                             fv_error *error) {
    char parts[2][FV__SHA256_TEXT] = {"", ""};
    fv_status status = fv__dataset_digest(training, parts[0], error);
    if (!status && validation) {
        status = fv__dataset_digest(validation, parts[1], error);
    }
    fv__sha256_memory(parts, sizeof parts, digest);
    return status;
}

static fv_status train(const fv_recipe *recipe, const fv_train_options *options, const fv__run_folder *folder,
                       fv_dataset *training, fv_dataset *validation, size_t left_out, fv_model *model,
                       fv_error *error) {
    fv__text text = {0};
    fv__frozen frozen = {0};
    char digest[FV__SHA256_TEXT] = "";
    fv__samples train_samples = samples_of(training);
    fv__samples validation_samples = validation ? samples_of(validation) : (fv__samples){0};
    fv_status status = fv__recipe_resolve(recipe, &text, error);
    if (!status && folder) {
        status = digest_data(training, validation, digest, error);
    }
    fv__fit_options fit = {.settings = &recipe->train,
                           .train = &train_samples,
                           .augmentations = &recipe->augmentations,
                           .validation = validation ? &validation_samples : NULL,
                           .recipe = text.bytes,
                           .data_set = recipe->data.set,
                           .data = digest,
                           .left_out = left_out,
                           .folder = folder,
                           .run = options};
    if (!status) {
        status = fv__fit_prepare(model, &fit, error);
    }
    if (!status) {
        status = fv__frozen_open(&frozen, recipe, options, model, &train_samples, training, &validation_samples,
                                 validation, error);
    }
    if (!status) {
        fit.from = frozen.end;
        if (options->on_start) {
            options->on_start(options->context, model, training, validation);
        }
        status = fv__fit(model, &fit, error);
    }
    fv__frozen_close(&frozen);
    fv__text_free(&text);
    return status;
}

// Returns how many there are.
static size_t tell_left_out(const fv_train_options *options, const fv_dataset *data) {
    for (size_t i = 0; options->on_left_out && i < data->left_out_count; i++) {
        options->on_left_out(options->context, data->left_out[i]);
    }
    return data->left_out_count;
}

// From the data on, in a folder that is open; NULL: none.
static fv_status open_and_train(const fv_recipe *recipe, const fv_train_options *options, const fv__run_folder *folder,
                                fv_model **model, fv_error *error) {
    fv_dataset *all = NULL, *training = NULL, *validation = NULL;
    size_t left_out = 0;
    fv_status status = fv__data_open_training(&recipe->data, &all, error);
    if (!status) {
        status = fv__data_divide(&recipe->data, all, &training, &validation, error);
    }
    if (!status) {
        left_out = tell_left_out(options, all);
        if (validation && validation->left_out != all->left_out) {
            left_out += tell_left_out(options, validation);
        }
        status = make_model(recipe, options->seed, options->resume, all, model, error);
    }
    if (!status) {
        status = train(recipe, options, folder, training, validation, left_out, *model, error);
    }
    fv_dataset_free(training);
    fv_dataset_free(validation);
    fv_dataset_free(all);
    return status;
}

fv_status fv_recipe_train(const fv_recipe *recipe, const fv_train_options *options, fv_model **model, fv_error *error) {
    static const fv_train_options defaults = {0};
    fv_model *trained = NULL;
    fv__run_folder folder;
    options = options ? options : &defaults;
    if (model) {
        *model = NULL;
    }
    fv_status status = options->resume ? FV_OK : fv__weights_look(&recipe->weights, error);
    if (!status && options->folder) {
        status = fv__run_folder_open(&folder, options->folder, options->resume, error);
    }
    if (status) {
        return status;
    }
    status = open_and_train(recipe, options, options->folder ? &folder : NULL, &trained, error);
    if (options->folder) {
        fv__run_folder_close(&folder);
    }
    if (!status && model) {
        *model = trained;
    } else {
        fv_model_free(trained);
    }
    return status;
}

// --- Evaluation

static fv_status check_dataset(const fv_model *model, const fv_dataset *dataset, const fv_metrics *metrics,
                               fv_error *error) {
    const int *size = model->input_settings.size.values;
    if (dataset->height != size[0] || dataset->width != size[1] || dataset->channels != size[2]) {
        return fv__fail(error, FV_INVALID, "the model takes images of %d×%d×%d, those of %s are %d×%d×%d", size[0],
                        size[1], size[2], dataset->name, dataset->height, dataset->width, dataset->channels);
    }
    if (dataset->classes != model->classes) {
        return fv__fail(error, FV_INVALID, "the model tells %d classes apart, %s has %d", model->classes, dataset->name,
                        dataset->classes);
    }
    for (int k = 0; k < FV_MAX_TOP && metrics->top_k[k]; k++) {
        if (metrics->top_k[k] < 1 || metrics->top_k[k] > model->classes) {
            return fv__fail(error, FV_INVALID, "top-%d of %d classes cannot be counted", metrics->top_k[k],
                            model->classes);
        }
    }
    return FV_OK;
}

// `details` (NULL: not wanted) has been begun.
static fv_status evaluate(fv_model *model, const fv_dataset *dataset, fv_metrics *metrics, fv_evaluation *details,
                          fv_error *error) {
    const fv__kernels *kernels;
    fv__pool *pool = NULL;
    fv__pass *pass = NULL;
    fv__pass_options options = {.batch = FV__PREDICTION_BATCH, .label_smoothing = model->label_smoothing};
    fv__samples samples = samples_of((fv_dataset *)dataset);
    fv__metrics sums = {0};
    memcpy(options.top_k, metrics->top_k, sizeof options.top_k);
    fv_status status = check_dataset(model, dataset, metrics, error);
    if (!status) {
        status = fv__kernels_select(NULL, &kernels, error);
    }
    if (!status) {
        status = fv__pool_create(model->threads, &pool, error);
    }
    if (!status) {
        status = fv__pass_create(model, kernels, pool, &options, &pass, error);
    }
    if (!status) {
        status = fv__pass_evaluate(pass, &samples, &sums, details, error);
    }
    if (!status && !isfinite(sums.loss)) {
        status =
            fv__fail(error, FV_NUMERIC, "the loss on %s is not finite; the model's weights overflow", dataset->name);
    }
    if (!status) {
        *metrics = fv__metrics_means(&sums, options.top_k);
    }
    fv__pass_destroy(pass);
    fv__pool_destroy(pool);
    return status;
}

fv_status fv_evaluate(fv_model *model, const fv_dataset *dataset, fv_metrics *metrics, fv_error *error) {
    return evaluate(model, dataset, metrics, NULL, error);
}

fv_status fv_evaluate_in_detail(fv_model *model, const fv_dataset *dataset, fv_metrics *metrics,
                                fv_evaluation *evaluation, fv_error *error) {
    fv_status status = fv__evaluation_begin(evaluation, dataset->classes, dataset->count, error);
    if (!status) {
        status = evaluate(model, dataset, metrics, evaluation, error);
    }
    if (!status) {
        fv__evaluation_finish(evaluation);
    }
    return status;
}
