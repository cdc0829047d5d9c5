// SPDX-License-Identifier: Apache-2.0
// The epochs of a run as numbers: kept in the checkpoint bit by bit, and written to history.csv for people.
#ifndef FOVEA_TRAIN_HISTORY_H
#define FOVEA_TRAIN_HISTORY_H

#include "train/metrics.h"

enum { FV__HISTORY_COLUMNS = 4 + 2 * FV__METRIC_VALUES };

// The numbers of an epoch by name: the columns of history.csv, and what `fovea train --json` prints. Returns how many.
int fv__epoch_name(const fv_progress *epoch, bool validates, fv__named_value values[FV__HISTORY_COLUMNS]);

typedef struct fv__history {
    int columns;
    char names[FV__HISTORY_COLUMNS][24]; // "epoch", "learning_rate", "loss", "accuracy", "top5", "val_loss", ...
    bool validates;
    size_t rows, capacity;
    double *values; // (rows, columns)
} fv__history;

// An empty history with the columns of a run that counts these top-k accuracies, with or without validation.
void fv__history_init(fv__history *history, const int top_k[FV_MAX_TOP], bool validates);
void fv__history_free(fv__history *history);

fv_status fv__history_add(fv__history *history, const fv_progress *epoch, fv_error *error);

// Makes room for `rows` rows, whose values the caller fills in.
fv_status fv__history_resize(fv__history *history, size_t rows, fv_error *error);

// The value of a column in a row; NAN when there is no such column.
double fv__history_value(const fv__history *history, size_t row, const char *column);

// Reads a file that fv__history_write has made: columns by name, numbers that are not finite as NAN. Free with
// fv__history_free, also after a failure.
fv_status fv__history_read(const char *path, fv__history *history, fv_error *error);

fv_status fv__history_write(const fv__history *history, const char *path, fv_error *error);

#endif
