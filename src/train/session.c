// SPDX-License-Identifier: Apache-2.0
#include "train/session.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "formats/file.h"

// --- What is written

static const char *text_or_nothing(const char *text) {
    return text ? text : "";
}

static fv__checkpoint checkpoint_of(fv__session *session) {
    return (fv__checkpoint){.recipe = text_or_nothing(session->options->recipe),
                            .data = text_or_nothing(session->options->data),
                            .level = session->trainer->runner.kernels->level,
                            .rewrite = session->options->rewrite,
                            .state = &session->state,
                            .history = &session->history,
                            .optimizer = &session->trainer->optimizer,
                            .weights = session->model->weights,
                            .best_weights = session->settings->keep_best ? session->result_weights : NULL};
}

fv_status fv__session_write_checkpoint(fv__session *session, fv_error *error) {
    const fv__checkpoint checkpoint = checkpoint_of(session);
    return session->folder ? fv__checkpoint_write(&checkpoint, session->folder->checkpoint, error) : FV_OK;
}

fv_status fv__session_write_model(const fv__session *session, fv_error *error) {
    return session->folder ? fv__model_write(session->model, session->result_weights, session->folder->model, error)
                           : FV_OK;
}

fv_status fv__session_write_history(const fv__session *session, fv_error *error) {
    return session->folder ? fv__history_write(&session->history, session->folder->history, error) : FV_OK;
}

fv_status fv__session_write_report(const fv__session *session, const char *state, fv_error *error) {
    if (!session->folder) {
        return FV_OK;
    }
    const fv__fit_options *options = session->options;
    fv__run_report report = {.state = state,
                             .level = session->trainer->runner.kernels->level,
                             .rewrite = session->options->rewrite,
                             .data = text_or_nothing(options->data),
                             .data_set = text_or_nothing(options->data_set),
                             .left_out = options->left_out,
                             .threads = fv__runner_threads(&session->trainer->runner),
                             .seed = session->state.seed,
                             .train_samples = options->train->count,
                             .validation_samples = options->validation ? options->validation->count : 0,
                             .parameters = fv__graph_count_parameters(&session->model->graph, false),
                             .trainable = fv__graph_count_parameters(&session->model->graph, true),
                             .started = session->started.text,
                             .seconds = fv__seconds() - session->start,
                             .resumed = options->run->resume,
                             .best_epoch = session->settings->keep_best ? session->state.best_epoch : 0,
                             .history = &session->history};
    return fv__run_report_write(&report, session->folder->report, error);
}

// --- Beginning

fv_status fv__session_check(const fv_model *model, const fv__fit_options *options, fv_error *error) {
    if (options->train->count == 0 || options->train->count > UINT32_MAX) {
        return fv__fail(error, FV_INVALID, "the training set has %zu samples: at least 1 is needed, at most %u",
                        options->train->count, UINT32_MAX);
    }
    if (options->run->resume && !options->folder) {
        return fv__fail(error, FV_INVALID, "to resume a run, its folder must be named");
    }
    if (!model->classes) {
        return fv__fail(error, FV_INVALID, "the model is not complete: its last layer must give one value per class");
    }
    FV__TRY(fv__train_settings_check(options->settings, model->classes, options->validation != NULL, error));
    FV__TRY(fv__samples_check(options->train, model, error));
    return options->validation ? fv__samples_check(options->validation, model, error) : FV_OK;
}

fv_status fv__session_check_resumed(fv_model *model, fv__fit_options *options, fv_error *error) {
    const fv__kernels *kernels;
    FV__TRY(fv__kernels_select(NULL, &kernels, error));
    const fv__checkpoint run = {
        .recipe = text_or_nothing(options->recipe), .data = text_or_nothing(options->data), .level = kernels->level};
    return fv__checkpoint_begin(&run, options->folder->checkpoint, model, &options->rewrite, error);
}

// The recipe and the first checkpoint, from which the run can be begun again.
static fv_status write_beginning(fv__session *session, fv_error *error) {
    const char *recipe = session->options->recipe;
    if (session->folder && recipe) {
        FV__TRY(fv__file_write(session->folder->recipe, recipe, strlen(recipe), error));
    }
    return fv__session_write_checkpoint(session, error);
}

// Takes up the run where its checkpoint left it.
static fv_status take_up(fv__session *session, fv_error *error) {
    fv__checkpoint checkpoint = checkpoint_of(session);
    FV__TRY(fv__checkpoint_read(&checkpoint, session->folder->checkpoint, error));
    session->trainer->step = session->state.steps;
    session->trainer->seed = session->state.seed;
    return FV_OK;
}

static fv_status allocate(fv__session *session, fv_error *error) {
    session->order = fv__alloc_array(session->options->train->count, sizeof *session->order);
    session->result_weights = fv__alloc_array(session->model->graph.weight_count + 1, sizeof(float));
    return session->order && session->result_weights ? FV_OK : fv__fail_memory(error, "training");
}

// count / (classes · count of the class), so that every class counts the same and the average is 1 (King and Zeng 2001,
// "Logistic regression in rare events data").
static fv_status balance(fv__session *session, fv_error *error) {
    const fv__samples *train = session->options->train;
    const int classes = session->model->classes;
    size_t *counts = fv__alloc_array((size_t)classes, sizeof *counts);
    session->class_weights = fv__alloc_array((size_t)classes, sizeof(float));
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(counts && session->class_weights ? FV_OK : fv__fail_memory(error, "training"));
    for (size_t i = 0; i < train->count; i++) {
        counts[train->labels[i]]++;
    }
    for (int c = 0; c < classes; c++) {
        session->class_weights[c] = counts[c] ? (float)((double)train->count / classes / (double)counts[c]) : 1;
    }
done:
    fv__free(counts);
    return status;
}

fv_status fv__session_begin(fv__session *session, fv_model *model, const fv__fit_options *options, fv_error *error) {
    *session = (fv__session){.model = model,
                             .options = options,
                             .settings = options->settings,
                             .folder = options->folder,
                             .state = {.epoch = 1, .seed = options->run->seed},
                             .started = fv__timestamp_now(),
                             .start = fv__seconds(),
                             .written = fv__seconds()};
    fv__trainer_options trainer = {.threads = options->run->threads,
                                   .seed = options->run->seed,
                                   .train_samples = options->train->count,
                                   .validation_samples = options->validation ? options->validation->count : 0,
                                   .augmentations = options->augmentations,
                                   .no_rewrite = !options->rewrite,
                                   .from = options->from};
    model->label_smoothing = options->settings->label_smoothing;
    fv__model_refresh_info(model);
    fv__history_init(&session->history, session->settings->top_k, options->validation != NULL);
    FV__TRY(fv__session_check(model, options, error));
    if (session->settings->balance) {
        FV__TRY(balance(session, error));
        trainer.class_weights = session->class_weights;
    }
    FV__TRY(fv__trainer_create(model, session->settings, &trainer, &session->trainer, error));
    FV__TRY(allocate(session, error));
    return options->run->resume ? take_up(session, error) : write_beginning(session, error);
}

void fv__session_end(fv__session *session) {
    fv__trainer_destroy(session->trainer);
    fv__history_free(&session->history);
    fv__free(session->order);
    fv__free(session->result_weights);
    fv__free(session->class_weights);
}
