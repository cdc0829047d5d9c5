// SPDX-License-Identifier: Apache-2.0
// A command: its name, what it takes, what --help says of it, and the function that runs it. Its options are a table
// beside it (support/options.h). Parsing, help, the man page, shell completion and the tests read these.
#ifndef FOVEA_CLI_SUPPORT_COMMAND_H
#define FOVEA_CLI_SUPPORT_COMMAND_H

#include <stdio.h>

#include "support/options.h"

typedef struct cli_example {
    const char *line, *remark; // remark: NULL or what the line does
} cli_example;
#define CLI_EXAMPLES(...)                                                                                              \
    (const cli_example[]) {                                                                                            \
        __VA_ARGS__, {                                                                                                 \
            NULL, NULL                                                                                                 \
        }                                                                                                              \
    }

// What is neither an option nor the name of the command.
typedef struct cli_arguments {
    const char *const *items;
    int count;
} cli_arguments;

typedef struct cli_command cli_command;
struct cli_command {
    const char *name;
    const char *arguments; // "RECIPE|MODEL|RUN"; "" where there are none
    const char *sentence;  // in the list of commands
    const char *details;   // paragraphs for --help and the man page; NULL: the sentence says it all
    const cli_example *examples;
    const cli_option *options; // ends with CLI_END; NULL: only --help
    size_t options_size;       // of the struct that the table fills
    cli_values values;         // what an argument can be, for completion
    int least_arguments, most_arguments;
    const char *missing;                                             // what to say where there are fewer than the least
    int (*run)(const void *options, const cli_arguments *arguments); // returns the exit code

    // A command that has actions, such as `fovea data check`, has these instead of options and run; the first is what
    // it does when none is named.
    const cli_command *const *actions; // ends with NULL
    const cli_command *parent;         // of an action
};

extern const cli_command *const cli_commands[]; // all but actions, in the order of `fovea help`; ends with NULL

// The one of this name in a list that ends with NULL; NULL: there is none.
const cli_command *cli_command_find(const cli_command *const *list, const char *name);

// ", did you mean 'eval'?" for a name that is not in the list, or ""; in `hint`, which is also returned.
enum { CLI_COMMAND_HINT = 64 };
const char *cli_command_suggest(const cli_command *const *list, const char *name, char hint[CLI_COMMAND_HINT]);

// "eval", or "data check" for an action; in `name`, which is also returned.
enum { CLI_COMMAND_NAME = 40 };
const char *cli_command_name(const cli_command *command, char name[CLI_COMMAND_NAME]);

// "usage: fovea eval MODEL|RUN [OPTIONS]", a line for each action.
void cli_command_print_usage(const cli_command *command, FILE *out);

// Calls `visit` for every command that can be run: those without actions, and actions.
void cli_command_each(void (*visit)(const cli_command *command, void *context), void *context);

// Runs a command with the words after its name; returns the exit code.
int cli_command_run(const cli_command *command, int count, char **words);

// What `fovea COMMAND --help` prints (help/page.c).
void cli_command_explain(const cli_command *command);

#endif
