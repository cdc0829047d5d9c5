// SPDX-License-Identifier: Apache-2.0
// The recipes that come with fovea: recipes/*.yaml, made part of the library by cmake/embed_recipes.cmake.
#ifndef FOVEA_RECIPE_BUILTIN_H
#define FOVEA_RECIPE_BUILTIN_H

#include "fovea.h"

extern const fv_builtin_recipe fv__builtin_recipes[]; // the name is NULL after the last

// NULL when there is none of that name.
const fv_builtin_recipe *fv__builtin_recipe_find(const char *name);

#endif
