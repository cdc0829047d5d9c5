// SPDX-License-Identifier: Apache-2.0
// A bar a class, best first. Many classes stand in several columns, so that all names can be read.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "draw/chart.h"
#include "draw/figures.h"

enum { ROW = 18, BAR = 12, ROWS = 34, MARGIN = 14, HEAD = 34, NAMES = 130, BARS = 150, NUMBERS = 52 };

typedef struct ranked {
    double value;
    int class;
} ranked;

static int compare(const void *a, const void *b) {
    const ranked *first = a, *second = b;
    int by_value = (first->value < second->value) - (first->value > second->value);
    return by_value ? by_value : first->class - second->class;
}

static void draw_bar(fv__canvas *canvas, fv__point at, double length, double value, const char *name) {
    const fv__font label = {.size = FV__TICK_SIZE, .colour = FV__INK, .alignment = FV__RIGHT};
    const fv__font number = {.size = FV__TICK_SIZE, .colour = FV__INK};
    const double base = at.y + ROW / 2.0 + FV__TICK_SIZE * 0.36;
    char text[16];
    fv__area frame = {at.x + NAMES, at.y + (ROW - BAR) / 2.0, length, BAR}, bar = frame;
    bar.width *= value;
    fv__canvas_fill(canvas, frame, 0xEEEEEE);
    fv__canvas_fill(canvas, bar, FV__BLUE);
    fv__canvas_text_within(canvas, (fv__point){frame.x - 6, base}, NAMES - 8, label, name);
    snprintf(text, sizeof text, "%.1f %%", 100 * value);
    fv__canvas_text(canvas, (fv__point){frame.x + length + 6, base}, number, text);
}

static void draw_bars(fv__canvas *canvas, const ranked *order, int classes, int columns, double length, double mean,
                      const char *const *names) {
    int rows = (classes + columns - 1) / columns;
    double width = NAMES + length + NUMBERS;
    for (int i = 0; i < classes; i++) {
        const int column = i / rows;
        fv__point at = {MARGIN + column * width, HEAD + (double)(i % rows) * ROW};
        draw_bar(canvas, at, length, order[i].value, names[order[i].class]);
    }
    for (int c = 0; c < columns; c++) {
        double x = MARGIN + c * width + NAMES + mean * length;
        int filled = classes - c * rows < rows ? classes - c * rows : rows;
        fv__point ends[] = {{x, HEAD}, {x, HEAD + (double)filled * ROW}};
        fv__canvas_line(canvas, ends, 2, (fv__stroke){FV__VERMILLION, 1.5, true});
    }
}

fv_status fv__draw_class_bars(const double *values, int classes, const char *const *names, const char *title,
                              const char *path, fv_error *error) {
    int columns = (classes + ROWS - 1) / ROWS, rows = (classes + columns - 1) / columns;
    double length = columns == 1 ? 3 * BARS : columns == 2 ? 1.4 * BARS : BARS, mean = 0;
    double width = columns * (NAMES + length + NUMBERS) + 2 * MARGIN;
    fv__canvas *canvas;
    ranked *order = fv__alloc_array((size_t)classes, sizeof *order);
    fv_status status =
        order ? fv__canvas_open(path, width, HEAD + (double)rows * ROW + MARGIN, FV__CHART_SCALE, &canvas, error)
              : fv__fail_memory(error, path);
    if (status) {
        fv__free(order);
        return status;
    }
    for (int c = 0; c < classes; c++) {
        order[c] = (ranked){values[c], c};
        mean += values[c] / classes;
    }
    qsort(order, (size_t)classes, sizeof *order, compare);
    draw_bars(canvas, order, classes, columns, length, mean, names);
    char heading[128];
    fv__font font = {.size = FV__TITLE_SIZE, .colour = FV__INK, .bold = true, .alignment = FV__CENTRE};
    snprintf(heading, sizeof heading, "%s (dashed: mean, %.1f %%)", title, 100 * mean);
    fv__canvas_text_within(canvas, (fv__point){width / 2, 22}, width - 2 * MARGIN, font, heading);
    fv__free(order);
    return fv__canvas_close(canvas, error);
}

fv_status fv_evaluation_draw_classes(const fv_evaluation *evaluation, const char *const *class_names, const char *path,
                                     fv_error *error) {
    enum { MOST = 1600 };
    const int classes = evaluation->class_count;
    if (classes > MOST) {
        return fv__fail(error, FV_INVALID, "%d classes are too many for a chart of each: at most %d", classes, MOST);
    }
    double *recall = fv__alloc_array((size_t)classes, sizeof *recall);
    if (!recall) {
        return fv__fail_memory(error, path);
    }
    for (int c = 0; c < classes; c++) {
        recall[c] = evaluation->classes[c].recall;
    }
    const fv_status status = fv__draw_class_bars(recall, classes, class_names, "Accuracy of each class", path, error);
    fv__free(recall);
    return status;
}
