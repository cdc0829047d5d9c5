// On a terminal the line of an epoch is drawn over and over, at most ten times a second:
//     Epoch 3/10  ━━━━━━━━━━━━━╸      640/938  2,310 img/s  12 s left - loss: 0.2511 - accuracy: 0.9081
// and stays, once the epoch is done, as
//     Epoch 3/10  938/938  2,310 img/s  26 s - loss: 0.2467 - accuracy: 0.9095 - val_loss: … - val_accuracy: …
// Elsewhere only the second kind appears.
#include "progress.h"

#include <string.h>

#include "base/clock.h"
#include "json.h"
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

static void draw(const fv_progress *now) {
    char bar[CLI_BAR_SIZE], rate[CLI_NUMBER_SIZE], left[CLI_NUMBER_SIZE];
    fv__text tail = {0};
    double remaining = now->step ? now->seconds / now->step * (now->steps - now->step) : 0;
    fv__text_addf(&tail, " %d/%d  %s img/s  %s left", now->step, now->steps, cli_count(rate, now->images_per_second),
                  cli_duration(left, remaining));
    if (now->epoch) {
        add_metrics(&tail, "", &now->train);
    }
    char head[64] = "Frozen layers  ";
    if (now->epoch) {
        snprintf(head, sizeof head, "Epoch %d/%d  ", now->epoch, now->epochs);
    }
    int width = cli_line_width() - 1, room = width - cli_columns(head) - (tail.failed ? 0 : cli_columns(tail.bytes));
    room = room > 24 ? 24 : room;
    fprintf(stderr, "\r\033[K%s", head);
    if (room >= 8) { // else the numbers say enough
        fputs(cli_bar(bar, (double)now->step / now->steps, room), stderr);
    }
    if (!tail.failed) {
        fprintf(stderr, "%.*s", fitting(tail.bytes, width - cli_columns(head)), tail.bytes);
    }
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
static void print_frozen(const fv_progress *now, bool over) {
    char count[CLI_NUMBER_SIZE], rate[CLI_NUMBER_SIZE], time[CLI_NUMBER_SIZE];
    fprintf(stderr, "%sFrozen layers  %s samples  %s img/s  %s\n", over ? "\r\033[K" : "", cli_count(count, now->steps),
            cli_count(rate, now->images_per_second), cli_duration(time, now->seconds));
}

void cli_progress_show(cli_progress *progress, const fv_progress *now) {
    if (now->epoch > 0) {
        progress->last = *now;
    }
    if (now->remark) {
        cli_progress_end(progress);
        if (!progress->quiet) {
            cli_say("%s", now->remark);
        }
        return;
    }
    if (!now->epoch && now->step == now->steps && !progress->quiet) {
        print_frozen(now, progress->live);
        progress->drawing = false;
        return;
    }
    if (now->epoch_done && !progress->quiet) {
        print_epoch(now, progress->live);
        progress->drawing = false;
    } else if (progress->live && !now->epoch_done &&
               (now->step == now->steps || fv__seconds() - progress->drawn > 0.1)) {
        draw(now);
        progress->drawing = true;
        progress->drawn = fv__seconds();
    }
    if (now->epoch_done && progress->json) {
        print_json(now);
    }
}

void cli_progress_end(cli_progress *progress) {
    if (progress->drawing) {
        fputc('\n', stderr);
        progress->drawing = false;
    }
}
