// SPDX-License-Identifier: Apache-2.0
// What `fovea COMMAND --help` prints, from the command's tables.
#include <stdlib.h>
#include <string.h>

#include "support/command.h"
#include "support/memory.h"
#include "support/text.h"

enum { OPTION_COLUMNS = 29 };

// "-o, --out DIR"; release with free.
static char *option_title(const cli_option *row) {
    return cli_format("%s%s%s--%s%s%s", row->letter ? "-" : "    ", row->letter ? row->letter : "",
                      row->letter ? ", " : "", row->name, row->value ? " " : "", row->value ? row->value : "");
}

// "Which part of the data set (test or train; default: test)."; words that are explained follow line by line.
static char *option_text(const cli_option *row) {
    char *text;
    size_t size;
    FILE *out = cli_stream(&text, &size);
    const bool listed = row->words && !row->words[0].sentence, more = listed || row->preset;
    fprintf(out, "%.*s%s", (int)strlen(row->sentence) - more, row->sentence, more ? " (" : "");
    for (const cli_word *word = row->words; listed && word->word; word++) {
        fprintf(out, "%s%s", word == row->words ? "" : word[1].word ? ", " : " or ", word->word);
    }
    if (row->preset) {
        fprintf(out, "%sdefault: %s", listed ? "; " : "", row->preset);
    }
    fputs(more ? ")." : "", out);
    fclose(out);
    return text;
}

static void print_option(const cli_option *row) {
    char *title = option_title(row), *text = option_text(row);
    int column = printf("  %s  ", title);
    if (column > OPTION_COLUMNS) {
        putchar('\n');
        column = 0;
    }
    cli_wrap(stdout, text, OPTION_COLUMNS, column);
    for (const cli_word *word = row->words; word && word->word && word->sentence; word++) {
        column = printf("%*s%-10s  ", OPTION_COLUMNS, "", word->word);
        cli_wrap(stdout, word->sentence, OPTION_COLUMNS + 12, column);
    }
    free(title);
    free(text);
}

static void print_examples(const cli_command *command) {
    enum { MOST = 48 }; // columns of a line before its remark
    int width = 0;
    for (const cli_example *example = command->examples; example && example->line; example++) {
        const int columns = cli_columns(example->line);
        width = example->remark && columns > width ? columns : width;
    }
    width = width < MOST ? width : MOST;
    for (const cli_example *example = command->examples; example && example->line; example++) {
        if (example->remark) {
            printf("  %-*s  # %s\n", width, example->line, example->remark);
        } else {
            printf("  %s\n", example->line);
        }
    }
}

static void print_actions(const cli_command *command) {
    printf("Actions (`fovea %s ACTION --help` explains one; without one: %s):\n", command->name,
           command->actions[0]->name);
    for (const cli_command *const *action = command->actions; *action; action++) {
        printf("  %-7s %s\n", (*action)->name, (*action)->sentence);
    }
    printf("\nExamples:\n");
    for (const cli_command *const *action = command->actions; *action; action++) {
        print_examples(*action);
    }
}

void cli_command_explain(const cli_command *command) {
    printf("%s.\n\n", command->sentence);
    cli_command_print_usage(command, stdout);
    putchar('\n');
    if (command->details) {
        cli_wrap(stdout, command->details, 0, 0);
        putchar('\n');
    }
    if (command->actions) {
        print_actions(command);
        return;
    }
    printf("Examples:\n");
    print_examples(command);
    printf("\nOptions:\n");
    for (const cli_option *row = command->options; row && row->name; row++) {
        print_option(row);
    }
    print_option(&cli_option_help);
}
