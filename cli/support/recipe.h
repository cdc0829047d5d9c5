// Recipes that commands are given, and what the command line changes in them. A failure is told here; the exit code is
// returned.
#ifndef FOVEA_CLI_RECIPE_H
#define FOVEA_CLI_RECIPE_H

#include "support/cli.h"

// A recipe by name or path with --data, --path, --strict and --set applied. Release with fv_recipe_free.
int cli_recipe_open(const char *name, const cli_options *options, fv_recipe **recipe);

// Applies --set and, with `data`, the others. They may need each other, so they are checked together.
int cli_recipe_apply(const cli_options *options, bool data, fv_recipe *recipe);

#endif
