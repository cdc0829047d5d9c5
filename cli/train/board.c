#include "board.h"

#include "base/memory.h"
#include "formats/file.h"
#include "plot/plot.h"
#include "train/metrics.h"

static fv_status open_one(const char *folder, const char *name, fv__tensorboard **out, fv_error *error) {
    char *path = fv__format("%s/%s", folder, name);
    fv_status status = path ? fv__tensorboard_open(path, out, error) : fv__fail_memory(error, folder);
    fv__free(path);
    return status;
}

static fv_status open_both(cli_board *board, fv_error *error) {
    board->folder = fv__format("%s/tensorboard", board->run);
    fv_status status = board->folder ? FV_OK : fv__fail_memory(error, board->run);
    if (!status) {
        status = open_one(board->folder, "train", &board->train, error);
    }
    return status ? status : open_one(board->folder, "validation", &board->validation, error);
}

static void close_both(cli_board *board) {
    fv__tensorboard_close(board->train);
    fv__tensorboard_close(board->validation);
    fv__free(board->folder);
    *board = (cli_board){0};
}

static void show_metrics(fv__tensorboard *to, const fv_metrics *metrics, const char *prefix, uint64_t step) {
    fv__named_value values[FV__METRIC_VALUES];
    int count = fv__metrics_name(metrics, prefix, values);
    for (int i = 0; i < count; i++) {
        fv__tensorboard_number(to, values[i].name, step, values[i].value);
    }
}

static fv_status show(cli_board *board, const fv_event *event, fv_error *error) {
    const fv_progress *now = event->progress;
    board->step = (uint64_t)(now->epoch - 1) * (uint64_t)now->steps + (uint64_t)now->step;
    if (event->kind == FV_EVENT_STEP) { // loss and accuracy of the epoch so far
        show_metrics(board->train, &now->train, "step/", board->step);
        fv__tensorboard_number(board->train, "step/learning_rate", board->step, now->learning_rate);
        fv__tensorboard_number(board->train, "step/img_s", board->step, now->images_per_second);
        return FV_OK;
    }
    show_metrics(board->train, &now->train, "epoch/", (uint64_t)now->epoch);
    if (now->validation.samples) {
        show_metrics(board->validation, &now->validation, "epoch/", (uint64_t)now->epoch);
    }
    fv_status status = fv__tensorboard_flush(board->train, error);
    return status ? status : fv__tensorboard_flush(board->validation, error);
}

static fv_status draw(cli_board *board, const fv_model *model, fv_error *error) {
    static const struct {
        const char *tag;
        fv_status (*draw)(const fv_model *model, const char *path, fv_error *error);
    } pictures[] = {{"filters", cli_plot_filters}, {"positions", cli_plot_positions}};
    fv_status status = FV_OK;
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures && !status; i++) {
        char *path = fv__format("%s/%s.png", board->folder, pictures[i].tag);
        uint8_t *bytes = NULL;
        size_t size;
        status = path ? pictures[i].draw(model, path, error) : fv__fail_memory(error, board->folder);
        if (!status) {
            status = fv__file_read(path, 0, &bytes, &size, error);
        }
        if (!status) {
            fv__tensorboard_png(board->train, pictures[i].tag, board->step, bytes, size);
        }
        status = status == FV_INVALID || status == FV_UNSUPPORTED ? FV_OK : status; // the model has none, or no cairo
        fv__free(bytes);
        fv__free(path);
    }
    return status ? status : fv__tensorboard_flush(board->train, error);
}

static void give_up(cli_board *board, const fv_error *error) {
    cli_say("nothing more is written for TensorBoard: %s", error->message);
    close_both(board);
}

void cli_board_show(cli_board *board, const fv_event *event) {
    fv_error error;
    fv_status status = board->run && !board->folder ? open_both(board, &error) : FV_OK;
    if (board->run && !status) {
        status = show(board, event, &error);
    }
    if (status) {
        give_up(board, &error);
    }
}

void cli_board_end(cli_board *board, const fv_model *model) {
    fv_error error;
    if (board->folder && model && draw(board, model, &error) != FV_OK) {
        give_up(board, &error);
    }
    close_both(board);
}
