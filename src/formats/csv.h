// SPDX-License-Identifier: Apache-2.0
// CSV (RFC 4180): a header line of column names, then rows. Used for history.csv, which spreadsheets and fovea read.
#ifndef FOVEA_FORMATS_CSV_H
#define FOVEA_FORMATS_CSV_H

#include "base/text.h"
#include "formats/file.h"

// Adds one row; fields with commas, quotes or line ends are quoted.
void fv__csv_add(fv__text *text, const char *const *fields, size_t count);

typedef struct fv__table {
    size_t columns, rows; // rows without the header
    char **fields;        // (rows + 1, columns); the header first
    char *text;           // what the fields point into
} fv__table;

// Every row must have as many fields as the header. Release with fv__table_free.
fv_status fv__csv_read(const char *path, fv__table *out, fv_error *error);
fv_status fv__csv_parse(const char *text, size_t size, const char *name, fv__table *out, fv_error *error);

const char *fv__table_field(const fv__table *table, size_t row, size_t column);
int fv__table_column(const fv__table *table, const char *name); // -1 when there is none
void fv__table_free(fv__table *table);

#endif
