#include "support/recipe.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"

// What the command line changes in a recipe.
typedef struct changes {
    const char **list; // of assignments
    int count;
    fv__text own[2]; // those made here
    int own_count;
    bool failed;
} changes;

static void add(changes *all, const char *assignment) {
    all->list[all->count++] = assignment;
}

// KEY = "VALUE", whatever is in the value.
static void add_text(changes *all, const char *key, const char *value) {
    fv__text *text = &all->own[all->own_count++];
    fv__text_addf(text, "%s=\"", key);
    for (; *value; value++) {
        fv__text_addf(text, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
    }
    fv__text_add(text, "\"");
    all->failed |= text->failed;
    add(all, text->bytes);
}

// data.path, from the root where there is such a path, so that a run finds its data again from any folder.
static void add_path(changes *all, const char *path) {
    char *whole = realpath(path, NULL);
    add_text(all, "data.path", whole ? whole : path);
    free(whole); // realpath's
}

// --data, --path and --strict: a data set by name, or photographs.
static void add_data(changes *all, const cli_options *options) {
    const bool photos = options->data && fv_dataset_is_path(options->data);
    const char *path = options->path ? options->path : photos ? options->data : NULL;
    if (options->data) {
        add_text(all, "data.set", photos ? "folder" : options->data);
    }
    if (path) {
        add_path(all, path);
    }
    if (options->strict) {
        add(all, "data.strict=true");
    }
}

int cli_recipe_apply(const cli_options *options, bool data, fv_recipe *recipe) {
    enum { MOST_OF_DATA = 3 };
    changes all = {.list = calloc((size_t)options->set_count + MOST_OF_DATA, sizeof *all.list)};
    fv_status status = FV_MEMORY;
    fv_error error;
    if (all.list) {
        if (data) {
            add_data(&all, options);
        }
        for (int i = 0; i < options->set_count; i++) {
            add(&all, options->sets[i]);
        }
        status = all.failed ? FV_MEMORY : FV_OK;
    }
    if (status) {
        fv__fail_memory(&error, "the recipe");
    } else if (all.count) {
        status = fv_recipe_set_all(recipe, all.list, all.count, &error);
    }
    for (int i = 0; i < all.own_count; i++) {
        fv__text_free(&all.own[i]);
    }
    free(all.list);
    if (!status) {
        return CLI_OK;
    }
    cli_fail(&error);
    return status == FV_INVALID && options->set_count ? CLI_USAGE : CLI_FAILED; // a wrong --set is a wrong command line
}

int cli_recipe_open(const char *name, const cli_options *options, fv_recipe **recipe) {
    fv_error error;
    *recipe = NULL;
    if (fv_recipe_open(name, recipe, &error) != FV_OK) {
        return cli_fail(&error);
    }
    int code = cli_recipe_apply(options, true, *recipe);
    if (code != CLI_OK) {
        fv_recipe_free(*recipe);
        *recipe = NULL;
    }
    return code;
}
