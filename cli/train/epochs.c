// SPDX-License-Identifier: Apache-2.0
// On a terminal the line of an epoch is drawn over and over:
//     Epoch 3/10  ━━━━━━━━━━━━━╸      640/938  2,310 img/s  12 s left - loss: 0.2511 - accuracy: 0.9081
// and stays, once the epoch is done, as
//     Epoch 3/10  938/938  2,310 img/s  26 s - loss: 0.2467 - accuracy: 0.9095 - val_loss: … - val_accuracy: …
// Elsewhere only the second kind appears.
#include <stdlib.h>

#include "support/json.h"
#include "support/memory.h"
#include "support/numbers.h"
#include "support/progress.h"
#include "support/say.h"
#include "train.h"

// " - loss: 0.2511 - accuracy: 0.9081", after what `text` has; returns the longer text. Release with free.
static char *add_metrics(char *text, const char *prefix, const fv_metrics *metrics) {
    char loss[CLI_NUMBER_SIZE];
    char *longer = cli_format("%s - %sloss: %s - %saccuracy: %.4f", text, prefix, cli_loss(loss, metrics->loss), prefix,
                              metrics->accuracy);
    for (int i = 0; i < FV_MAX_TOP && metrics->top_k[i]; i++) {
        char *shorter = longer;
        longer = cli_format("%s - %stop%d: %.4f", shorter, prefix, metrics->top_k[i], metrics->top[i]);
        free(shorter);
    }
    free(text);
    return longer;
}

static void draw(const char *head, size_t done, size_t count, double rate, double seconds_each, const char *metrics) {
    char number[CLI_NUMBER_SIZE], left[CLI_NUMBER_SIZE];
    cli_progress_draw(head, (double)done / (double)count, " %zu/%zu  %s img/s  %s left%s", done, count,
                      cli_count(number, rate), cli_duration(left, seconds_each * (double)(count - done)), metrics);
}

static void draw_epoch(const fv_progress *now) {
    char *head = cli_format("Epoch %d/%d  ", now->epoch, now->epochs);
    char *metrics = add_metrics(cli_copy(""), "", &now->train);
    draw(head, (size_t)now->step, (size_t)now->steps, now->images_per_second, now->step ? now->seconds / now->step : 0,
         metrics);
    free(metrics);
    free(head);
}

static double rate_of(const fv_event *work) {
    return work->seconds > 0 ? (double)work->computed / work->seconds : 0;
}

static void draw_work(const fv_event *work) {
    draw("Frozen layers  ", work->done, work->count, rate_of(work), work->done ? work->seconds / (double)work->done : 0,
         "");
}

static void print_epoch(const fv_progress *now) {
    char rate[CLI_NUMBER_SIZE], time[CLI_NUMBER_SIZE];
    char *metrics = add_metrics(cli_copy(""), "", &now->train);
    if (now->validation.samples) {
        metrics = add_metrics(metrics, "val_", &now->validation);
    }
    cli_progress_wipe();
    fprintf(stderr, "Epoch %d/%d  %d/%d  %s img/s  %s%s\n", now->epoch, now->epochs, now->step, now->steps,
            cli_count(rate, now->images_per_second), cli_duration(time, now->seconds), metrics);
    free(metrics);
}

// Once all samples have gone through the frozen layers.
static void print_work(const fv_event *work) {
    char count[CLI_NUMBER_SIZE], rate[CLI_NUMBER_SIZE], time[CLI_NUMBER_SIZE];
    cli_progress_wipe();
    fprintf(stderr, "Frozen layers  %s samples  %s img/s  %s\n", cli_count(count, (double)work->count),
            cli_count(rate, rate_of(work)), cli_duration(time, work->seconds));
}

// The columns of history.csv.
static void print_json(const fv_progress *now) {
    json_t *line = json_pack("{s:i, s:i, s:i, s:o}", "epochs", now->epochs, "steps", now->steps, "epoch", now->epoch,
                             "learning_rate", cli_json_number(now->learning_rate));
    cli_json_metrics(line, "", &now->train);
    if (now->validation.samples) {
        cli_json_metrics(line, "val_", &now->validation);
    }
    json_object_set_new(line, "seconds", cli_json_number(now->seconds));
    json_object_set_new(line, "img_s", cli_json_number(now->images_per_second));
    cli_json_print(line, false);
}

void cli_train_show(const train_options *options, const fv_event *event, fv_progress *last) {
    const fv_progress *now = event->progress;
    const bool quiet = options->source.quiet, epoch_ends = now && now->step == now->steps;
    if (now) {
        *last = *now;
    }
    switch (event->kind) {
    case FV_EVENT_REMARK:
    case FV_EVENT_LEFT_OUT:
        if (!quiet) {
            cli_say(event->kind == FV_EVENT_REMARK ? "%s" : "left out: %s", event->message);
        }
        break;
    case FV_EVENT_WORK:
        if (event->done == event->count && !quiet) {
            print_work(event);
        } else if (event->done < event->count && cli_progress_is_due()) {
            draw_work(event);
        }
        break;
    case FV_EVENT_STEP:
        if (epoch_ends || cli_progress_is_due()) {
            draw_epoch(now);
        }
        break;
    case FV_EVENT_EPOCH:
        if (!quiet) {
            print_epoch(now);
        }
        if (options->json) {
            print_json(now);
        }
        break;
    case FV_EVENT_START:
    case FV_EVENT_TEST:
        break;
    }
}
