// SPDX-License-Identifier: Apache-2.0
// `fovea help`: the command (help.c), the page of a command (page.c), pages on recipes (recipe.c), and what is made of
// the commands' tables for other programs: JSON (tree.c), the man page (man.c), shell completion (completion.c).
#ifndef FOVEA_CLI_HELP_H
#define FOVEA_CLI_HELP_H

#include <stdbool.h>

// The keys that recipes can have, or the text of a built-in one. Return the exit code.
int cli_help_recipe(const char *name);
int cli_help_recipes(bool json);

// All commands with their options. Returns the exit code.
int cli_help_tree(void);

void cli_help_man(void);
void cli_help_completion(const char *shell); // "bash", "zsh" or "fish"

#endif
