// The recipes that come with fovea: recipes/*.yaml, made part of the library by cmake/embed_recipes.cmake.
#ifndef FOVEA_RECIPE_BUILTIN_H
#define FOVEA_RECIPE_BUILTIN_H

#include <stddef.h>

typedef struct fv__builtin_recipe {
    const char *name; // "mnist-mha"; NULL after the last
    const char *text;
} fv__builtin_recipe;

extern const fv__builtin_recipe fv__builtin_recipes[];

// NULL when there is none of that name.
const fv__builtin_recipe *fv__builtin_recipe_find(const char *name);

// What a recipe is, in the words of its first comment line. Returns `buffer`.
const char *fv__builtin_recipe_title(const fv__builtin_recipe *recipe, char *buffer, size_t size);

#endif
