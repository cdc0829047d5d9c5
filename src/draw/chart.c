// SPDX-License-Identifier: Apache-2.0
#include "draw/chart.h"

#include <math.h>
#include <stdio.h>

// --- Axes and their numbers

void fv__axis_begin(fv__chart_axis *axis) {
    axis->low = INFINITY;
    axis->high = -INFINITY;
}

void fv__axis_widen(fv__chart_axis *axis, const double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        axis->low = fmin(axis->low, values[i]);
        axis->high = fmax(axis->high, values[i]);
    }
}

double fv__tick_step(double range, int ticks) {
    static const double rounds[] = {1, 2, 5, 10};
    double least = range / ticks, power = pow(10, floor(log10(least)));
    for (int i = 0; i < 4; i++) {
        if (rounds[i] * power >= least * (1 - 1e-9)) {
            return rounds[i] * power;
        }
    }
    return 10 * power;
}

static double step_of(const fv__chart_axis *axis, int ticks) {
    double step = fv__tick_step(axis->high - axis->low, ticks);
    return axis->whole ? fmax(round(step), 1) : step;
}

void fv__axis_round(fv__chart_axis *axis, int ticks) {
    if (!(axis->low <= axis->high)) {
        axis->low = 0;
        axis->high = 1;
    }
    if (axis->high - axis->low <= 1e-9 * fmax(fabs(axis->low), fabs(axis->high)) || axis->low == axis->high) {
        double some = axis->percent ? 0.05 : fmax(fabs(axis->low) / 10, 1e-6);
        axis->low -= some;
        axis->high += some;
    }
    axis->step = step_of(axis, ticks);
    axis->low = floor(axis->low / axis->step + 1e-9) * axis->step;
    axis->high = ceil(axis->high / axis->step - 1e-9) * axis->step;
    if (axis->percent) {
        axis->low = fmax(axis->low, 0);
        axis->high = fmin(axis->high, 1);
    }
}

// Just the decimals that tell ticks apart.
static void write_number(char *buffer, size_t size, const fv__chart_axis *axis, double value) {
    double factor = axis->percent ? 100 : 1, shown = value * factor;
    if (fabs(shown) >= 1e5) {
        snprintf(buffer, size, "%g", shown);
        return;
    }
    int decimals = 0;
    for (double step = axis->step * factor; decimals < 6 && fabs(step - round(step)) > 1e-6 * step; decimals++) {
        step *= 10;
    }
    shown = fabs(shown) < 1e-9 ? 0 : shown; // no -0
    snprintf(buffer, size, "%.*f%s", decimals, shown, axis->percent ? " %" : "");
}

fv__point fv__axes_place(const fv__axes *axes, double x, double y) {
    return (fv__point){axes->plot.x + (x - axes->x.low) / (axes->x.high - axes->x.low) * axes->plot.width,
                       axes->plot.y + (axes->y.high - y) / (axes->y.high - axes->y.low) * axes->plot.height};
}

// One tick of the x axis, or of the y axis: a faint line through the plot, and its number.
static void draw_tick(fv__canvas *canvas, const fv__axes *axes, const fv__chart_axis *axis, double value) {
    const fv__area *plot = &axes->plot;
    bool upright = axis == &axes->x;
    fv__point at = upright ? fv__axes_place(axes, value, axes->y.low) : fv__axes_place(axes, axes->x.low, value);
    fv__point ends[2] = {at, upright ? (fv__point){at.x, plot->y} : (fv__point){plot->x + plot->width, at.y}};
    char number[40];
    fv__font font = {.size = FV__TICK_SIZE, .colour = FV__INK, .alignment = upright ? FV__CENTRE : FV__RIGHT};
    fv__canvas_line(canvas, ends, 2, (fv__stroke){FV__FAINT, 0.8, false});
    write_number(number, sizeof number, axis, value);
    at.x -= upright ? 0 : 6;
    at.y += upright ? FV__TICK_SIZE + 4 : FV__TICK_SIZE * 0.36;
    fv__canvas_text(canvas, at, font, number);
}

static void draw_ticks(fv__canvas *canvas, const fv__axes *axes, const fv__chart_axis *axis) {
    double margin = 1e-6 * axis->step;
    for (double tick = ceil(axis->low / axis->step - 1e-6); tick * axis->step <= axis->high + margin; tick++) {
        draw_tick(canvas, axes, axis, tick * axis->step);
    }
}

void fv__axes_draw(fv__canvas *canvas, fv__axes *axes) {
    const fv__area *plot = &axes->plot;
    const double middle = plot->x + plot->width / 2, bottom = plot->y + plot->height;
    const fv__font label = {.size = FV__LABEL_SIZE, .colour = FV__INK, .alignment = FV__CENTRE};
    const fv__font turned = {.size = FV__LABEL_SIZE, .colour = FV__INK, .alignment = FV__CENTRE, .upwards = true};
    axes->x.step = axes->x.step > 0 ? axes->x.step : step_of(&axes->x, 6);
    axes->y.step = axes->y.step > 0 ? axes->y.step : step_of(&axes->y, 6);
    draw_ticks(canvas, axes, &axes->x);
    draw_ticks(canvas, axes, &axes->y);
    fv__canvas_frame(canvas, *plot, (fv__stroke){FV__GREY, 1, false});
    if (axes->x.label) {
        fv__canvas_text(canvas, (fv__point){middle, bottom + FV__AXES_BOTTOM - 8}, label, axes->x.label);
    }
    if (axes->y.label) {
        fv__point at = {plot->x - FV__AXES_LEFT + FV__LABEL_SIZE, plot->y + plot->height / 2};
        fv__canvas_text(canvas, at, turned, axes->y.label);
    }
}

// --- Lines and their legend

enum { FEW = 30 }; // points that can be told apart, so that each gets a dot

void fv__axes_line(fv__canvas *canvas, const fv__axes *axes, const double *x, const double *y, size_t count,
                   fv__stroke stroke) {
    fv__point points[256];
    size_t used = 0;
    fv__canvas_clip(canvas, &axes->plot);
    for (size_t i = 0; i < count; i++) {
        points[used++] = fv__axes_place(axes, x[i], y[i]);
        if (used == sizeof points / sizeof *points || i + 1 == count) {
            fv__canvas_line(canvas, points, used, stroke);
            points[0] = points[used - 1];
            used = 1;
        }
    }
    fv__canvas_clip(canvas, NULL);
    for (size_t i = 0; i < count && count <= FEW; i++) {
        if (isfinite(y[i])) {
            fv__canvas_dot(canvas, fv__axes_place(axes, x[i], y[i]), 1.2 * stroke.width, stroke.colour);
        }
    }
}

void fv__legend(fv__canvas *canvas, fv__point at, double width, int columns, const fv__legend_entry *entries,
                int count) {
    enum { SAMPLE = 26, GAP = 7 };
    const fv__font font = {.size = FV__TICK_SIZE, .colour = FV__INK};
    double column = width / columns;
    for (int i = 0; i < count; i++) {
        const int row = i / columns;
        double x = at.x + i % columns * column, y = at.y + (row + 0.5) * FV__LEGEND_ROW;
        fv__canvas_line(canvas, (fv__point[]){{x, y}, {x + SAMPLE, y}}, 2, entries[i].stroke);
        fv__canvas_text_within(canvas, (fv__point){x + SAMPLE + GAP, y + FV__TICK_SIZE * 0.36},
                               column - SAMPLE - 3 * GAP, font, entries[i].name);
    }
}
