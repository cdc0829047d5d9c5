// SPDX-License-Identifier: Apache-2.0
// Parts of completion scripts that all shells need, and the scripts.
#ifndef FOVEA_CLI_HELP_COMPLETION_H
#define FOVEA_CLI_HELP_COMPLETION_H

#include "support/command.h"

// The known names of a kind of value, the words of a choice, the names of commands: a blank after each.
void cli_shell_put_names(cli_values values);
void cli_shell_put_words(const cli_option *row);
void cli_shell_put_commands(const cli_command *const *list);

// Whether there are such names, and whether files can be given.
bool cli_shell_has_names(cli_values values);
bool cli_shell_has_files(cli_values values);

// The beginning of a sentence, up to where it explains itself, quoted for a shell.
void cli_shell_put_short(const char *sentence);

// Calls `put` for each option of a command, --help last.
void cli_shell_each_option(const cli_command *command, void (*put)(const cli_command *command, const cli_option *row));

void cli_help_bash(void);
void cli_help_zsh(void);
void cli_help_fish(void);

#endif
