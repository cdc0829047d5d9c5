// Text in columns, as wide as their widest cell.
#include "support/cli.h"

#include <stdarg.h>
#include <string.h>

enum { MAX_COLUMNS = 12 };

void cli_table_add(cli_table *table, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fv__text_addv(&table->cells, format, arguments);
    va_end(arguments);
    fv__text_add_bytes(&table->cells, "", 1);
    table->count++;
}

static void print_row(const cli_table *table, const char **cell, const int *widths, FILE *out) {
    int columns = (int)strlen(table->alignment), behind = 0; // blanks not printed yet: none at the end of a line
    for (int c = 0; c < columns; c++, *cell += strlen(*cell) + 1) {
        int blanks = widths[c] - cli_columns(*cell);
        bool right = table->alignment[c] == 'r';
        if (**cell) {
            fprintf(out, "%*s%s", behind + (right ? blanks : 0), "", *cell);
            behind = (right ? 0 : blanks) + 2;
        } else {
            behind += blanks + 2;
        }
    }
    fputc('\n', out);
}

int cli_table_print(cli_table *table, FILE *out) {
    int code = table->cells.failed ? cli_fail_memory() : CLI_OK;
    int columns = (int)strlen(table->alignment), widths[MAX_COLUMNS] = {0};
    const char *cell = table->cells.bytes;
    for (size_t i = 0; i < table->count && code == CLI_OK; i++, cell += strlen(cell) + 1) {
        int width = cli_columns(cell), *widest = &widths[i % (size_t)columns];
        *widest = width > *widest ? width : *widest;
    }
    cell = table->cells.bytes;
    for (size_t row = 0; row < table->count / (size_t)columns && code == CLI_OK; row++) {
        print_row(table, &cell, widths, out);
    }
    fv__text_free(&table->cells);
    table->count = 0;
    return code;
}

void cli_table_drop(cli_table *table) {
    fv__text_free(&table->cells);
}
