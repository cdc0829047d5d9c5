// SPDX-License-Identifier: Apache-2.0
#include "train/run_folder.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/text.h"
#include "formats/file.h"

// --- The folder

void fv__run_folder_close(fv__run_folder *folder) {
    if (folder->made) {
        rmdir(folder->path); // which is refused where there is something in it
    }
    if (folder->lock >= 0) {
        close(folder->lock);
    }
    fv__free(folder->path);
    fv__free(folder->recipe);
    fv__free(folder->history);
    fv__free(folder->checkpoint);
    fv__free(folder->model);
    fv__free(folder->report);
    *folder = (fv__run_folder){.lock = -1};
}

static fv_status make_and_lock(fv__run_folder *folder, bool resume, fv_error *error) {
    const char *path = folder->path;
    const bool there = fv__folder_exists(path);
    if (resume && !there) {
        return fv__fail(error, FV_NOT_FOUND, "%s: there is no such folder to resume a run in", path);
    }
    FV__TRY(fv__make_folders(path, error));
    folder->lock = fv__open_locked_folder(path);
    if (folder->lock < 0) {
        return errno == EWOULDBLOCK
                   ? fv__fail(error, FV_IO, "%s: another process is training there; choose another folder", path)
                   : fv__fail_file(error, path, "open", errno);
    }
    folder->made = !there;
    if (access(path, W_OK) != 0) {
        return fv__fail_file(error, path, "write in", errno);
    }
    // Looked for only now: the process that had the lock before may have left one.
    const bool holds_run = fv__file_exists(folder->checkpoint) || fv__file_exists(folder->model);
    return resume || !holds_run
               ? FV_OK
               : fv__fail(error, FV_INVALID, "%s already holds a run: resume it, or choose another folder", path);
}

fv_status fv__run_folder_open(fv__run_folder *folder, const char *path, bool resume, fv_error *error) {
    *folder = (fv__run_folder){.path = fv__strdup(path),
                               .recipe = fv__format("%s/recipe.yaml", path),
                               .history = fv__format("%s/history.csv", path),
                               .checkpoint = fv__format("%s/checkpoint.safetensors", path),
                               .model = fv__format("%s/model.safetensors", path),
                               .report = fv__format("%s/run.json", path),
                               .lock = -1};
    const bool complete =
        folder->path && folder->recipe && folder->history && folder->checkpoint && folder->model && folder->report;
    fv_status status = complete ? make_and_lock(folder, resume, error) : fv__fail_memory(error, path);
    if (status) {
        fv__run_folder_close(folder);
    }
    return status;
}

// --- The report

fv__timestamp fv__timestamp_now(void) {
    fv__timestamp stamp;
    time_t now = time(NULL);
    struct tm parts;
    if (!gmtime_r(&now, &parts) || !strftime(stamp.text, sizeof stamp.text, "%Y-%m-%dT%H:%M:%SZ", &parts)) {
        stamp.text[0] = 0;
    }
    return stamp;
}

// The last epoch's numbers by name, and the best epoch.
static json_t *describe_metrics(const fv__run_report *report) {
    const fv__history *history = report->history;
    json_t *metrics = json_object();
    for (int c = 0; c < history->columns && history->rows && metrics; c++) {
        double value = history->values[(history->rows - 1) * (size_t)history->columns + (size_t)c];
        bool whole = strcmp(history->names[c], "epoch") == 0;
        json_object_set_new(metrics, history->names[c], whole ? json_integer((json_int_t)value) : json_real(value));
    }
    if (report->best_epoch) {
        json_object_set_new(metrics, "best_epoch", json_integer((json_int_t)report->best_epoch));
    }
    return metrics;
}

static double mean_speed(const fv__run_report *report) {
    double seconds = 0;
    for (size_t row = 0; row < report->history->rows; row++) {
        seconds += fv__history_value(report->history, row, "seconds");
    }
    return seconds > 0 ? (double)report->train_samples * (double)report->history->rows / seconds : 0;
}

// Takes over `root`; NULL: memory ran out.
static fv_status write_json(json_t *root, const char *path, fv_error *error) {
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    fv__writer *writer;
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(text ? FV_OK : fv__fail_memory(error, path));
    FV__TRY_OR_DONE(fv__writer_open(path, &writer, error));
    fv__writer_append(writer, text, strlen(text), NULL);
    fv__writer_append(writer, "\n", 1, NULL);
    FV__TRY_OR_DONE(fv__writer_commit(writer, error));
done:
    free(text);
    json_decref(root);
    return status;
}

fv_status fv__run_report_write(const fv__run_report *report, const char *path, fv_error *error) {
    fv__text state = {0}; // a message may name a file in bytes that are no UTF-8
    fv__text_add_utf8(&state, report->state);
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:s, s:i, s:I, s:{s:s, s:s, s:I, s:I, s:I}, s:{s:I, s:I}, s:b, s:b, s:s, s:s, s:f, s:f, s:o*}",
        "fovea", fv_version(), "state", state.failed ? "failed" : state.bytes, "isa", report->level, "cpu",
        fv__cpu_name(), "threads", report->threads, "seed", (json_int_t)report->seed, "data", "set", report->data_set,
        "sha256", report->data, "train", (json_int_t)report->train_samples, "validation",
        (json_int_t)report->validation_samples, "left_out", (json_int_t)report->left_out, "parameters", "all",
        (json_int_t)report->parameters, "trainable", (json_int_t)report->trainable, "rewrite", report->rewrite,
        "resumed", report->resumed, "started", report->started, "ended", fv__timestamp_now().text, "seconds",
        round(report->seconds * 1000) / 1000, "img_s", round(mean_speed(report) * 10) / 10, "metrics",
        describe_metrics(report));
    fv__text_free(&state);
    return write_json(root, path, error);
}

fv_status fv__run_report_add_test(const char *path, const fv_metrics *metrics, fv_error *error) {
    json_error_t problem;
    json_t *root = json_load_file(path, 0, &problem), *test = json_object();
    fv__named_value values[FV__METRIC_VALUES];
    const int count = fv__metrics_name(metrics, "", values);
    if (!root) {
        json_decref(test);
        return fv__fail(error, FV_FORMAT, "%s: %s", path, problem.text);
    }
    for (int i = 0; i < count; i++) {
        json_object_set_new(test, values[i].name, json_real(values[i].value));
    }
    json_object_set_new(root, "test", test);
    return write_json(root, path, error);
}
