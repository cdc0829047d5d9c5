// The pages of `fovea help` on recipes.
#ifndef FOVEA_CLI_HELP_H
#define FOVEA_CLI_HELP_H

#include <stdbool.h>

// The keys that recipes can have, or the text of a built-in one.
int cli_help_recipe(const char *name);

int cli_help_recipes(bool json);

#endif
