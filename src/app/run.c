// SPDX-License-Identifier: Apache-2.0
// A run folder as its readers see it: the recipe, what run.json says, and the epochs of history.csv.
#include "app/run.h"

#include <string.h>

#include "base/memory.h"
#include "draw/figures.h"
#include "formats/file.h"
#include "train/history.h"

// The last part of a path, without slashes at its end.
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

// The text of a file of the folder; NULL where there is no such file.
static fv_status read_text(const char *folder, const char *name, char **text, fv_error *error) {
    size_t size;
    fv_status status = FV_OK;
    char *path = fv__format("%s/%s", folder, name);
    FV__TRY_OR_DONE(path ? FV_OK : fv__fail_memory(error, folder));
    if (fv__file_exists(path)) {
        FV__TRY_OR_DONE(fv__file_read(path, 0, (uint8_t **)text, &size, error));
    }
done:
    fv__free(path);
    return status;
}

static fv_status read_history(fv_run *run, fv_error *error) {
    fv_status status = FV_OK;
    char *path = fv__format("%s/history.csv", run->folder);
    FV__TRY_OR_DONE(path ? FV_OK : fv__fail_memory(error, run->folder));
    if (fv__file_exists(path)) {
        FV__TRY_OR_DONE(fv__history_read(path, &run->history, error));
    }
done:
    fv__free(path);
    return status;
}

// The columns that charts show, one after the other in one block.
static fv_status take_curves(fv_run *run, fv_error *error) {
    static const char *const names[] = {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"};
    enum { COLUMNS = sizeof names / sizeof *names };
    const size_t rows = run->history.rows;
    double *value = run->values = fv__alloc_array(rows + 1, COLUMNS * sizeof *run->values);
    if (!run->values) {
        return fv__fail_memory(error, run->folder);
    }
    for (int c = 0; c < COLUMNS; c++) {
        for (size_t row = 0; row < rows; row++) {
            *value++ = fv__history_value(&run->history, row, names[c]);
        }
    }
    run->curves = (fv__curves){.name = run->name,
                               .epochs = rows,
                               .epoch = run->values,
                               .loss = run->values + rows,
                               .accuracy = run->values + 2 * rows,
                               .validation_loss = run->values + 3 * rows,
                               .validation_accuracy = run->values + 4 * rows};
    return FV_OK;
}

static void describe(fv_run *run) {
    for (int c = 0; c < run->history.columns; c++) {
        run->columns[c] = run->history.names[c];
    }
    run->info = (fv_run_info){.name = run->name,
                              .folder = run->folder,
                              .recipe = run->recipe,
                              .report = run->report,
                              .epochs = run->history.rows,
                              .columns = run->history.columns,
                              .column_names = run->columns,
                              .values = run->history.values};
}

fv_status fv_run_open(const char *folder, fv_run **out, fv_error *error) {
    *out = NULL;
    fv_status status = FV_OK;
    fv_run *run = fv__alloc(sizeof *run);
    FV__TRY_OR_DONE(run ? FV_OK : fv__fail_memory(error, folder));
    if (!fv__folder_exists(folder)) {
        FV__TRY_OR_DONE(fv__fail(error, FV_NOT_FOUND, "%s: no such run folder", folder));
    }
    run->folder = fv__strdup(folder);
    run->name = name_of(folder);
    FV__TRY_OR_DONE(run->folder && run->name ? FV_OK : fv__fail_memory(error, folder));
    FV__TRY_OR_DONE(read_text(folder, "recipe.yaml", &run->recipe, error));
    FV__TRY_OR_DONE(read_text(folder, "run.json", &run->report, error));
    FV__TRY_OR_DONE(read_history(run, error));
    FV__TRY_OR_DONE(take_curves(run, error));
    describe(run);
    *out = run;
    run = NULL;
done:
    fv_run_free(run);
    return status;
}

void fv_run_free(fv_run *run) {
    if (run) {
        fv__history_free(&run->history);
        fv__free(run->values);
        fv__free(run->recipe);
        fv__free(run->report);
        fv__free(run->name);
        fv__free(run->folder);
        fv__free(run);
    }
}

const fv_run_info *fv_run_get_info(const fv_run *run) {
    return &run->info;
}

fv_status fv_run_draw_curves(const fv_run *const *runs, int count, const char *path, fv_error *error) {
    fv__curves curves[FV_MAX_CURVES];
    if (count < 1 || count > FV_MAX_CURVES) {
        return fv__fail(error, FV_INVALID, "1 to %d runs can be drawn together, not %d", FV_MAX_CURVES, count);
    }
    for (int i = 0; i < count; i++) {
        if (!runs[i]->history.columns) {
            return fv__fail(error, FV_NOT_FOUND, "%s/history.csv: no such file: the run has no epochs yet",
                            runs[i]->folder);
        }
        curves[i] = runs[i]->curves;
    }
    return fv__draw_curves(curves, count, path, error);
}
