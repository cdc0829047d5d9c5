// SPDX-License-Identifier: Apache-2.0
// The pictures of `fovea eval --pictures DIR`: charts as PNG and SVG, grids of samples as PNG.
#include <stdlib.h>

#include "eval.h"
#include "support/memory.h"
#include "support/paths.h"
#include "support/say.h"

// --- Charts

static fv_status draw_confusion(const cli_evaluation *now, const char *path, fv_error *error) {
    return fv_evaluation_draw_confusion(now->details, now->info->class_names, path, error);
}

static fv_status draw_classes(const cli_evaluation *now, const char *path, fv_error *error) {
    return fv_evaluation_draw_classes(now->details, now->info->class_names, path, error);
}

static fv_status draw_calibration(const cli_evaluation *now, const char *path, fv_error *error) {
    return fv_evaluation_draw_calibration(now->details, path, error);
}

// --- Grids of samples

enum { ROWS = 5, COLUMNS = 6, CELLS = ROWS * COLUMNS, CELL_WIDTH = 128, CAPTION = 96 };

typedef struct sheet {
    const cli_evaluation *now;
    const char *title;
    bool marks; // wrong ones stand out
    size_t samples[CELLS];
    int count;
} sheet;

static fv_status fill_cell(const sheet *what, int index, uint8_t *pixels, char captions[2][CAPTION], fv_grid_cell *cell,
                           fv_error *error) {
    const cli_evaluation *now = what->now;
    size_t sample = what->samples[index];
    int label = now->info->labels[sample], predicted = now->details->predicted[sample];
    snprintf(captions[0], CAPTION, "%s", now->info->class_names[label]);
    snprintf(captions[1], CAPTION, "%.1f %%: %s", 100 * (double)now->details->confidence[sample],
             now->info->class_names[predicted]);
    *cell = (fv_grid_cell){
        .pixels = pixels, .captions = {captions[0], captions[1]}, .marked = what->marks && label != predicted};
    return fv_dataset_read(now->data, sample, pixels, error);
}

static fv_status draw_sheet(const sheet *what, const char *path, fv_error *error) {
    const fv_dataset_info *info = what->now->info;
    size_t size = (size_t)info->height * (size_t)info->width * (size_t)info->channels;
    fv_grid_cell cells[CELLS] = {{0}};
    char captions[CELLS][2][CAPTION];
    uint8_t *pixels = cli_alloc(CELLS, size);
    fv_status status = FV_OK;
    for (int i = 0; i < what->count && !status; i++) {
        status = fill_cell(what, i, pixels + (size_t)i * size, captions[i], &cells[i], error);
    }
    const fv_grid grid = {.size = sizeof grid,
                          .title = what->title,
                          .rows = (what->count + COLUMNS - 1) / COLUMNS,
                          .columns = COLUMNS,
                          .height = info->height,
                          .width = info->width,
                          .channels = info->channels,
                          .cell_width = CELL_WIDTH,
                          .cells = cells};
    if (!status) {
        status = fv_grid_draw(&grid, path, error);
    }
    free(pixels);
    return status;
}

static fv_status draw_predictions(const cli_evaluation *now, const char *path, fv_error *error) {
    sheet what = {.now = now, .title = "Predictions: true class, and below it the predicted one", .marks = true};
    const size_t samples = now->details->samples;
    what.count = samples < CELLS ? (int)samples : CELLS;
    for (int i = 0; i < what.count; i++) { // spread: a folder has its classes one after the other
        what.samples[i] = (size_t)i * samples / (size_t)what.count;
    }
    return draw_sheet(&what, path, error);
}

static fv_status draw_mistakes(const cli_evaluation *now, const char *path, fv_error *error) {
    sheet what = {.now = now, .title = "Most confident mistakes: true class, and below it the predicted one"};
    what.count = (int)fv_evaluation_find_mistakes(now->details, CELLS, what.samples);
    if (what.count == 0) {
        what.title = "No mistakes";
    }
    return draw_sheet(&what, path, error);
}

int cli_eval_draw(const cli_evaluation *now, const char *folder) {
    static const struct {
        const char *file;
        fv_status (*draw)(const cli_evaluation *now, const char *path, fv_error *error);
    } pictures[] = {{"confusion.png", draw_confusion},     {"confusion.svg", draw_confusion},
                    {"classes.png", draw_classes},         {"classes.svg", draw_classes},
                    {"calibration.png", draw_calibration}, {"calibration.svg", draw_calibration},
                    {"mistakes.png", draw_mistakes},       {"mistakes.svg", draw_mistakes},
                    {"predictions.png", draw_predictions}, {"predictions.svg", draw_predictions}};
    enum { MOST_BARS = 1600 };
    const bool bars = now->details->class_count <= MOST_BARS;
    CLI_TRY(cli_make_folders(folder));
    if (!bars) {
        cli_say("%d classes are too many for a chart of each: classes.png and .svg are left out",
                now->details->class_count);
    }
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        if (pictures[i].draw != draw_classes || bars) {
            fv_error error;
            char *path = cli_format("%s/%s", folder, pictures[i].file);
            const fv_status status = pictures[i].draw(now, path, &error);
            free(path);
            CLI_TRY(cli_check(status, &error));
        }
    }
    return CLI_OK;
}
