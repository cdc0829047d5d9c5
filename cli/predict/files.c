// `fovea predict MODEL FILE…`: what picture files show. On a terminal a line tells how far it is:
//     Pictures  ━━━━━━━━━━━━━╸      640/938  210 img/s  2 s left
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "data/photos.h"
#include "formats/file.h"
#include "predict.h"
#include "support/files.h"
#include "support/json.h"

typedef struct files {
    cli_predictions shared;
    cli_files list;
    char **problems; // (count); NULL: none
    int left_out;
    bool live, failed;     // failed: out of memory
    double started, drawn; // when
    size_t first;          // of the chunk under way
} files;

// --- What they show

static void wipe(const files *now) {
    if (now->live) {
        fputs("\r\033[K", stderr);
    }
}

static void leave_out(files *now, const fv_event *event) {
    char **problem = &now->problems[now->first + event->index];
    wipe(now);
    cli_say("left out: %s", event->message);
    *problem = fv__strdup(event->message);
    now->failed |= !*problem;
    now->left_out++;
}

static void show_progress(files *now, size_t done) {
    char bar[CLI_BAR_SIZE], rate[CLI_NUMBER_SIZE], left[CLI_NUMBER_SIZE];
    const double seen = (double)(now->first + done), seconds = fv__seconds() - now->started;
    wipe(now);
    fprintf(stderr, "Pictures  %s  %.0f/%d  %s img/s  %s left", cli_bar(bar, seen / now->list.count, 24), seen,
            now->list.count, cli_count(rate, seen / seconds),
            cli_duration(left, seconds / seen * (now->list.count - seen)));
    now->drawn = fv__seconds();
}

static bool on_event(void *context, const fv_event *event) {
    files *now = context;
    if (event->kind == FV_EVENT_LEFT_OUT) {
        leave_out(now, event);
    } else if (now->live && fv__seconds() - now->drawn > 0.1) {
        show_progress(now, event->done);
    }
    return true;
}

static int predict(files *now) {
    const fv_predict_files_options options = {
        .size = sizeof options, .strict = now->shared.options->strict, .on_event = on_event, .context = now};
    size_t count = (size_t)now->list.count;
    fv_error error;
    fv_status status = FV_OK;
    int code = cli_predictions_reserve(&now->shared, count);
    now->problems = fv__alloc_array(count, sizeof *now->problems);
    now->live = cli_is_live() && !now->shared.options->quiet;
    now->started = fv__seconds();
    for (; now->first < count && code == CLI_OK && !status; now->first += CLI_PREDICT_CHUNK) {
        size_t images = count - now->first < CLI_PREDICT_CHUNK ? count - now->first : CLI_PREDICT_CHUNK;
        const char *const *paths = (const char *const *)now->list.paths + now->first;
        status = now->problems
                     ? fv_predictor_run_files(now->shared.predictor, paths, images, &options, now->shared.chunk, &error)
                     : fv__fail_memory(&error, "the files");
        if (!status) {
            cli_predictions_rank(&now->shared, now->first, images);
        }
    }
    wipe(now);
    return code != CLI_OK ? code : status ? cli_fail(&error) : now->failed ? cli_fail_memory() : CLI_OK;
}

// --- How that is told

static int print_json(const files *now) {
    json_t *list = json_array();
    for (int i = 0; i < now->list.count; i++) {
        json_t *name = cli_json_text(now->list.paths[i]);
        json_t *entry = now->problems[i]
                            ? json_pack("{s:o, s:o}", "file", name, "error", cli_json_text(now->problems[i]))
                            : json_pack("{s:o, s:o}", "file", name, "predictions",
                                        cli_ranked_json(&now->shared, cli_predictions_of(&now->shared, (size_t)i)));
        json_array_append_new(list, entry);
    }
    return cli_json_print(list, true);
}

static int print_csv(const files *now) {
    static const char *const names[] = {"file", "error"};
    fv__text text = {0};
    cli_ranked_csv_head(&now->shared, names, 2, &text);
    for (int i = 0; i < now->list.count; i++) {
        const char *problem = now->problems[i];
        const char *const fields[] = {now->list.paths[i], problem ? problem : ""};
        cli_ranked_csv(&now->shared, fields, 2, problem ? NULL : cli_predictions_of(&now->shared, (size_t)i), &text);
    }
    return cli_csv_print(&text);
}

static int print_text(const files *now) {
    cli_table table = {.alignment = now->shared.top > 1 ? "lll" : "ll"};
    cli_table_add(&table, "picture");
    cli_ranked_cells(&now->shared, NULL, &table);
    for (int i = 0; i < now->list.count; i++) {
        if (!now->problems[i]) {
            cli_table_add(&table, "%s", now->list.paths[i]);
            cli_ranked_cells(&now->shared, cli_predictions_of(&now->shared, (size_t)i), &table);
        }
    }
    return cli_table_print(&table, stdout);
}

int cli_predict_files(const cli_options *options) {
    files now = {0};
    int code = cli_predictions_load(options, &now.shared);
    if (code == CLI_OK) {
        code = cli_files_find(&now.list, options, 1);
    }
    if (code == CLI_OK) {
        code = predict(&now);
    }
    if (code == CLI_OK && (now.left_out < now.list.count || options->json || options->as_csv)) {
        code = options->json ? print_json(&now) : options->as_csv ? print_csv(&now) : print_text(&now);
    }
    if (code == CLI_OK) {
        code = cli_files_conclude(&now.list, now.left_out);
    }
    for (int i = 0; i < now.list.count; i++) {
        fv__free(now.problems ? now.problems[i] : NULL);
    }
    fv__free(now.problems);
    cli_files_free(&now.list);
    cli_predictions_free(&now.shared);
    return code;
}
