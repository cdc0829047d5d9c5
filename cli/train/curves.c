#include "curves.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "train/history.h"

enum { COLUMNS = 5 };

// One column after the other: what fv__curves points into. To be freed with fv__free; NULL: out of memory.
static double *columns_of(const fv__history *history) {
    static const char *const names[COLUMNS] = {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"};
    double *values = fv__alloc_array(history->rows + 1, COLUMNS * sizeof *values), *value = values;
    for (int c = 0; c < COLUMNS && values; c++) {
        for (size_t row = 0; row < history->rows; row++) {
            *value++ = fv__history_value(history, row, names[c]);
        }
    }
    return values;
}

// The last part of a path, without slashes at its end; to be freed with fv__free.
static char *name_of(const char *folder) {
    size_t end = strlen(folder);
    while (end > 1 && folder[end - 1] == '/') {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && folder[begin - 1] != '/') {
        begin--;
    }
    return fv__strndup(folder + begin, end - begin);
}

fv_status cli_curves_read(const char *folder, fv__curves *run, fv_error *error) {
    *run = (fv__curves){0};
    char *path = fv__format("%s/history.csv", folder);
    fv__history history = {0};
    fv_status status = path ? fv__history_read(path, &history, error) : fv__fail_memory(error, folder);
    if (!status) {
        const double *values = columns_of(&history);
        size_t rows = history.rows;
        *run = (fv__curves){.name = name_of(folder), .epochs = rows, .epoch = values};
        if (values) {
            run->loss = values + rows;
            run->accuracy = values + 2 * rows;
            run->validation_loss = values + 3 * rows;
            run->validation_accuracy = values + 4 * rows;
        }
        status = run->name && values ? FV_OK : fv__fail_memory(error, folder);
    }
    fv__history_free(&history);
    fv__free(path);
    return status;
}

// All numbers are one block, of which `epoch` is the first.
void cli_curves_free(fv__curves *run) {
    fv__free((void *)run->name);
    fv__free((void *)run->epoch);
    *run = (fv__curves){0};
}

fv_status cli_curves_draw(const char *const *folders, int count, const char *path, fv_error *error) {
    fv__curves runs[FV__MAX_CURVES] = {{0}};
    fv_status status = FV_OK;
    for (int i = 0; i < count && !status; i++) {
        status = cli_curves_read(folders[i], &runs[i], error);
    }
    if (!status) {
        status = fv__draw_curves(runs, count, path, error);
    }
    for (int i = 0; i < FV__MAX_CURVES; i++) {
        cli_curves_free(&runs[i]);
    }
    return status;
}

enum { EVERY = 10 }; // seconds, so that drawing takes no time worth mentioning

static fv_status draw_both(const char *folder, fv_error *error) {
    static const char *const endings[] = {"png", "svg"};
    fv_status status = FV_OK;
    for (int i = 0; i < 2 && !status; i++) {
        char *path = fv__format("%s/curves.%s", folder, endings[i]);
        status = path ? cli_curves_draw(&folder, 1, path, error) : fv__fail_memory(error, folder);
        fv__free(path);
    }
    return status;
}

static void refresh(cli_curves *curves) {
    fv_error error;
    if (draw_both(curves->folder, &error) != FV_OK) {
        curves->hopeless = true;
        if (error.status != FV_UNSUPPORTED) {
            cli_say("no curves are drawn: %s", error.message);
        }
    }
    curves->drawn = fv__seconds();
    curves->stale = false;
}

void cli_curves_note(cli_curves *curves, const fv_event *event) {
    const bool epoch = event->kind == FV_EVENT_EPOCH;
    curves->ended |= epoch;
    curves->stale |= epoch && !curves->hopeless;
    if (curves->stale && fv__seconds() - curves->drawn > EVERY) {
        refresh(curves);
    }
}

void cli_curves_end(cli_curves *curves) {
    if (curves->ended && !curves->hopeless) {
        refresh(curves);
    }
}
