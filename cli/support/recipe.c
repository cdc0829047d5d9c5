// SPDX-License-Identifier: Apache-2.0
#include "support/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "support/memory.h"
#include "support/say.h"

const fv_builtin_recipe *cli_recipe_find(const char *name) {
    const fv_builtin_recipe *recipe;
    for (size_t i = 0; (recipe = fv_recipe_get_builtin(i)) && strcmp(recipe->name, name) != 0; i++) {
    }
    return recipe;
}

// KEY="VALUE", whatever is in the value. Release with free.
static char *assign_text(const char *key, const char *value) {
    char *text = cli_alloc(strlen(key) + 2 * strlen(value) + 4, 1), *at = text + sprintf(text, "%s=\"", key);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\') {
            *at++ = '\\';
        }
        *at++ = *value;
    }
    *at = '"';
    return text;
}

// data.path, from the root where there is such a path, so that a run finds its data from any folder.
static char *assign_path(const char *path) {
    char *whole = realpath(path, NULL), *text = assign_text("data.path", whole ? whole : path);
    free(whole);
    return text;
}

enum { MOST_OF_DATA = 3 };

// --data, --path and --strict as assignments. Returns how many; release each with free.
static int assign_data(const cli_source *source, char *list[MOST_OF_DATA]) {
    int made = 0;
    const bool photos = source->data && fv_dataset_is_path(source->data);
    const char *path = source->path ? source->path : photos ? source->data : NULL;
    if (source->data) {
        list[made++] = assign_text("data.set", photos ? "folder" : source->data);
    }
    if (path) {
        list[made++] = assign_path(path);
    }
    if (source->strict) {
        list[made++] = cli_copy("data.strict=true");
    }
    return made;
}

// Those, if `data` says so, and --set.
static fv_status change(const cli_source *source, bool data, fv_recipe *recipe, fv_error *error) {
    char *own[MOST_OF_DATA];
    const char *list[MOST_OF_DATA + CLI_MOST_ITEMS];
    const int made = data ? assign_data(source, own) : 0;
    int count = 0;
    for (int i = 0; i < made; i++) {
        list[count++] = own[i];
    }
    for (int i = 0; i < source->sets.count; i++) {
        list[count++] = source->sets.items[i];
    }
    const fv_status status = count ? fv_recipe_set_all(recipe, list, count, error) : FV_OK;
    for (int i = 0; i < made; i++) {
        free(own[i]);
    }
    return status;
}

fv_status cli_recipe_change_data(const cli_source *source, fv_recipe *recipe, fv_error *error) {
    return change(source, true, recipe, error);
}

int cli_recipe_apply(const cli_source *source, bool data, fv_recipe *recipe) {
    fv_error error;
    const fv_status status = change(source, data, recipe, &error);
    const int code = cli_check(status, &error);
    return status == FV_INVALID && source->sets.count ? CLI_USAGE : code; // a wrong --set is a wrong command line
}

int cli_recipe_open(const char *name, const cli_source *source, fv_recipe **recipe) {
    fv_error error;
    *recipe = NULL;
    CLI_TRY(cli_check(fv_recipe_open(name, recipe, &error), &error));
    const int code = cli_recipe_apply(source, true, *recipe);
    if (code != CLI_OK) {
        fv_recipe_free(*recipe);
        *recipe = NULL;
    }
    return code;
}
