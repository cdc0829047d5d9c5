#include "recipe/builtin.h"

#include <stdio.h>
#include <string.h>

const fv__builtin_recipe *fv__builtin_recipe_find(const char *name) {
    for (const fv__builtin_recipe *recipe = fv__builtin_recipes; recipe->name; recipe++) {
        if (strcmp(recipe->name, name) == 0) {
            return recipe;
        }
    }
    return NULL;
}

const char *fv__builtin_recipe_title(const fv__builtin_recipe *recipe, char *buffer, size_t size) {
    const char *text = recipe->text;
    size_t skip = strspn(text, "# ");
    size_t length = skip ? strcspn(text + skip, "\n") : 0;
    snprintf(buffer, size, "%.*s", (int)length, text + skip);
    return buffer;
}
