// SPDX-License-Identifier: Apache-2.0
// Recipes that commands are given, and what the command line changes in them. A failure is reported here; the exit code
// is returned.
#ifndef FOVEA_CLI_SUPPORT_RECIPE_H
#define FOVEA_CLI_SUPPORT_RECIPE_H

#include "support/subject.h"

// The built-in recipe of this name; NULL: there is none.
const fv_builtin_recipe *cli_recipe_find(const char *name);

// A recipe by name or path with --data, --path, --strict and --set applied. Release with fv_recipe_free.
int cli_recipe_open(const char *name, const cli_source *source, fv_recipe **recipe);

// Applies --data, --path and --strict alone, without a message.
fv_status cli_recipe_change_data(const cli_source *source, fv_recipe *recipe, fv_error *error);

// Applies --set and, with `data`, the others. They may need each other, so they are checked together.
int cli_recipe_apply(const cli_source *source, bool data, fv_recipe *recipe);

#endif
