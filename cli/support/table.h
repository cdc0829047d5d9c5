// SPDX-License-Identifier: Apache-2.0
// Columns of text, as wide as their widest cell.
#ifndef FOVEA_CLI_SUPPORT_TABLE_H
#define FOVEA_CLI_SUPPORT_TABLE_H

#include <stddef.h>
#include <stdio.h>

typedef struct cli_table {
    const char *alignment; // a letter for each column: l or r
    char **cells;          // row by row, escaped
    size_t count, room;
} cli_table;

// Adds the next cell.
void cli_table_add(cli_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Adds a row of texts, one for each column.
void cli_table_add_row(cli_table *table, ...);

// Prints the rows and frees the cells.
void cli_table_print(cli_table *table, FILE *out);
void cli_table_free(cli_table *table);

#endif
