// `fovea help`: the command (help.c), the page of a command (page.c), and pages on recipes (recipe.c).
#ifndef FOVEA_CLI_HELP_H
#define FOVEA_CLI_HELP_H

#include <stdbool.h>

// The keys that recipes can have, or the text of a built-in one. Return the exit code.
int cli_help_recipe(const char *name);
int cli_help_recipes(bool json);

#endif
