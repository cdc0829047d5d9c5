// SPDX-License-Identifier: Apache-2.0
// `fovea help`: the command (help.c), the page of a command (page.c), pages on recipes (recipe.c), and what is made of
// the commands' tables for other programs: JSON (json.c), the man page (man.c), and shell completion (completion.c, with
// a file for each shell).
#ifndef FOVEA_CLI_HELP_H
#define FOVEA_CLI_HELP_H

#include <stdbool.h>

// The keys that recipes can have, or the text of a built-in one. Return the exit code.
int cli_help_recipe(const char *name);
int cli_help_recipes(bool json);

// A command with its options and actions; NULL: all commands. Returns the exit code.
struct cli_command;
int cli_help_json(const struct cli_command *command);

void cli_help_man(void);
void cli_help_completion(const char *shell); // "bash", "zsh" or "fish"

#endif
