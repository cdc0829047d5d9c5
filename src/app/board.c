// SPDX-License-Identifier: Apache-2.0
#include "app/board.h"

#include "base/memory.h"
#include "formats/file.h"
#include "train/metrics.h"

static fv_status open_one(const char *folder, const char *name, fv__tensorboard **out, fv_error *error) {
    char *path = fv__format("%s/%s", folder, name);
    fv_status status = path ? fv__tensorboard_open(path, out, error) : fv__fail_memory(error, folder);
    fv__free(path);
    return status;
}

static fv_status open_both(fv__board *board, fv_error *error) {
    board->folder = fv__format("%s/tensorboard", board->run);
    if (!board->folder) {
        return fv__fail_memory(error, board->run);
    }
    FV__TRY(open_one(board->folder, "train", &board->train, error));
    return open_one(board->folder, "validation", &board->validation, error);
}

static void close_both(fv__board *board) {
    fv__tensorboard_close(board->train);
    fv__tensorboard_close(board->validation);
    fv__free(board->folder);
    *board = (fv__board){0};
}

static void add_metrics(fv__tensorboard *to, const fv_metrics *metrics, const char *prefix, uint64_t step) {
    fv__named_value values[FV__METRIC_VALUES];
    const int count = fv__metrics_name(metrics, prefix, values);
    for (int i = 0; i < count; i++) {
        fv__tensorboard_number(to, values[i].name, step, values[i].value);
    }
}

static fv_status add_progress(fv__board *board, const fv_event *event, fv_error *error) {
    const fv_progress *now = event->progress;
    board->step = (uint64_t)(now->epoch - 1) * (uint64_t)now->steps + (uint64_t)now->step;
    if (event->kind == FV_EVENT_STEP) { // loss and accuracy of the epoch so far
        add_metrics(board->train, &now->train, "step/", board->step);
        fv__tensorboard_number(board->train, "step/learning_rate", board->step, now->learning_rate);
        fv__tensorboard_number(board->train, "step/img_s", board->step, now->images_per_second);
        return FV_OK;
    }
    add_metrics(board->train, &now->train, "epoch/", (uint64_t)now->epoch);
    if (now->validation.samples) {
        add_metrics(board->validation, &now->validation, "epoch/", (uint64_t)now->epoch);
    }
    FV__TRY(fv__tensorboard_flush(board->train, error));
    return fv__tensorboard_flush(board->validation, error);
}

// One picture, as a file beside the event files and as an event. A model may have none of the kind, and a build no
// cairo.
static fv_status add_picture(fv__board *board, const fv_model *model, const char *tag,
                             fv_status (*draw)(const fv_model *model, const char *path, fv_error *error),
                             fv_error *error) {
    uint8_t *bytes = NULL;
    size_t size;
    fv_status status = FV_OK;
    char *path = fv__format("%s/%s.png", board->folder, tag);
    FV__TRY_OR_DONE(path ? FV_OK : fv__fail_memory(error, board->folder));
    FV__TRY_OR_DONE(draw(model, path, error));
    FV__TRY_OR_DONE(fv__file_read(path, 0, &bytes, &size, error));
    fv__tensorboard_png(board->train, tag, board->step, bytes, size);
done:
    fv__free(bytes);
    fv__free(path);
    return status == FV_INVALID || status == FV_UNSUPPORTED ? FV_OK : status;
}

static fv_status add_pictures(fv__board *board, const fv_model *model, fv_error *error) {
    FV__TRY(add_picture(board, model, "filters", fv_model_draw_filters, error));
    FV__TRY(add_picture(board, model, "positions", fv_model_draw_positions, error));
    return fv__tensorboard_flush(board->train, error);
}

static void give_up(fv__board *board, const fv_error *error, fv_event_callback *on_event, void *context) {
    char *message = fv__format("nothing more is written for TensorBoard: %s", error->message);
    fv__emit(on_event, context, &(fv_event){.kind = FV_EVENT_REMARK, .message = message ? message : error->message});
    fv__free(message);
    close_both(board);
}

void fv__board_note(fv__board *board, const fv_event *event, fv_event_callback *on_event, void *context) {
    fv_error error;
    if (!board->run || !event->progress) {
        return;
    }
    fv_status status = board->folder ? FV_OK : open_both(board, &error);
    if (!status) {
        status = add_progress(board, event, &error);
    }
    if (status) {
        give_up(board, &error, on_event, context);
    }
}

void fv__board_end(fv__board *board, const fv_model *model, fv_event_callback *on_event, void *context) {
    fv_error error;
    if (board->folder && model && add_pictures(board, model, &error) != FV_OK) {
        give_up(board, &error, on_event, context);
    }
    close_both(board);
}
