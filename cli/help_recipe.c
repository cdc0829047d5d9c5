// The pages of `fovea help` on recipes, made from the tables that recipes are read by.
#include "help.h"
#include "json.h"
#include "recipe/builtin.h"
#include "recipe/recipe.h"

static int print_builtin(const char *name) {
    const fv__builtin_recipe *recipe = fv__builtin_recipe_find(name);
    if (!recipe) {
        return cli_usage(&cli_help, "no built-in recipe is called '%s'; `fovea help recipes` lists them", name);
    }
    fputs(recipe->text, stdout);
    return CLI_OK;
}

int cli_help_recipe(const char *name) {
    if (name) {
        return print_builtin(name);
    }
    fv__text text = {0};
    fv_error error;
    int code = fv__recipe_reference(&text, &error) == FV_OK ? CLI_OK : cli_fail(&error);
    if (code == CLI_OK) {
        fputs(text.bytes, stdout);
    }
    fv__text_free(&text);
    return code;
}

int cli_help_recipes(bool json) {
    char title[160];
    json_t *list = json_array();
    cli_table table = {.alignment = "ll"};
    for (const fv__builtin_recipe *recipe = fv__builtin_recipes; recipe->name; recipe++) {
        fv__builtin_recipe_title(recipe, title, sizeof title);
        cli_table_add(&table, "%s", recipe->name);
        cli_table_add(&table, "%s", title);
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", recipe->name, "title", title));
    }
    if (json) {
        fv__text_free(&table.cells);
        return cli_json_print(list, true);
    }
    json_decref(list);
    int code = cli_table_print(&table, stdout);
    printf("\nTrain one with `fovea train NAME`, look at one with `fovea summary NAME`. One of your own is a file:\n"
           "start from one of these, `fovea help recipe NAME > mine.yaml`, and `fovea train ./mine.yaml`.\n");
    return code;
}
