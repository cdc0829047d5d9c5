// SPDX-License-Identifier: Apache-2.0
// A confusion matrix: few classes with names and numbers, many as a map of squares.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "draw/chart.h"
#include "draw/figures.h"

enum { FEW = 20, CELL = 46, MAP = 520, MARGIN = 12, HEAD = 34, KEY = 80, LONGEST_NAME = 150 };

typedef struct matrix {
    const size_t *confusion;
    int classes;
    const char *const *names;
    fv__area plot;
} matrix;

static size_t samples_of(const matrix *now, int row) {
    const size_t *counts = now->confusion + (size_t)row * (size_t)now->classes;
    size_t all = 0;
    for (int c = 0; c < now->classes; c++) {
        all += counts[c];
    }
    return all;
}

// Of the samples of the row's class, which are `all`.
static double share(const matrix *now, int row, int column, size_t all) {
    const size_t count = now->confusion[(size_t)row * (size_t)now->classes + (size_t)column];
    return all ? (double)count / (double)all : 0;
}

// The square root lets rare mistakes show.
static fv__colour shade_of(double part) {
    return fv__shade(sqrt(part));
}

// Which shade stands for which share of a class.
static void draw_key(fv__canvas *canvas, fv__area box) {
    enum { STEPS = 100 };
    fv__font font = {.size = FV__TICK_SIZE, .colour = FV__INK};
    for (int i = 0; i < STEPS; i++) {
        double height = box.height / STEPS;
        fv__canvas_fill(canvas, (fv__area){box.x, box.y + i * height, box.width, height + 0.5},
                        shade_of(1 - (i + 0.5) / STEPS));
    }
    fv__canvas_frame(canvas, box, (fv__stroke){FV__GREY, 0.8, false});
    for (int percent = 0; percent <= 100; percent += 25) {
        char text[16];
        snprintf(text, sizeof text, "%d %%", percent);
        double y = box.y + box.height * (1 - percent / 100.0) + FV__TICK_SIZE * 0.36;
        fv__canvas_text(canvas, (fv__point){box.x + box.width + 5, y}, font, text);
    }
}

static void draw_titles(fv__canvas *canvas, const matrix *now, double names, double below) {
    const fv__area *plot = &now->plot;
    const double middle = plot->x + plot->width / 2;
    fv__font title = {.size = FV__TITLE_SIZE, .colour = FV__INK, .bold = true, .alignment = FV__CENTRE};
    fv__font label = {.size = FV__LABEL_SIZE, .colour = FV__INK, .alignment = FV__CENTRE};
    fv__canvas_text(canvas, (fv__point){middle, 22}, title, "Confusion matrix");
    fv__canvas_text(canvas, (fv__point){middle, plot->y + plot->height + below + FV__LABEL_SIZE + 4}, label,
                    "Predicted class");
    label.upwards = true;
    fv__canvas_text(canvas, (fv__point){plot->x - names - 10, plot->y + plot->height / 2}, label, "True class");
}

// --- Few classes

static void draw_cell(fv__canvas *canvas, const matrix *now, int row, int column) {
    size_t count = now->confusion[row * now->classes + column];
    double part = share(now, row, column, samples_of(now, row));
    fv__area box = {now->plot.x + column * CELL, now->plot.y + row * CELL, CELL, CELL};
    char text[32];
    fv__canvas_fill(canvas, box, shade_of(part));
    fv__canvas_frame(canvas, box, (fv__stroke){FV__FAINT, 0.8, false});
    if (count > 0) {
        snprintf(text, sizeof text, "%zu", count);
        fv__font font = {.size = FV__TICK_SIZE,
                         .colour = part > 0.3 ? FV__WHITE : FV__INK,
                         .alignment = FV__CENTRE,
                         .bold = row == column};
        fv__canvas_text(canvas, (fv__point){box.x + CELL / 2.0, box.y + CELL / 2.0 + FV__TICK_SIZE * 0.36}, font, text);
    }
}

static void draw_names(fv__canvas *canvas, const matrix *now, double room) {
    fv__font beside = {.size = FV__TICK_SIZE, .colour = FV__INK, .alignment = FV__RIGHT}, below = beside;
    below.upwards = true;
    for (int c = 0; c < now->classes; c++) {
        double middle = (c + 0.5) * CELL + FV__TICK_SIZE * 0.36;
        fv__canvas_text_within(canvas, (fv__point){now->plot.x - 6, now->plot.y + middle}, room, beside, now->names[c]);
        fv__canvas_text_within(canvas, (fv__point){now->plot.x + middle, now->plot.y + now->plot.height + 6}, room,
                               below, now->names[c]);
    }
}

static void draw_few(fv__canvas *canvas, const matrix *now, double names) {
    for (int i = 0; i < now->classes * now->classes; i++) {
        draw_cell(canvas, now, i / now->classes, i % now->classes);
    }
    fv__canvas_frame(canvas, now->plot, (fv__stroke){FV__GREY, 1, false});
    draw_names(canvas, now, names - 8);
}

// --- Many classes

// Numbers of classes along both sides, at the middle of their squares.
static void draw_numbers(fv__canvas *canvas, const matrix *now) {
    const fv__area *plot = &now->plot;
    const fv__font below = {.size = FV__TICK_SIZE, .colour = FV__INK, .alignment = FV__CENTRE};
    const fv__font beside = {.size = FV__TICK_SIZE, .colour = FV__INK, .alignment = FV__RIGHT};
    int step = (int)fv__tick_step(now->classes, 12);
    for (int c = 0; c < now->classes; c += step) {
        char number[16];
        double place = (c + 0.5) * plot->width / now->classes;
        snprintf(number, sizeof number, "%d", c);
        fv__canvas_text(canvas, (fv__point){plot->x - 5, plot->y + place + FV__TICK_SIZE * 0.36}, beside, number);
        fv__canvas_text(canvas, (fv__point){plot->x + place, plot->y + plot->height + FV__TICK_SIZE + 4}, below,
                        number);
    }
}

static fv_status draw_many(fv__canvas *canvas, const matrix *now, const char *path, fv_error *error) {
    const size_t classes = (size_t)now->classes;
    uint8_t *bytes = fv__alloc_array(classes * classes, 3), *byte = bytes;
    if (!bytes) {
        return fv__fail_memory(error, path);
    }
    for (int row = 0; row < now->classes; row++) {
        const size_t all = samples_of(now, row);
        for (int column = 0; column < now->classes; column++, byte += 3) {
            fv__colour colour = shade_of(share(now, row, column, all));
            byte[0] = (uint8_t)(colour >> 16);
            byte[1] = (uint8_t)(colour >> 8);
            byte[2] = (uint8_t)colour;
        }
    }
    fv__canvas_image(canvas, now->plot, (fv__pixels){bytes, now->classes, now->classes, 3});
    fv__free(bytes);
    fv__canvas_frame(canvas, now->plot, (fv__stroke){FV__GREY, 1, false});
    draw_numbers(canvas, now);
    return FV_OK;
}

// About what the longest name takes; the canvas, which could tell, needs its size first.
static double name_room(int classes, const char *const *names) {
    size_t longest = 0;
    for (int c = 0; c < classes; c++) {
        size_t length = strlen(names[c]);
        longest = length > longest ? length : longest;
    }
    return fmin(fmax(24, (double)longest * FV__TICK_SIZE * 0.68 + 10), LONGEST_NAME);
}

fv_status fv__draw_confusion(const size_t *confusion, int classes, const char *const *names, const char *path,
                             fv_error *error) {
    bool few = classes <= FEW;
    double side = few ? (double)classes * CELL : MAP, room = few ? name_room(classes, names) : 34;
    double left = MARGIN + FV__LABEL_SIZE + 10 + room, below = few ? room : FV__TICK_SIZE + 6;
    matrix now = {.confusion = confusion, .classes = classes, .names = names, .plot = {left, HEAD, side, side}};
    fv__canvas *canvas;
    fv_status status = fv__canvas_open(path, left + side + KEY, HEAD + side + below + FV__LABEL_SIZE + MARGIN,
                                       FV__CHART_SCALE, &canvas, error);
    if (status) {
        return status;
    }
    fv__area key = {left + side + 18, HEAD, 14, side < MAP / 2.0 ? side : MAP / 2.0};
    if (few) {
        draw_few(canvas, &now, room);
    } else {
        status = draw_many(canvas, &now, path, error);
    }
    draw_key(canvas, key);
    draw_titles(canvas, &now, room, below);
    fv_status closed = fv__canvas_close(canvas, status ? NULL : error);
    return status ? status : closed;
}

fv_status fv_evaluation_draw_confusion(const fv_evaluation *evaluation, const char *const *class_names,
                                       const char *path, fv_error *error) {
    return fv__draw_confusion(evaluation->confusion, evaluation->class_count, class_names, path, error);
}
