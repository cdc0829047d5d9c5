// SPDX-License-Identifier: Apache-2.0
// The charts fovea makes, each written to a .png or .svg file. They are given numbers and names alone.
#ifndef FOVEA_DRAW_FIGURES_H
#define FOVEA_DRAW_FIGURES_H

#include "draw/canvas.h"

// One run of training: loss and accuracy of each epoch.
typedef struct fv__curves {
    const char *name;
    size_t epochs;
    const double *epoch, *loss, *accuracy;               // (epochs)
    const double *validation_loss, *validation_accuracy; // (epochs); NaN where there was none
} fv__curves;

// Accuracy and loss side by side. A single run has its best epoch (by validation accuracy) marked.
fv_status fv__draw_curves(const fv__curves *runs, int count, const char *path, fv_error *error);

// Rows are the true classes, columns the predicted ones; shades are shares of the row. Up to 20 classes with numbers
// and names, more of them as a map.
fv_status fv__draw_confusion(const size_t *confusion, int classes, const char *const *names, const char *path,
                             fv_error *error);

// A bar a class from 0 to 100 %, best first, and the mean as a line.
fv_status fv__draw_class_bars(const double *values, int classes, const char *const *names, const char *title,
                              const char *path, fv_error *error);

// Accuracy against confidence (Guo et al. 2017, figure 1): bars that fall short of the diagonal are overconfident. Bin
// b of `bins` holds shares[b] of all samples.
typedef struct fv__reliability {
    int bins;
    const double *confidence, *accuracy, *shares; // (bins)
    double error;                                 // the expected calibration error
} fv__reliability;
fv_status fv__draw_reliability(const fv__reliability *reliability, const char *path, fv_error *error);

#endif
