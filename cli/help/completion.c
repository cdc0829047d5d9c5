// SPDX-License-Identifier: Apache-2.0
// `fovea help --completion SHELL`: scripts that complete command lines, from the commands' tables. They name commands,
// actions, options, and values where these are known: words of choices, recipes, data sets, weights, files and folders.
#include "completion.h"

#include <fovea.h>
#include <stdio.h>
#include <string.h>

#include "help.h"

void cli_shell_put_names(cli_values values) {
    const fv_builtin_recipe *recipe;
    const fv_pretrained *weights;
    fv_known_dataset set = {.size = sizeof set};
    for (size_t i = 0; values == CLI_TOPICS && cli_commands[i]; i++) {
        printf("%s ", cli_commands[i]->name);
    }
    fputs(values == CLI_TOPICS ? "recipes recipe " : "", stdout);
    for (size_t i = 0; (values == CLI_RECIPES || values == CLI_TOPICS) && (recipe = fv_recipe_get_builtin(i)); i++) {
        printf("%s ", recipe->name);
    }
    for (size_t i = 0; values == CLI_DATA_SETS && fv_dataset_get_known(i, &set); i++) {
        printf("%s ", set.name);
    }
    for (size_t i = 0; values == CLI_WEIGHTS && (weights = fv_pretrained_get(i)); i++) {
        printf("%s ", weights->name);
    }
}

bool cli_shell_has_names(cli_values values) {
    return values == CLI_RECIPES || values == CLI_DATA_SETS || values == CLI_WEIGHTS || values == CLI_TOPICS;
}

bool cli_shell_has_files(cli_values values) {
    return values == CLI_FILES || values == CLI_RECIPES || values == CLI_DATA_SETS || values == CLI_WEIGHTS;
}

void cli_shell_put_words(const cli_option *row) {
    for (const cli_word *word = row->words; word && word->word; word++) {
        printf("%s ", word->word);
    }
}

void cli_shell_put_short(const char *sentence) {
    const size_t length = strcspn(sentence, ".:;(\"");
    putchar('\'');
    for (size_t i = 0; i < length && !(sentence[i] == ' ' && i + 1 == length); i++) {
        printf(sentence[i] == '\'' ? "'\\''" : sentence[i] == '[' || sentence[i] == ']' ? " " : "%c", sentence[i]);
    }
    putchar('\'');
}

void cli_shell_each_option(const cli_command *command, void (*put)(const cli_command *command, const cli_option *row)) {
    for (const cli_option *row = command->options; row && row->name; row++) {
        put(command, row);
    }
    put(command, &cli_option_help);
}

void cli_shell_put_commands(const cli_command *const *list) {
    for (; *list; list++) {
        printf("%s ", (*list)->name);
    }
}

void cli_help_completion(const char *shell) {
    if (strcmp(shell, "bash") == 0) {
        cli_help_bash();
    } else if (strcmp(shell, "zsh") == 0) {
        cli_help_zsh();
    } else {
        cli_help_fish();
    }
}
