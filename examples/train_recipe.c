// SPDX-License-Identifier: Apache-2.0
// Trains a recipe on its first thousand samples, for a quick try, and keeps the model.
//
//     train_recipe [RECIPE [KEY=VALUE...]]      train_recipe fashion-attention train.epochs=2
#include <stdio.h>

#include "fovea.h"

// Called after each step and each epoch; returning false would stop the training.
static bool show(void *context, const fv_event *event) {
    (void)context;
    const fv_progress *progress = event->progress;
    if (event->kind == FV_EVENT_EPOCH) {
        printf("epoch %d of %d: loss %.4f, accuracy %.4f, on unseen samples %.4f (%.0f images a second)\n",
               progress->epoch, progress->epochs, progress->train.loss, progress->train.accuracy,
               progress->validation.accuracy, progress->images_per_second);
    }
    return true;
}

// The first 1,000 samples, one epoch: seconds, not minutes.
static fv_status choose(int count, char **words, fv_recipe **recipe, fv_error *error) {
    fv_status status = fv_recipe_open(count > 1 ? words[1] : "fashion-attention", recipe, error);
    if (status == FV_OK) {
        status = fv_recipe_set(*recipe, "data.limit=1000", error);
    }
    if (status == FV_OK) {
        status = fv_recipe_set(*recipe, "train.epochs=1", error);
    }
    for (int i = 2; i < count && status == FV_OK; i++) {
        status = fv_recipe_set(*recipe, words[i], error);
    }
    return status;
}

int main(int count, char **words) {
    fv_error error;
    fv_recipe *recipe = NULL;
    fv_model *model = NULL;
    // Without a folder nothing is written; the trained model is only in memory.
    const fv_train_options options = {.size = sizeof options, .seed = 1, .on_event = show};

    fv_status status = choose(count, words, &recipe, &error);
    if (status == FV_OK) {
        status = fv_recipe_train(recipe, &options, &model, &error);
    }
    if (status == FV_OK) {
        status = fv_model_save(model, "trained.safetensors", &error);
    }
    if (status == FV_OK) {
        printf("the model is in trained.safetensors: %zu weights\n", fv_model_get_info(model)->parameters);
    } else {
        fprintf(stderr, "%s\n", error.message);
    }
    fv_model_free(model);
    fv_recipe_free(recipe);
    return status == FV_OK ? 0 : 1;
}
