// SPDX-License-Identifier: Apache-2.0
#include "train/history.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "formats/csv.h"

static fv__named_value *put(fv__named_value *at, const char *name, double value) {
    snprintf(at->name, sizeof at->name, "%s", name);
    at->value = value;
    return at + 1;
}

int fv__epoch_name(const fv_progress *epoch, bool validates, fv__named_value values[FV__HISTORY_COLUMNS]) {
    fv__named_value *at = put(values, "epoch", epoch->epoch);
    at = put(at, "learning_rate", epoch->learning_rate);
    at += fv__metrics_name(&epoch->train, "", at);
    at += validates ? fv__metrics_name(&epoch->validation, "val_", at) : 0;
    at = put(at, "seconds", epoch->seconds);
    at = put(at, "img_s", epoch->images_per_second);
    return (int)(at - values);
}

void fv__history_init(fv__history *history, const int top_k[FV_MAX_TOP], bool validates) {
    fv__named_value values[FV__HISTORY_COLUMNS];
    fv_progress blank = {0};
    memcpy(blank.train.top_k, top_k, sizeof blank.train.top_k);
    memcpy(blank.validation.top_k, top_k, sizeof blank.validation.top_k);
    *history = (fv__history){.validates = validates, .columns = fv__epoch_name(&blank, validates, values)};
    for (int c = 0; c < history->columns; c++) {
        memcpy(history->names[c], values[c].name, sizeof history->names[c]);
    }
}

void fv__history_free(fv__history *history) {
    fv__free(history->values);
    history->values = NULL;
    history->rows = history->capacity = 0;
}

fv_status fv__history_resize(fv__history *history, size_t rows, fv_error *error) {
    if (rows > history->capacity) {
        size_t capacity = rows * 2 + 16;
        double *values = fv__realloc(history->values, capacity * (size_t)history->columns * sizeof *values);
        if (!values) {
            return fv__fail_memory(error, "the history");
        }
        history->values = values;
        history->capacity = capacity;
    }
    history->rows = rows;
    return FV_OK;
}

fv_status fv__history_add(fv__history *history, const fv_progress *epoch, fv_error *error) {
    fv_status status = fv__history_resize(history, history->rows + 1, error);
    if (status) {
        return status;
    }
    fv__named_value values[FV__HISTORY_COLUMNS];
    double *row = history->values + (history->rows - 1) * (size_t)history->columns;
    fv__epoch_name(epoch, history->validates, values);
    for (int c = 0; c < history->columns; c++) {
        row[c] = values[c].value;
    }
    return FV_OK;
}

double fv__history_value(const fv__history *history, size_t row, const char *column) {
    for (int c = 0; c < history->columns; c++) {
        if (strcmp(history->names[c], column) == 0) {
            return history->values[row * (size_t)history->columns + (size_t)c];
        }
    }
    return NAN;
}

fv_status fv__history_read(const char *path, fv__history *history, fv_error *error) {
    fv__table table;
    *history = (fv__history){0};
    fv_status status = FV_OK;
    FV__TRY(fv__csv_read(path, &table, error));
    if (table.columns > FV__HISTORY_COLUMNS || fv__table_column(&table, "epoch") < 0) {
        FV__TRY_OR_DONE(fv__fail(error, FV_FORMAT,
                                 "%s: is not the history of a run: its header lacks 'epoch' or is too long", path));
    }
    for (size_t c = 0; c < table.columns; c++) {
        snprintf(history->names[history->columns++], sizeof history->names[0], "%s", table.fields[c]);
    }
    FV__TRY_OR_DONE(fv__history_resize(history, table.rows, error));
    for (size_t i = 0; i < table.rows * table.columns; i++) {
        double *value = &history->values[i];
        *value = fv__parse_float(table.fields[table.columns + i], value) ? *value : NAN;
    }
done:
    fv__table_free(&table);
    return status;
}

// Times need no more than milliseconds; everything else is written so that it reads back the same.
static double rounded(const char *name, double value) {
    bool timing = strcmp(name, "seconds") == 0 || strcmp(name, "img_s") == 0;
    return timing ? round(value * 1000) / 1000 : value;
}

fv_status fv__history_write(const fv__history *history, const char *path, fv_error *error) {
    fv__text text = {0};
    const char *fields[FV__HISTORY_COLUMNS];
    char numbers[FV__HISTORY_COLUMNS][FV__NUMBER_SIZE];
    for (int c = 0; c < history->columns; c++) {
        fields[c] = history->names[c];
    }
    fv__csv_add(&text, fields, (size_t)history->columns);
    for (size_t row = 0; row < history->rows; row++) {
        for (int c = 0; c < history->columns; c++) {
            double value = history->values[row * (size_t)history->columns + (size_t)c];
            fields[c] = fv__format_float(numbers[c], rounded(history->names[c], value));
        }
        fv__csv_add(&text, fields, (size_t)history->columns);
    }
    fv_status status =
        text.failed ? fv__fail_memory(error, path) : fv__file_write(path, text.bytes, text.length, error);
    fv__text_free(&text);
    return status;
}
