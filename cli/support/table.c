// SPDX-License-Identifier: Apache-2.0
#include "support/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/memory.h"
#include "support/text.h"

enum { MOST_COLUMNS = 16 };

static void add(cli_table *table, const char *text) {
    if (table->count == table->room) {
        table->room = 2 * table->room + 64;
        table->cells = cli_grow(table->cells, table->room, sizeof *table->cells);
    }
    table->cells[table->count++] = cli_escape(text);
}

void cli_table_add(cli_table *table, const char *format, ...) {
    char *text;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) >= 0) {
        add(table, text);
        free(text);
    }
    va_end(arguments);
}

void cli_table_add_row(cli_table *table, ...) {
    va_list texts;
    va_start(texts, table);
    for (size_t c = 0; c < strlen(table->alignment); c++) {
        add(table, va_arg(texts, const char *));
    }
    va_end(texts);
}

static void print_row(const cli_table *table, char *const *cells, const int *widths, FILE *out) {
    int pending = 0; // blanks not printed yet: none at the end of a line
    for (int c = 0; table->alignment[c]; c++) {
        const int blanks = widths[c] - cli_columns(cells[c]);
        const bool right = table->alignment[c] == 'r';
        if (cells[c][0]) {
            fprintf(out, "%*s%s", pending + (right ? blanks : 0), "", cells[c]);
            pending = (right ? 0 : blanks) + 2;
        } else {
            pending += widths[c] + 2;
        }
    }
    fputc('\n', out);
}

void cli_table_print(cli_table *table, FILE *out) {
    const size_t columns = strlen(table->alignment);
    int widths[MOST_COLUMNS] = {0};
    for (size_t i = 0; i < table->count; i++) {
        const int width = cli_columns(table->cells[i]), *widest = &widths[i % columns];
        widths[i % columns] = width > *widest ? width : *widest;
    }
    for (size_t i = 0; i + columns <= table->count; i += columns) {
        print_row(table, table->cells + i, widths, out);
    }
    cli_table_free(table);
}

void cli_table_free(cli_table *table) {
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    *table = (cli_table){.alignment = table->alignment};
}
