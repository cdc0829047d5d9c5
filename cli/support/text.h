// SPDX-License-Identifier: Apache-2.0
// Text on a terminal. Names of files, classes and layers come from outside and may hold anything: whatever prints them
// goes through cli_line, cli_say (support/say.h), a table, or the line of a progress, which all escape them. JSON and
// CSV keep names as they are.
#ifndef FOVEA_CLI_SUPPORT_TEXT_H
#define FOVEA_CLI_SUPPORT_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

// A copy in which control characters, escape sequences and bytes that are not UTF-8 are shown as \n, \r, \t or \xNN.
// Release with free.
char *cli_escape(const char *text);

// A copy in which bytes that are not UTF-8 are replacement characters, for JSON. Release with free.
char *cli_clean(const char *text);

// One line, escaped; its end is added.
void cli_line(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_line_list(FILE *out, const char *start, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

// Columns a text takes on a terminal, and how many of its bytes fit into `width` columns.
int cli_columns(const char *text);
int cli_fitting(const char *text, int width);

bool cli_utf8(void); // whether the terminal's encoding has ━ and ✗

// Paragraphs (separated by "\n\n") in lines of up to 80 columns, each after `indent` blanks; the first one continues a
// line that has `column` columns already.
void cli_wrap(FILE *out, const char *text, int indent, int column);

#endif
