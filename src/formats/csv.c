// SPDX-License-Identifier: Apache-2.0
#include "formats/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void fv__csv_add(fv__text *text, const char *const *fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bool quoted = strpbrk(fields[i], ",\"\r\n");
        fv__text_add(text, i ? "," : "");
        fv__text_add(text, quoted ? "\"" : "");
        for (const char *at = fields[i]; *at; at++) {
            fv__text_add_bytes(text, at, 1);
            fv__text_add_bytes(text, at, *at == '"' ? 1 : 0);
        }
        fv__text_add(text, quoted ? "\"" : "");
    }
    fv__text_add(text, "\n");
}

// Reads one field at *at, undoing its quotes in place; returns what ends it: ',', '\n', 0 (the end), or '?' for a quote
// out of place.
static char take_field(char **at, char *end, char **field) {
    char *from = *at;
    char *to = from;
    *field = from;
    bool quoted = from < end && *from == '"';
    if (quoted) {
        for (from++;; from++) {
            if (from >= end) {
                return '?';
            }
            if (*from == '"') {
                if (from + 1 >= end || from[1] != '"') {
                    from++;
                    break;
                }
                from++;
            }
            *to++ = *from;
        }
    } else {
        while (from < end && *from != ',' && *from != '\n' && *from != '\r') {
            *to++ = *from++;
        }
    }
    if (from < end && *from == '\r' && from + 1 < end && from[1] == '\n') {
        from++;
    }
    char stop = from < end ? *from : 0;
    *at = from < end ? from + 1 : end;
    *to = 0; // at most where the field's own end was
    return stop == ',' || stop == '\n' || (stop == 0 && from >= end) ? stop : '?';
}

// Adds a field, making room as needed.
static bool push(fv__table *table, size_t *used, size_t *capacity, char *field) {
    if (*used == *capacity) {
        size_t larger = *capacity * 2 + 64;
        char **grown = fv__realloc(table->fields, larger * sizeof *grown);
        if (!grown) {
            return false;
        }
        table->fields = grown;
        *capacity = larger;
    }
    table->fields[(*used)++] = field;
    return true;
}

static fv_status parse(fv__table *table, size_t size, const char *name, fv_error *error) {
    size_t used = 0, capacity = 0, line = 0;
    char *at = table->text;
    char *end = at + size;
    while (at < end) {
        size_t columns = 0;
        char stop;
        line++;
        do {
            char *field;
            stop = take_field(&at, end, &field);
            if (stop == '?') {
                return fv__fail(error, FV_FORMAT, "%s: row %zu: a quote or line end is out of place", name, line);
            }
            if (!push(table, &used, &capacity, field)) {
                return fv__fail_memory(error, name);
            }
            columns++;
        } while (stop == ',');
        table->columns = line == 1 ? columns : table->columns;
        if (columns != table->columns) {
            return fv__fail(error, FV_FORMAT, "%s: row %zu has %zu fields, the header has %zu", name, line, columns,
                            table->columns);
        }
    }
    if (line == 0) {
        return fv__fail(error, FV_FORMAT, "%s: empty, a line of column names expected", name);
    }
    table->rows = line - 1;
    return FV_OK;
}

fv_status fv__csv_parse(const char *text, size_t size, const char *name, fv__table *out, fv_error *error) {
    *out = (fv__table){.text = fv__strndup(text, size)};
    fv_status status = out->text ? parse(out, size, name, error) : fv__fail_memory(error, name);
    if (status != FV_OK) {
        fv__table_free(out);
    }
    return status;
}

fv_status fv__csv_read(const char *path, fv__table *out, fv_error *error) {
    uint8_t *bytes;
    size_t size;
    *out = (fv__table){0};
    fv_status status = fv__file_read(path, 0, &bytes, &size, error);
    if (status == FV_OK) {
        *out = (fv__table){.text = (char *)bytes}; // has its NUL already
        status = parse(out, size, path, error);
        if (status != FV_OK) {
            fv__table_free(out);
        }
    }
    return status;
}

const char *fv__table_field(const fv__table *table, size_t row, size_t column) {
    return table->fields[(row + 1) * table->columns + column];
}

int fv__table_column(const fv__table *table, const char *name) {
    for (size_t column = 0; column < table->columns; column++) {
        if (strcmp(table->fields[column], name) == 0) {
            return (int)column;
        }
    }
    return -1;
}

void fv__table_free(fv__table *table) {
    fv__free(table->fields);
    fv__free(table->text);
    *table = (fv__table){0};
}
