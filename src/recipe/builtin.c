// SPDX-License-Identifier: Apache-2.0
#include "recipe/builtin.h"

#include <string.h>

const fv_builtin_recipe *fv_recipe_get_builtin(size_t index) {
    for (size_t i = 0; fv__builtin_recipes[i].name; i++) {
        if (i == index) {
            return &fv__builtin_recipes[i];
        }
    }
    return NULL;
}

const fv_builtin_recipe *fv__builtin_recipe_find(const char *name) {
    for (const fv_builtin_recipe *recipe = fv__builtin_recipes; recipe->name; recipe++) {
        if (strcmp(recipe->name, name) == 0) {
            return recipe;
        }
    }
    return NULL;
}
