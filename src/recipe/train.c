// SPDX-License-Identifier: Apache-2.0
// The public functions that bring recipe, data, model and training together.
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "data/samples.h"
#include "recipe/recipe.h"
#include "recipe/train.h"
#include "train/frozen.h"

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

fv_status fv_model_create_bare(const fv_recipe *recipe, uint64_t seed, fv_model **out, fv_error *error) {
    return fv__recipe_model(recipe, seed, out, error);
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
    const fv__samples train_samples = fv__dataset_samples(training);
    const fv__samples validation_samples = validation ? fv__dataset_samples(validation) : (fv__samples){0};
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(fv__recipe_resolve(recipe, &text, error));
    if (folder) {
        FV__TRY_OR_DONE(digest_data(training, validation, digest, error));
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
    FV__TRY_OR_DONE(fv__fit_prepare(model, &fit, error));
    FV__TRY_OR_DONE(fv__frozen_use(&frozen, model, training, validation, &fit, error));
    const fv_event event = {.kind = FV_EVENT_START, .model = model, .training = training, .validation = validation};
    if (!fv__emit(options->on_event, options->context, &event)) {
        FV__TRY_OR_DONE(fv__fail(error, FV_INTERRUPTED, "stopped before the first step"));
    }
    FV__TRY_OR_DONE(fv__fit(model, &fit, error));
done:
    fv__frozen_close(&frozen);
    fv__text_free(&text);
    return status;
}

// Returns how many there are. Stops on request.
static fv_status report_left_out(const fv_train_options *options, const fv_dataset *data, size_t *count,
                                 fv_error *error) {
    *count += data->left_out_count;
    for (size_t i = 0; i < data->left_out_count; i++) {
        const fv_event event = {.kind = FV_EVENT_LEFT_OUT, .message = data->left_out[i], .index = i};
        if (!fv__emit(options->on_event, options->context, &event)) {
            return fv__fail(error, FV_INTERRUPTED, "stopped before the first step");
        }
    }
    return FV_OK;
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
        status = report_left_out(options, all, &left_out, error);
    }
    if (!status && validation && validation->left_out != all->left_out) {
        status = report_left_out(options, validation, &left_out, error);
    }
    if (!status) {
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

fv_status fv__recipe_train(const fv_recipe *recipe, const fv_train_options *options, fv_model **model,
                           fv_error *error) {
    fv__run_folder folder;
    *model = NULL;
    if (!options->resume) {
        FV__TRY(fv__weights_look(&recipe->weights, error));
    }
    if (options->folder) {
        FV__TRY(fv__run_folder_open(&folder, options->folder, options->resume, error));
    }
    const fv_status status = open_and_train(recipe, options, options->folder ? &folder : NULL, model, error);
    if (options->folder) {
        fv__run_folder_close(&folder);
    }
    if (status) {
        fv_model_free(*model);
        *model = NULL;
    }
    return status;
}
