// SPDX-License-Identifier: Apache-2.0
// `fovea predict MODEL FILE…`: what image files show. On a terminal a line says how far it is:
//     Pictures  ━━━━━━━━━━━━━╸      640/938  210 img/s  2 s left
#include "support/files.h"

#include <stdlib.h>

#include "predict.h"
#include "support/csv.h"
#include "support/json.h"
#include "support/memory.h"
#include "support/numbers.h"
#include "support/progress.h"
#include "support/say.h"

typedef struct files {
    cli_predictions shared;
    cli_files list;
    char **problems; // (count); NULL: none
    int left_out;
    double started; // when
    size_t first;   // of the current chunk
} files;

static void leave_out(files *now, const fv_event *event) {
    cli_say("left out: %s", event->message);
    now->problems[now->first + event->index] = cli_copy(event->message);
    now->left_out++;
}

static void show_progress(const files *now, size_t done) {
    char rate[CLI_NUMBER_SIZE], left[CLI_NUMBER_SIZE];
    const double seen = (double)(now->first + done), seconds = cli_seconds() - now->started;
    cli_progress_draw("Pictures  ", seen / now->list.count, "  %.0f/%d  %s img/s  %s left", seen, now->list.count,
                      cli_count(rate, seen / seconds), cli_duration(left, seconds / seen * (now->list.count - seen)));
}

static bool on_event(void *context, const fv_event *event) {
    files *now = context;
    if (event->kind == FV_EVENT_LEFT_OUT) {
        leave_out(now, event);
    } else if (event->kind == FV_EVENT_WORK && cli_progress_is_due()) {
        show_progress(now, event->done);
    }
    return true;
}

static int predict(files *now) {
    const predict_options *options = now->shared.options;
    const fv_predict_files_options how = {
        .size = sizeof how, .strict = options->source.strict, .on_event = on_event, .context = now};
    const size_t count = (size_t)now->list.count;
    fv_error error;
    cli_predictions_reserve(&now->shared, count);
    now->problems = cli_alloc(count, sizeof *now->problems);
    cli_progress_begin(options->source.quiet);
    now->started = cli_seconds();
    for (; now->first < count; now->first += CLI_PREDICT_CHUNK) {
        const size_t images = count - now->first < CLI_PREDICT_CHUNK ? count - now->first : CLI_PREDICT_CHUNK;
        const char *const *paths = (const char *const *)now->list.paths + now->first;
        CLI_TRY(cli_check(fv_predictor_run_files(now->shared.predictor, paths, images, &how, now->shared.chunk, &error),
                          &error));
        cli_predictions_rank(&now->shared, now->first, images);
    }
    cli_progress_wipe();
    return CLI_OK;
}

// --- Answers

static const cli_ranked *ranked_of(const files *now, int i) {
    return now->problems[i] ? NULL : cli_predictions_of(&now->shared, (size_t)i);
}

static int print_json(const files *now) {
    json_t *list = json_array();
    for (int i = 0; i < now->list.count; i++) {
        json_t *entry = json_pack("{s:o}", "file", cli_json_text(now->list.paths[i]));
        if (now->problems[i]) {
            json_object_set_new(entry, "error", cli_json_text(now->problems[i]));
        } else {
            json_object_set_new(entry, "predictions", cli_ranked_json(&now->shared, ranked_of(now, i)));
        }
        json_array_append_new(list, entry);
    }
    return cli_json_print(list, true);
}

static void print_csv(const files *now) {
    printf("file,error");
    cli_ranked_csv_head(&now->shared);
    for (int i = 0; i < now->list.count; i++) {
        cli_csv_add(stdout, now->list.paths[i], true);
        cli_csv_add(stdout, now->problems[i] ? now->problems[i] : "", false);
        cli_ranked_csv(&now->shared, ranked_of(now, i));
    }
}

static void print_text(const files *now) {
    if (now->left_out == now->list.count) {
        return;
    }
    cli_table table = {.alignment = now->shared.top > 1 ? "lll" : "ll"};
    cli_table_add(&table, "picture");
    cli_ranked_cells(&now->shared, NULL, &table);
    for (int i = 0; i < now->list.count; i++) {
        if (!now->problems[i]) {
            cli_table_add(&table, "%s", now->list.paths[i]);
            cli_ranked_cells(&now->shared, ranked_of(now, i), &table);
        }
    }
    cli_table_print(&table, stdout);
}

int cli_predict_files(const predict_options *options, const cli_arguments *arguments) {
    files now = {0};
    int code;
    CLI_TRY_OR_DONE(cli_predictions_load(options, arguments->items[0], &now.shared));
    CLI_TRY_OR_DONE(cli_files_find(&now.list, arguments, 1));
    CLI_TRY_OR_DONE(predict(&now));
    if (options->json) {
        CLI_TRY_OR_DONE(print_json(&now));
    } else if (options->csv) {
        print_csv(&now);
    } else {
        print_text(&now);
    }
    code = cli_files_conclude(&now.list, now.left_out);
done:
    for (int i = 0; i < now.list.count && now.problems; i++) {
        free(now.problems[i]);
    }
    free(now.problems);
    cli_files_free(&now.list);
    cli_predictions_free(&now.shared);
    return code;
}
