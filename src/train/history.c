#include "train/history.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "formats/csv.h"

static void add_column(fv__history *history, const char *prefix, const char *name) {
    snprintf(history->names[history->columns++], sizeof history->names[0], "%s%s", prefix, name);
}

static void add_metric_columns(fv__history *history, const char *prefix) {
    add_column(history, prefix, "loss");
    add_column(history, prefix, "accuracy");
    for (int k = 0; k < FV_MAX_TOP && history->top_k[k]; k++) {
        char name[16];
        snprintf(name, sizeof name, "top%d", history->top_k[k]);
        add_column(history, prefix, name);
    }
}

void fv__history_init(fv__history *history, const int top_k[FV_MAX_TOP], bool validates) {
    *history = (fv__history){.validates = validates};
    memcpy(history->top_k, top_k, sizeof history->top_k);
    add_column(history, "", "epoch");
    add_column(history, "", "lr");
    add_metric_columns(history, "");
    if (validates) {
        add_metric_columns(history, "val_");
    }
    add_column(history, "", "seconds");
    add_column(history, "", "images_per_second");
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

static double *put_metrics(const fv__history *history, const fv_metrics *metrics, double *value) {
    *value++ = metrics->loss;
    *value++ = metrics->accuracy;
    for (int k = 0; k < FV_MAX_TOP && history->top_k[k]; k++) {
        *value++ = metrics->top[k];
    }
    return value;
}

fv_status fv__history_add(fv__history *history, const fv__epoch_record *record, fv_error *error) {
    fv_status status = fv__history_resize(history, history->rows + 1, error);
    if (status) {
        return status;
    }
    double *value = history->values + (history->rows - 1) * (size_t)history->columns;
    *value++ = (double)record->epoch;
    *value++ = record->rate;
    value = put_metrics(history, &record->train, value);
    if (history->validates) {
        value = put_metrics(history, &record->validation, value);
    }
    *value++ = record->seconds;
    *value = record->seconds > 0 ? (double)record->train.samples / record->seconds : 0;
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

// Times need no more than milliseconds; everything else is written so that it reads back the same.
static double rounded(const char *name, double value) {
    bool timing = strcmp(name, "seconds") == 0 || strcmp(name, "images_per_second") == 0;
    return timing ? round(value * 1000) / 1000 : value;
}

fv_status fv__history_write(const fv__history *history, const char *path, fv_error *error) {
    fv__writer *writer;
    fv_status status = fv__writer_open(path, &writer, error);
    if (status) {
        return status;
    }
    const char *fields[FV__HISTORY_COLUMNS];
    char numbers[FV__HISTORY_COLUMNS][FV__NUMBER_SIZE];
    for (int c = 0; c < history->columns; c++) {
        fields[c] = history->names[c];
    }
    fv__csv_append(writer, fields, (size_t)history->columns, NULL); // failures are remembered for the commit
    for (size_t row = 0; row < history->rows; row++) {
        for (int c = 0; c < history->columns; c++) {
            double value = history->values[row * (size_t)history->columns + (size_t)c];
            fields[c] = fv__format_float(numbers[c], rounded(history->names[c], value));
        }
        fv__csv_append(writer, fields, (size_t)history->columns, NULL);
    }
    return fv__writer_commit(writer, error);
}
