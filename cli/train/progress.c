// On a terminal the line of an epoch is drawn over and over, at most ten times a second:
//     Epoch 3/10  ━━━━━━━━━━━━━╸      640/938  2,310 img/s  12 s left - loss: 0.2511 - accuracy: 0.9081
// and stays, once the epoch is done, as
//     Epoch 3/10  938/938  2,310 img/s  26 s - loss: 0.2467 - accuracy: 0.9095 - val_loss: … - val_accuracy: …
// Elsewhere only the second kind appears.
#include "progress.h"

#include <string.h>

#include "base/clock.h"
#include "support/json.h"
#include "train/history.h"

static void add_metrics(fv__text *line, const char *prefix, const fv_metrics *metrics) {
    char loss[CLI_NUMBER_SIZE];
    fv__text_addf(line, " - %sloss: %s - %saccuracy: %.4f", prefix, cli_loss(loss, metrics->loss), prefix,
                  metrics->accuracy);
    for (int i = 0; i < FV_MAX_TOP && metrics->top_k[i]; i++) {
        fv__text_addf(line, " - %stop%d: %.4f", prefix, metrics->top_k[i], metrics->top[i]);
    }
}

// The bytes of `text` that fit into `width` columns.
static int fitting(const char *text, int width) {
    int bytes = 0;
    for (int columns = 0; text[bytes]; bytes++) {
        columns += (text[bytes] & 0xC0) != 0x80;
        if (columns > width) {
            break;
        }
    }
    return bytes;
}

// `part` of the work that `head` names is done; `tail` is what follows the bar.
static void draw(const char *head, double part, const fv__text *tail) {
    char bar[CLI_BAR_SIZE];
    const int width = cli_line_width() - 1, left = width - cli_columns(head);
    int room = left - (tail->failed ? 0 : cli_columns(tail->bytes));
    room = room > 24 ? 24 : room;
    fprintf(stderr, "\r\033[K%s", head);
    if (room >= 8) { // else the numbers say enough
        fputs(cli_bar(bar, part, room), stderr);
    }
    if (!tail->failed) {
        fprintf(stderr, "%.*s", fitting(tail->bytes, left), tail->bytes);
    }
}

static void add_rate(fv__text *tail, size_t done, size_t count, double rate, double seconds_each) {
    char number[CLI_NUMBER_SIZE], left[CLI_NUMBER_SIZE];
    fv__text_addf(tail, " %zu/%zu  %s img/s  %s left", done, count, cli_count(number, rate),
                  cli_duration(left, seconds_each * (double)(count - done)));
}

static void draw_epoch(const fv_progress *now) {
    char head[64];
    fv__text tail = {0};
    snprintf(head, sizeof head, "Epoch %d/%d  ", now->epoch, now->epochs);
    add_rate(&tail, (size_t)now->step, (size_t)now->steps, now->images_per_second,
             now->step ? now->seconds / now->step : 0);
    add_metrics(&tail, "", &now->train);
    draw(head, (double)now->step / now->steps, &tail);
    fv__text_free(&tail);
}

static double rate_of(const fv_event *work) {
    return work->seconds > 0 ? (double)work->computed / work->seconds : 0;
}

static void draw_work(const fv_event *work) {
    fv__text tail = {0};
    add_rate(&tail, work->done, work->count, rate_of(work), work->done ? work->seconds / (double)work->done : 0);
    draw("Frozen layers  ", (double)work->done / (double)work->count, &tail);
    fv__text_free(&tail);
}

static void print_epoch(const fv_progress *now, bool over) {
    char rate[CLI_NUMBER_SIZE], time[CLI_NUMBER_SIZE];
    fv__text line = {0};
    fv__text_addf(&line, "Epoch %d/%d  %d/%d  %s img/s  %s", now->epoch, now->epochs, now->step, now->steps,
                  cli_count(rate, now->images_per_second), cli_duration(time, now->seconds));
    add_metrics(&line, "", &now->train);
    if (now->validation.samples) {
        add_metrics(&line, "val_", &now->validation);
    }
    fprintf(stderr, "%s%s\n", over ? "\r\033[K" : "", line.failed ? "" : line.bytes);
    fv__text_free(&line);
}

// The columns of history.csv.
static void print_json(const fv_progress *now) {
    fv__named_value values[FV__HISTORY_COLUMNS];
    int count = fv__epoch_name(now, now->validation.samples > 0, values);
    json_t *line = json_pack("{s:i, s:i}", "epochs", now->epochs, "steps", now->steps);
    for (int i = 0; i < count; i++) {
        json_object_set_new(line, values[i].name, cli_json_number(values[i].value));
    }
    json_object_set_new(line, "epoch", json_integer(now->epoch)); // a whole number
    cli_json_print(line, false);
}

// Once all samples have gone through the frozen layers.
static void print_work(const fv_event *work, bool over) {
    char count[CLI_NUMBER_SIZE], rate[CLI_NUMBER_SIZE], time[CLI_NUMBER_SIZE];
    fprintf(stderr, "%sFrozen layers  %s samples  %s img/s  %s\n", over ? "\r\033[K" : "",
            cli_count(count, (double)work->count), cli_count(rate, rate_of(work)), cli_duration(time, work->seconds));
}

void cli_progress_show(cli_progress *progress, const fv_event *event) {
    const fv_progress *now = event->progress;
    const bool epoch = event->kind == FV_EVENT_EPOCH, work = event->kind == FV_EVENT_WORK;
    const bool whole = epoch || (work && event->done == event->count);
    if (now) {
        progress->last = *now;
    }
    if (event->kind == FV_EVENT_REMARK || event->kind == FV_EVENT_LEFT_OUT) {
        cli_progress_end(progress);
        if (!progress->quiet) {
            cli_say(event->kind == FV_EVENT_REMARK ? "%s" : "left out: %s", event->message);
        }
    } else if (whole && !progress->quiet) {
        if (epoch) {
            print_epoch(now, progress->live);
        } else {
            print_work(event, progress->live);
        }
        progress->drawing = false;
    } else if (!whole && progress->live && (now || work) &&
               ((now && now->step == now->steps) || fv__seconds() - progress->drawn > 0.1)) {
        if (now) {
            draw_epoch(now);
        } else {
            draw_work(event);
        }
        progress->drawing = true;
        progress->drawn = fv__seconds();
    }
    if (epoch && progress->json) {
        print_json(now);
    }
}

void cli_progress_end(cli_progress *progress) {
    if (progress->drawing) {
        fputc('\n', stderr);
        progress->drawing = false;
    }
}
