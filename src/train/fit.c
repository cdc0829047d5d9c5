// SPDX-License-Identifier: Apache-2.0
#include "train/fit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/options.h"
#include "train/session.h"

enum {
    WRITE_EVERY = 2, // seconds, at least, between two epochs that are written
    WRITE_SHARE = 20 // and as many times as long as writing takes
};

// Early stopping as Keras's: so many epochs in a row without a better one.
static bool stopped_early(const fv__session *session) {
    return session->settings->patience > 0 && session->state.waited >= (uint64_t)session->settings->patience;
}

static bool is_finished(const fv__session *session) {
    return session->state.epoch > (uint64_t)session->settings->epochs || stopped_early(session);
}

// Where the run is. `validation` is NULL within an epoch.
static fv_progress progress_of(const fv__session *session, const fv__metrics *validation) {
    const fv__run_state *state = &session->state;
    fv_progress progress = {.epoch = (int)state->epoch,
                            .epochs = session->settings->epochs,
                            .step = (int)state->step,
                            .steps = (int)session->trainer->epoch_steps,
                            .learning_rate = state->rate,
                            .seconds = state->seconds,
                            .train = fv__metrics_means(&state->train, session->settings->top_k)};
    progress.images_per_second = state->seconds > 0 ? (double)state->train.samples / state->seconds : 0;
    if (validation) {
        progress.validation = fv__metrics_means(validation, session->settings->top_k);
    }
    return progress;
}

// False: the caller asks to stop.
static bool report_progress(const fv__session *session, const fv__metrics *validation) {
    const fv_train_options *run = session->options->run;
    const fv_progress progress = progress_of(session, validation);
    const fv_event event = {.kind = validation ? FV_EVENT_EPOCH : FV_EVENT_STEP, .progress = &progress};
    return fv__emit(run->on_event, run->context, &event);
}

static fv_status fail_interrupted(const fv__session *session, fv_error *error) {
    const char *folder = session->options->folder ? session->options->folder->path : NULL;
    char where[96];
    snprintf(where, sizeof where, session->state.step ? "in epoch %llu, after step %llu of %llu" : "before epoch %llu",
             (unsigned long long)session->state.epoch, (unsigned long long)session->state.step,
             (unsigned long long)session->trainer->epoch_steps);
    return folder ? fv__fail(error, FV_INTERRUPTED, "stopped %s; the run in %s can be resumed", where, folder)
                  : fv__fail(error, FV_INTERRUPTED, "stopped %s", where);
}

static fv_status write_model(fv__session *session, fv_error *error) {
    if (session->model_wanted) {
        FV__TRY(fv__session_write_model(session, error));
    }
    session->model_wanted = false;
    return FV_OK;
}

static fv_status write_results(fv__session *session, fv_error *error) {
    FV__TRY(fv__session_write_history(session, error));
    return write_model(session, error);
}

// A checkpoint comes after the model: a run killed in between repeats what came after the checkpoint before and writes
// the same.
static fv_status write_state(fv__session *session, fv_error *error) {
    FV__TRY(fv__session_write_checkpoint(session, error));
    FV__TRY(fv__session_write_report(session, is_finished(session) ? "finished" : "running", error));
    session->written = fv__seconds();
    return FV_OK;
}

static fv_status train_step(fv__session *session, fv_error *error) {
    fv__run_state *state = &session->state;
    const fv__samples *train = session->options->train;
    const size_t batch = (size_t)session->settings->batch;
    const size_t first = (size_t)state->step * batch, left = train->count - first;
    const double start = fv__seconds();
    state->rate = fv__trainer_rate(session->trainer);
    FV__TRY(fv__trainer_step(session->trainer, train, session->order + first, (int)(left < batch ? left : batch),
                             &state->train, error));
    state->seconds += fv__seconds() - start;
    state->step++;
    state->steps = session->trainer->step;
    return FV_OK;
}

static fv_status train_steps(fv__session *session, fv_error *error) {
    fv__run_state *state = &session->state;
    const int every = session->options->run->checkpoint_steps;
    fv__trainer_order(session->trainer, state->epoch, session->options->train->count, session->order);
    while (state->step < session->trainer->epoch_steps) {
        FV__TRY(train_step(session, error));
        if (!report_progress(session, NULL)) {
            FV__TRY(write_results(session, error));
            FV__TRY(write_state(session, error));
            return fail_interrupted(session, error);
        }
        if (every > 0 && state->step % (uint64_t)every == 0) {
            FV__TRY(write_model(session, error));
            FV__TRY(fv__session_write_checkpoint(session, error));
        }
    }
    return FV_OK;
}

// Whether this epoch is better than all before. With equal accuracies the earlier one stays.
static bool note_best(fv__session *session, double accuracy) {
    fv__run_state *state = &session->state;
    if (state->best_epoch && !(accuracy > state->best)) {
        state->waited++;
        return false;
    }
    state->best = accuracy;
    state->best_epoch = state->epoch;
    state->waited = 0;
    return true;
}

// The model file gets these weights, whenever it is written.
static void keep_weights(fv__session *session) {
    memcpy(session->result_weights, session->model->weights, session->model->graph.weight_count * sizeof(float));
    session->state.weights_kept = session->settings->keep_best;
    session->model_wanted = true;
}

static fv_status fail_overflow(const fv__session *session, const char *what, fv_error *error) {
    return fv__fail(error, FV_NUMERIC,
                    "%s not finite after epoch %llu: try a lower learning rate (train.optimizer lr) or "
                    "train.clip_norm: 1",
                    what, (unsigned long long)session->state.epoch);
}

// An update can have spoilt the weights after the last finite loss.
static fv_status check_weights(const fv__session *session, fv_error *error) {
    double sum =
        session->trainer->runner.kernels->sum_squares(session->model->weights, session->model->graph.weight_count);
    return isfinite(sum) ? FV_OK : fail_overflow(session, "the weights are", error);
}

static fv_status validate(fv__session *session, fv__metrics *validation, fv_error *error) {
    *validation = (fv__metrics){0};
    if (!session->options->validation) {
        keep_weights(session);
        return FV_OK;
    }
    FV__TRY(fv__trainer_evaluate(session->trainer, session->options->validation, validation, error));
    if (!isfinite(validation->loss)) {
        return fail_overflow(session, "the validation loss is", error);
    }
    if (note_best(session, fv__metrics_means(validation, session->settings->top_k).accuracy) ||
        !session->settings->keep_best) {
        keep_weights(session);
    }
    return FV_OK;
}

static fv_status note_epoch(fv__session *session, const fv__metrics *validation, fv_error *error) {
    const fv_progress progress = progress_of(session, validation);
    return fv__history_add(&session->history, &progress, error);
}

// Short epochs are not all written, since writing would take longer than they did.
static bool is_due(const fv__session *session) {
    return session->history.rows == 1 || session->state.epoch == (uint64_t)session->settings->epochs ||
           stopped_early(session) ||
           fv__seconds() - session->written > fmax(WRITE_EVERY, WRITE_SHARE * session->writing);
}

static void start_next_epoch(fv__session *session) {
    session->state.epoch++;
    session->state.step = 0;
    session->state.train = (fv__metrics){0};
    session->state.seconds = 0;
}

// Results are written before the epoch is reported, so that the caller finds them; the checkpoint says that the next
// epoch begins.
static fv_status end_epoch(fv__session *session, fv_error *error) {
    fv__metrics validation;
    FV__TRY(check_weights(session, error));
    FV__TRY(validate(session, &validation, error));
    FV__TRY(note_epoch(session, &validation, error));
    const bool due = is_due(session);
    double seconds = -fv__seconds();
    if (due) {
        FV__TRY(write_results(session, error));
    }
    seconds += fv__seconds();
    const bool go_on = report_progress(session, &validation);
    start_next_epoch(session);
    if (!due && !go_on) {
        FV__TRY(write_results(session, error));
    }
    if (due || !go_on) {
        seconds -= fv__seconds();
        FV__TRY(write_state(session, error));
        session->writing = seconds + session->written;
    }
    return go_on || is_finished(session) ? FV_OK : fail_interrupted(session, error);
}

static fv_status run_epochs(fv__session *session, fv_error *error) {
    if (!is_finished(session)) {
        FV__TRY(fv__session_write_report(session, "running", error));
    }
    while (!is_finished(session)) {
        FV__TRY(train_steps(session, error));
        FV__TRY(end_epoch(session, error));
    }
    return FV_OK;
}

fv_status fv__fit_prepare(fv_model *model, fv__fit_options *options, fv_error *error) {
    options->rewrite = !options->run->no_rewrite;
    FV__TRY(fv__session_check(model, options, error));
    FV__TRY(fv__model_set_recipe(model, options->recipe, error));
    return options->run->resume ? fv__session_check_resumed(model, options, error) : FV_OK;
}

// What was reached is written also after a failure, which may fail as well.
static void write_failure(fv__session *session, fv_status status, const fv_error *reason) {
    if (session->history.rows) {
        write_results(session, NULL);
    }
    fv__session_write_report(session, status == FV_INTERRUPTED ? "interrupted" : reason->message, NULL);
}

fv_status fv__fit(fv_model *model, const fv__fit_options *options, fv_error *error) {
    fv__session session;
    fv_error own;
    error = error ? error : &own; // run.json says it
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(fv__session_begin(&session, model, options, error));
    status = run_epochs(&session, error);
    if (status) {
        write_failure(&session, status, error);
    } else if (session.state.weights_kept) {
        memcpy(model->weights, session.result_weights, model->graph.weight_count * sizeof(float));
    }
done:
    fv__model_weights_changed(model);
    fv__session_end(&session);
    return status;
}
