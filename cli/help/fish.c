// SPDX-License-Identifier: Apache-2.0
// The completion script for fish.
#include "completion.h"

#include <stdio.h>

// The condition under which a command's options and arguments are offered.
static void put_condition(const cli_command *command) {
    printf("complete -c fovea -n '");
    if (command->parent) {
        printf("__fish_seen_subcommand_from %s; and ", command->parent->name);
    }
    printf("__fish_seen_subcommand_from %s'", command->name);
}

static void put_values(cli_values values) {
    if (cli_shell_has_names(values)) {
        printf(" -a '");
        cli_shell_put_names(values);
        putchar('\'');
    }
    if (values == CLI_FOLDERS) {
        fputs(" -a '(__fish_complete_directories)'", stdout);
    }
    fputs(cli_shell_has_files(values) ? " -F" : " -f", stdout);
}

static void put_option(const cli_command *command, const cli_option *row) {
    put_condition(command);
    printf(" -l %s", row->name);
    if (row->letter) {
        printf(" -s %s", row->letter);
    }
    if (row->words) {
        printf(" -a '");
        cli_shell_put_words(row);
        putchar('\'');
    }
    fputs(row->value ? " -r" : "", stdout);
    put_values(row->values);
    printf(" -d ");
    cli_shell_put_short(row->sentence);
    putchar('\n');
}

static void put_command(const cli_command *command, void *context) {
    (void)context;
    put_condition(command);
    put_values(command->values);
    putchar('\n');
    cli_shell_each_option(command, put_option);
}

void cli_help_fish(void) {
    printf("# fish completion of fovea, made by `fovea help --completion fish`.\n"
           "complete -c fovea -f\n");
    for (const cli_command *const *command = cli_commands; *command; command++) {
        printf("complete -c fovea -n __fish_use_subcommand -a %s -d ", (*command)->name);
        cli_shell_put_short((*command)->sentence);
        putchar('\n');
        for (const cli_command *const *action = (*command)->actions; action && *action; action++) {
            printf("complete -c fovea -n '__fish_seen_subcommand_from %s; and not __fish_seen_subcommand_from ",
                   (*command)->name);
            cli_shell_put_commands((*command)->actions);
            printf("' -a %s -d ", (*action)->name);
            cli_shell_put_short((*action)->sentence);
            putchar('\n');
        }
    }
    cli_command_each(put_command, NULL);
}
