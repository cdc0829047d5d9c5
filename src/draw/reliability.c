// SPDX-License-Identifier: Apache-2.0
// A reliability diagram: how often a model is right when it says how sure it is, and how often it says so.
#include <math.h>
#include <stdio.h>

#include "draw/chart.h"
#include "draw/figures.h"

enum { SIDE = 320, SHARES = 80, HEAD = 34, LEFT = FV__AXES_LEFT + 6, WIDTH = LEFT + SIDE + 28 };

static fv__area bar(const fv__axes *axes, int bin, int bins, double from, double to) {
    fv__point upper = fv__axes_place(axes, (double)bin / bins, to);
    fv__point lower = fv__axes_place(axes, (bin + 1.0) / bins, from);
    return (fv__area){upper.x + 1, upper.y, lower.x - upper.x - 2, lower.y - upper.y};
}

static void draw_accuracy(fv__canvas *canvas, const fv__reliability *now, fv__axes *axes) {
    fv__axes_draw(canvas, axes);
    for (int b = 0; b < now->bins; b++) {
        if (now->shares[b] > 0) {
            double accuracy = now->accuracy[b], confidence = now->confidence[b];
            fv__canvas_fill(canvas, bar(axes, b, now->bins, 0, accuracy), 0x56B4E9);
            fv__area gap = bar(axes, b, now->bins, fmin(accuracy, confidence), fmax(accuracy, confidence));
            fv__canvas_frame(canvas, gap, (fv__stroke){FV__VERMILLION, 1.5, false});
        }
    }
    fv__point diagonal[] = {fv__axes_place(axes, 0, 0), fv__axes_place(axes, 1, 1)};
    fv__canvas_line(canvas, diagonal, 2, (fv__stroke){FV__INK, 1.2, true});
}

static void draw_shares(fv__canvas *canvas, const fv__reliability *now, fv__axes *axes) {
    fv__axis_begin(&axes->y);
    fv__axis_widen(&axes->y, (const double[]){0}, 1);
    fv__axis_widen(&axes->y, now->shares, (size_t)now->bins);
    fv__axis_round(&axes->y, 2);
    fv__axes_draw(canvas, axes);
    for (int b = 0; b < now->bins; b++) {
        fv__canvas_fill(canvas, bar(axes, b, now->bins, 0, now->shares[b]), FV__GREY);
    }
}

fv_status fv__draw_reliability(const fv__reliability *reliability, const char *path, fv_error *error) {
    enum { TOP = HEAD + FV__LEGEND_ROW + 8 };
    static const fv__legend_entry legend[] = {
        {"accuracy", {0x56B4E9, 9, false}}, {"gap", {FV__VERMILLION, 2, false}}, {"ideal", {FV__INK, 1.2, true}}};
    fv__axes accuracy = {.x = {.low = 0, .high = 1, .percent = true},
                         .y = {.label = "Accuracy", .low = 0, .high = 1, .percent = true},
                         .plot = {LEFT, TOP, SIDE, SIDE}};
    fv__axes shares = {
        .x = {.label = "Confidence (probability of the predicted class)", .low = 0, .high = 1, .percent = true},
        .y = {.label = "Samples", .percent = true},
        .plot = {LEFT, TOP + SIDE + 30, SIDE, SHARES}};
    fv__canvas *canvas;
    fv_status status =
        fv__canvas_open(path, WIDTH, TOP + SIDE + 30 + SHARES + FV__AXES_BOTTOM, FV__CHART_SCALE, &canvas, error);
    if (status) {
        return status;
    }
    char title[80];
    fv__font font = {.size = FV__TITLE_SIZE, .colour = FV__INK, .bold = true, .alignment = FV__CENTRE};
    snprintf(title, sizeof title, "Calibration (ECE %.2f %%)", 100 * reliability->error);
    fv__canvas_text(canvas, (fv__point){LEFT + SIDE / 2.0, 22}, font, title);
    fv__legend(canvas, (fv__point){LEFT, HEAD}, SIDE, 3, legend, 3);
    draw_accuracy(canvas, reliability, &accuracy);
    draw_shares(canvas, reliability, &shares);
    return fv__canvas_close(canvas, error);
}

fv_status fv_evaluation_draw_calibration(const fv_evaluation *evaluation, const char *path, fv_error *error) {
    double confidence[FV_CALIBRATION_BINS], accuracy[FV_CALIBRATION_BINS], shares[FV_CALIBRATION_BINS];
    for (int b = 0; b < FV_CALIBRATION_BINS; b++) {
        const fv_calibration_bin *bin = &evaluation->bins[b];
        confidence[b] = bin->confidence;
        accuracy[b] = bin->accuracy;
        shares[b] = (double)bin->samples / (double)evaluation->samples;
    }
    const fv__reliability reliability = {FV_CALIBRATION_BINS, confidence, accuracy, shares,
                                         evaluation->calibration_error};
    return fv__draw_reliability(&reliability, path, error);
}
