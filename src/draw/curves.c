// SPDX-License-Identifier: Apache-2.0
// Training curves: what one looks at first, and what compares runs.
#include <math.h>
#include <stdio.h>

#include "draw/chart.h"
#include "draw/figures.h"

enum { WIDTH = 720, MARGIN = 14, HEAD = 30, PLOT_HEIGHT = 230, TICKS = 6, COLUMNS = 3 };

typedef struct figure {
    const fv__curves *runs;
    int count;
    int best; // place of the best epoch of a single run; -1: none
} figure;

static bool has_validation(const fv__curves *run) {
    bool found = false;
    for (size_t i = 0; i < run->epochs; i++) {
        found |= isfinite(run->validation_accuracy[i]);
    }
    return found;
}

// As train.keep_best counts: of equals the earliest.
static int find_best(const fv__curves *run) {
    int best = -1;
    for (size_t i = 0; i < run->epochs; i++) {
        double accuracy = run->validation_accuracy[i];
        if (isfinite(accuracy) && (best < 0 || accuracy > run->validation_accuracy[best])) {
            best = (int)i;
        }
    }
    return best;
}

// Of a single run the colour says which samples, of several the colour says which run, and dashes which samples.
static fv__stroke stroke_of(const figure *now, int run, bool validation) {
    if (now->count == 1) {
        return (fv__stroke){validation ? FV__VERMILLION : FV__BLUE, 2, false};
    }
    return (fv__stroke){fv__series_colours[run], validation ? 2 : 1.2, !validation};
}

static const double *values_of(const fv__curves *run, bool loss, bool validation) {
    return loss ? validation ? run->validation_loss : run->loss : validation ? run->validation_accuracy : run->accuracy;
}

static void mark_best(fv__canvas *canvas, const fv__axes *axes, const figure *now, bool loss) {
    const fv__curves *run = &now->runs[0];
    if (now->best >= 0) {
        double x = run->epoch[now->best];
        fv__point at = fv__axes_place(axes, x, values_of(run, loss, true)[now->best]);
        fv__point ends[] = {fv__axes_place(axes, x, axes->y.low), fv__axes_place(axes, x, axes->y.high)};
        fv__canvas_line(canvas, ends, 2, (fv__stroke){FV__GREY, 1, true});
        fv__canvas_ring(canvas, at, 5, (fv__stroke){FV__INK, 1.5, false});
    }
}

static void draw_panel(fv__canvas *canvas, const figure *now, fv__area plot, bool loss) {
    fv__axes axes = {.x = {.label = "Epoch", .whole = true},
                     .y = {.label = loss ? "Loss (cross-entropy)" : "Accuracy", .percent = !loss},
                     .plot = plot};
    fv__axis_begin(&axes.x);
    fv__axis_begin(&axes.y);
    for (int r = 0; r < now->count; r++) {
        const fv__curves *run = &now->runs[r];
        fv__axis_widen(&axes.x, run->epoch, run->epochs);
        fv__axis_widen(&axes.y, values_of(run, loss, false), run->epochs);
        fv__axis_widen(&axes.y, values_of(run, loss, true), run->epochs);
    }
    fv__axis_round(&axes.y, TICKS);
    if (!(axes.x.low < axes.x.high)) { // a single epoch stands in the middle
        axes.x.low = isfinite(axes.x.low) ? axes.x.low - 1 : 0;
        axes.x.high = axes.x.low + 2;
    }
    fv__axes_draw(canvas, &axes);
    for (int r = 0; r < now->count; r++) {
        const fv__curves *run = &now->runs[r];
        for (int validation = 0; validation < 2; validation++) {
            fv__axes_line(canvas, &axes, run->epoch, values_of(run, loss, validation), run->epochs,
                          stroke_of(now, r, validation));
        }
    }
    mark_best(canvas, &axes, now, loss);
}

// Entries of the legend; `best` is room for the name of one. Returns how many.
static int list_entries(const figure *now, fv__legend_entry *entries, char *best, size_t size) {
    int count = 0;
    if (now->count > 1) {
        for (int r = 0; r < now->count; r++) {
            entries[count++] = (fv__legend_entry){now->runs[r].name, stroke_of(now, r, true)};
        }
        entries[count++] = (fv__legend_entry){"training", {FV__GREY, 1.2, true}};
        entries[count++] = (fv__legend_entry){"validation", {FV__GREY, 2, false}};
        return count;
    }
    entries[count++] = (fv__legend_entry){"training", stroke_of(now, 0, false)};
    if (has_validation(&now->runs[0])) {
        entries[count++] = (fv__legend_entry){"validation", stroke_of(now, 0, true)};
    }
    if (now->best >= 0) {
        snprintf(best, size, "best: epoch %.0f, %.2f %%", now->runs[0].epoch[now->best],
                 100 * now->runs[0].validation_accuracy[now->best]);
        entries[count++] = (fv__legend_entry){best, {FV__GREY, 1, true}};
    }
    return count;
}

fv_status fv__draw_curves(const fv__curves *runs, int count, const char *path, fv_error *error) {
    figure now = {.runs = runs, .count = count, .best = count == 1 ? find_best(&runs[0]) : -1};
    fv__legend_entry entries[FV_MAX_CURVES + 3];
    char best[64];
    int entry_count = list_entries(&now, entries, best, sizeof best);
    int rows = (entry_count + COLUMNS - 1) / COLUMNS;
    double top = HEAD + (double)rows * FV__LEGEND_ROW + 12, width = (WIDTH - 2 * MARGIN) / 2.0;
    fv__area plot = {MARGIN + FV__AXES_LEFT, top, width - FV__AXES_LEFT - FV__AXES_RIGHT, PLOT_HEIGHT};
    fv__canvas *canvas;
    fv_status status =
        fv__canvas_open(path, WIDTH, top + PLOT_HEIGHT + FV__AXES_BOTTOM, FV__CHART_SCALE, &canvas, error);
    if (status) {
        return status;
    }
    fv__font title = {.size = FV__TITLE_SIZE, .colour = FV__INK, .bold = true, .alignment = FV__CENTRE};
    fv__canvas_text_within(canvas, (fv__point){WIDTH / 2.0, 22}, WIDTH - 2 * MARGIN, title,
                           count == 1 ? runs[0].name : "Training curves");
    fv__legend(canvas, (fv__point){MARGIN + 12, HEAD}, WIDTH - 2 * MARGIN - 12, COLUMNS, entries, entry_count);
    draw_panel(canvas, &now, plot, false);
    plot.x += width;
    draw_panel(canvas, &now, plot, true);
    return fv__canvas_close(canvas, error);
}
