// SPDX-License-Identifier: Apache-2.0
// What charts are made of: axes with ticks at round numbers, lines, and a legend.
#ifndef FOVEA_DRAW_CHART_H
#define FOVEA_DRAW_CHART_H

#include "draw/canvas.h"

enum { FV__CHART_SCALE = 2 }; // pixels of a PNG a unit: sharp on any screen, and 150 an inch at 20 cm in print

// Text sizes in units; charts are some 720 units wide, so that text stays legible at the width of a printed page.
enum { FV__TITLE_SIZE = 15, FV__LABEL_SIZE = 13, FV__TICK_SIZE = 12 };

typedef struct fv__chart_axis {
    const char *label; // NULL: none
    double low, high;  // what is shown
    bool percent;      // 0.5 is written as 50 %
    bool whole;        // ticks at whole numbers only
    double step;       // between ticks; set by fv__axis_round or fv__axes_draw
} fv__chart_axis;

// An axis that begins empty (low > high) and is widened by values; NaN is passed over.
void fv__axis_begin(fv__chart_axis *axis);
void fv__axis_widen(fv__chart_axis *axis, const double *values, size_t count);

// Moves both ends outwards to ticks; also makes sense of an axis without values, or with one.
void fv__axis_round(fv__chart_axis *axis, int ticks);

// The distance of round numbers (1, 2 or 5 times a power of ten) that cuts `range` into at most `ticks` parts.
double fv__tick_step(double range, int ticks);

typedef struct fv__axes {
    fv__chart_axis x, y;
    fv__area plot; // where values are drawn; labels and numbers stand around it
} fv__axes;

// Room that numbers and labels take on the sides of the plot.
enum { FV__AXES_LEFT = 62, FV__AXES_RIGHT = 14, FV__AXES_BOTTOM = 42 };

void fv__axes_draw(fv__canvas *canvas, fv__axes *axes);
fv__point fv__axes_place(const fv__axes *axes, double x, double y);

// A line through the points, interrupted where y is not a number; with dots where they are few.
void fv__axes_line(fv__canvas *canvas, const fv__axes *axes, const double *x, const double *y, size_t count,
                   fv__stroke stroke);

typedef struct fv__legend_entry {
    const char *name;
    fv__stroke stroke;
} fv__legend_entry;

// Draws entries in `columns` columns over `width` from `at` on; longer names are cut short.
enum { FV__LEGEND_ROW = 19 };
void fv__legend(fv__canvas *canvas, fv__point at, double width, int columns, const fv__legend_entry *entries,
                int count);

#endif
