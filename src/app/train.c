// SPDX-License-Identifier: Apache-2.0
// Training as the public function does it: the run itself (recipe/train.c), and around it what a run shows of itself:
// curves, TensorBoard's events, and the score on the test set.
#include <string.h>

#include "app/board.h"
#include "app/live_curves.h"
#include "base/memory.h"
#include "formats/file.h"
#include "recipe/recipe.h"
#include "recipe/train.h"
#include "train/run_folder.h"

typedef struct training {
    const fv_train_options *options;
    fv__live_curves curves;
    fv__board board;
    fv_metrics validation; // of the last epoch
} training;

static bool on_event(void *context, const fv_event *event) {
    training *now = context;
    const fv_train_options *options = now->options;
    const bool go_on = fv__emit(options->on_event, options->context, event);
    if (event->kind == FV_EVENT_EPOCH) {
        now->validation = event->progress->validation;
    }
    fv__board_note(&now->board, event, options->on_event, options->context);
    fv__live_curves_note(&now->curves, event, options->on_event, options->context);
    return go_on;
}

// The trained model on the test set; no samples: the data set has none. The last validation may have been just that.
static fv_status measure(const training *now, const fv_recipe *recipe, const fv_model *model, fv_metrics *metrics,
                         fv_error *error) {
    fv_dataset *data = NULL;
    fv_evaluation *evaluation = NULL;
    fv_evaluate_options how = {.size = sizeof how, .threads = now->options->threads};
    fv_status status = FV_OK;
    *metrics = now->validation;
    if (metrics->samples && !recipe->train.keep_best && fv__data_validates_on_test(&recipe->data)) {
        return FV_OK;
    }
    *metrics = (fv_metrics){0};
    memcpy(how.top_k, recipe->train.top_k, sizeof how.top_k);
    status = fv__data_open_split(&recipe->data, "test", &data, error);
    if (status == FV_NOT_FOUND) {
        return FV_OK;
    }
    FV__TRY_OR_DONE(status);
    FV__TRY_OR_DONE(fv_model_evaluate(model, data, &how, &evaluation, error));
    *metrics = evaluation->metrics;
done:
    fv_evaluation_free(evaluation);
    fv_dataset_free(data);
    return status;
}

static fv_status test(const training *now, const fv_recipe *recipe, const fv_model *model, fv_error *error) {
    const fv_train_options *options = now->options;
    fv_metrics metrics;
    char *path = NULL;
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(measure(now, recipe, model, &metrics, error));
    if (metrics.samples && options->folder) {
        path = fv__format("%s/run.json", options->folder);
        FV__TRY_OR_DONE(path ? fv__run_report_add_test(path, &metrics, error)
                             : fv__fail_memory(error, "the report of the run"));
    }
    if (metrics.samples) {
        fv__emit(options->on_event, options->context, &(fv_event){.kind = FV_EVENT_TEST, .metrics = &metrics});
    }
done:
    fv__free(path);
    return status;
}

// A resumed run goes on writing what it was begun with.
static bool wants_board(const fv_train_options *options) {
    if (options->tensorboard || !options->resume || !options->folder) {
        return options->tensorboard && options->folder;
    }
    char *path = fv__format("%s/tensorboard", options->folder);
    const bool there = path && fv__folder_exists(path);
    fv__free(path);
    return there;
}

fv_status fv_recipe_train(const fv_recipe *recipe, const fv_train_options *options, fv_model **model, fv_error *error) {
    if (model) {
        *model = NULL;
    }
    FV__TAKE(fv_train_options, options, error);
    training now = {.options = &own,
                    .curves = {.folder = own.no_curves ? NULL : own.folder},
                    .board = {.run = wants_board(&own) ? own.folder : NULL}};
    fv_train_options inner = own;
    fv_model *trained = NULL;
    inner.on_event = on_event;
    inner.context = &now;
    fv_status status = fv__recipe_train(recipe, &inner, &trained, error);
    fv__live_curves_end(&now.curves, own.on_event, own.context);
    fv__board_end(&now.board, trained, own.on_event, own.context);
    FV__TRY_OR_DONE(status);
    if (own.test) {
        FV__TRY_OR_DONE(test(&now, recipe, trained, error));
    }
    if (model) {
        *model = trained;
        trained = NULL;
    }
done:
    fv_model_free(trained);
    return status;
}
