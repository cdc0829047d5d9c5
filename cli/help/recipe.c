// SPDX-License-Identifier: Apache-2.0
// The pages of `fovea help` on recipes, made from the tables that recipes are read by.
#include "help.h"

#include <string.h>

#include "commands.h"
#include "support/json.h"
#include "support/recipe.h"
#include "support/say.h"
#include "support/table.h"

// Where the line after this one begins, or the end.
static const char *next_line(const char *line) {
    line += strcspn(line, "\n");
    return *line ? line + 1 : line;
}

// Whether the line is the heading of the section: "## data", "### layer `dense`".
static bool is_heading_of(const char *line, const char *section) {
    const size_t length = strlen(section), marks = strspn(line, "#");
    const char *title = line + marks + 1, *quoted = memchr(line, '`', strcspn(line, "\n"));
    const char *name = quoted ? quoted + 1 : title;
    return marks > 1 && strncmp(name, section, length) == 0 && (name[length] == (quoted ? '`' : '\n'));
}

// Every section of the reference that has this name, with the text below it. Returns whether there is one.
static bool print_section(const char *reference, const char *name) {
    bool found = false;
    for (const char *line = reference; *line;) {
        const char *end = next_line(line);
        if (is_heading_of(line, name)) {
            const size_t marks = strspn(line, "#");
            for (size_t other = 0; *end && (other == 0 || other > marks); other = strspn(end, "#")) {
                end = next_line(end);
            }
            printf("%.*s", (int)(end - line), line);
            found = true;
        }
        line = end;
    }
    return found;
}

int cli_help_recipe(const char *name) {
    const fv_builtin_recipe *recipe = name ? cli_recipe_find(name) : NULL;
    if (recipe) {
        fputs(recipe->text, stdout);
        return CLI_OK;
    }
    char *text = NULL;
    fv_error error;
    int code = CLI_OK;
    CLI_TRY(cli_check(fv_recipe_describe_keys(&text, &error), &error));
    if (!name) {
        fputs(text, stdout);
    } else if (!print_section(text, name)) {
        code = cli_usage(&cli_help,
                         "'%s' is neither a built-in recipe (`fovea help recipes`) nor a section, layer or other name "
                         "in `fovea help recipe`",
                         name);
    }
    fv_free(text);
    return code;
}

int cli_help_recipes(bool json) {
    json_t *list = json_array();
    cli_table table = {.alignment = "ll"};
    const fv_builtin_recipe *recipe;
    for (size_t i = 0; (recipe = fv_recipe_get_builtin(i)); i++) {
        cli_table_add(&table, "%s", recipe->name);
        cli_table_add(&table, "%s", recipe->title);
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", recipe->name, "title", recipe->title));
    }
    if (json) {
        cli_table_free(&table);
        return cli_json_print(list, true);
    }
    json_decref(list);
    cli_table_print(&table, stdout);
    printf("\nTrain one with `fovea train NAME`, look at one with `fovea summary NAME`. Your own is a file:\n"
           "start from one of these, `fovea help recipe NAME > mine.yaml`, and `fovea train ./mine.yaml`.\n");
    return CLI_OK;
}
