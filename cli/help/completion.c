// SPDX-License-Identifier: Apache-2.0
// `fovea help --completion SHELL`: scripts that complete command lines, from the commands' tables. They name commands,
// actions, options, and values where these are known: words of choices, recipes, data sets, weights, files and folders.
#include <fovea.h>
#include <string.h>

#include "help.h"
#include "support/command.h"

// --- What all shells need

// The known names of a kind of value, a blank after each.
static void put_names(cli_values values) {
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

static bool has_names(cli_values values) {
    return values == CLI_RECIPES || values == CLI_DATA_SETS || values == CLI_WEIGHTS || values == CLI_TOPICS;
}

static bool has_files(cli_values values) {
    return values == CLI_FILES || values == CLI_RECIPES || values == CLI_DATA_SETS || values == CLI_WEIGHTS;
}

static void put_words(const cli_option *row) {
    for (const cli_word *word = row->words; word && word->word; word++) {
        printf("%s ", word->word);
    }
}

// The beginning of a sentence, up to where it explains itself, quoted for a shell.
static void put_short(const char *sentence) {
    const size_t length = strcspn(sentence, ".:;(\"");
    putchar('\'');
    for (size_t i = 0; i < length && !(sentence[i] == ' ' && i + 1 == length); i++) {
        printf(sentence[i] == '\'' ? "'\\''" : sentence[i] == '[' || sentence[i] == ']' ? " " : "%c", sentence[i]);
    }
    putchar('\'');
}

// Calls `put` for each option of a command, --help last.
static void each_option(const cli_command *command, void (*put)(const cli_command *command, const cli_option *row)) {
    for (const cli_option *row = command->options; row && row->name; row++) {
        put(command, row);
    }
    put(command, &cli_option_help);
}

// --- bash

static void put_bash_values(cli_values values) {
    if (has_names(values)) {
        printf(" words='");
        put_names(values);
        putchar('\'');
    }
    fputs(has_files(values) ? " files=-f" : values == CLI_FOLDERS ? " files=-d" : "", stdout);
}

static void put_bash_value(const cli_command *command, const cli_option *row) {
    char name[CLI_COMMAND_NAME];
    cli_command_name(command, name);
    if (!row->value) {
        return;
    }
    printf("        \"%s --%s\"", name, row->name);
    if (row->letter) {
        printf(" | \"%s -%s\"", name, row->letter);
    }
    putchar(')');
    if (row->words) {
        printf(" words='");
        put_words(row);
        putchar('\'');
    }
    put_bash_values(row->values);
    printf(" ;;\n");
}

static void put_bash_name(const cli_command *command, const cli_option *row) {
    (void)command;
    printf("--%s ", row->name);
}

static void put_bash_options(const cli_command *command, void *context) {
    char name[CLI_COMMAND_NAME];
    (void)context;
    printf("            \"%s -\"*) words='", cli_command_name(command, name));
    each_option(command, put_bash_name);
    printf("' ;;\n");
}

static void put_bash_command(const cli_command *command, void *context) {
    (void)context;
    each_option(command, put_bash_value);
}

static void put_bash_arguments(const cli_command *command, void *context) {
    char name[CLI_COMMAND_NAME];
    (void)context;
    printf("            \"%s \"*)", cli_command_name(command, name));
    put_bash_values(command->values);
    printf(" ;;\n");
}

static void put_commands(const cli_command *const *list) {
    for (; *list; list++) {
        printf("%s ", (*list)->name);
    }
}

static void put_bash(void) {
    printf("# bash completion of fovea, made by `fovea help --completion bash`.\n"
           "_fovea() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}\n"
           "    local words= files= known=\n"
           "    if [[ $word == = ]]; then # --name=value is three words\n"
           "        word=\n"
           "    elif [[ $before == = ]]; then\n"
           "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
           "    fi\n"
           "    for known in \"${COMP_WORDS[@]:2:COMP_CWORD-2}\"; do # an action\n"
           "        case \"${COMP_WORDS[1]} $known\" in\n");
    for (const cli_command *const *command = cli_commands; *command; command++) {
        for (const cli_command *const *action = (*command)->actions; action && *action; action++) {
            printf("            \"%s %s\") command=\"${COMP_WORDS[1]} $known\"; break ;;\n", (*command)->name,
                   (*action)->name);
        }
    }
    printf("        esac\n"
           "    done\n"
           "    if ((COMP_CWORD == 1)); then\n"
           "        words='");
    put_commands(cli_commands);
    printf("'\n"
           "    else\n"
           "        case \"$command $before\" in\n");
    cli_command_each(put_bash_command, NULL);
    printf("        *) case \"$command $word\" in\n");
    cli_command_each(put_bash_options, NULL);
    cli_command_each(put_bash_arguments, NULL);
    for (const cli_command *const *command = cli_commands; *command; command++) {
        if ((*command)->actions) {
            printf("            \"%s \"*) words='", (*command)->name);
            put_commands((*command)->actions);
            printf("' ;;\n");
        }
    }
    printf("        esac ;;\n"
           "        esac\n"
           "    fi\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\"; [[ $files ]] && compgen $files -- "
           "\"$word\")\n"
           "    [[ $files ]] && compopt -o filenames 2>/dev/null\n"
           "    return 0\n"
           "}\n"
           "complete -F _fovea fovea\n");
}

// --- zsh

static void put_zsh_action(cli_values values) {
    static const char *const functions[] = {[CLI_ANYTHING] = " ",
                                            [CLI_FILES] = "_files",
                                            [CLI_FOLDERS] = "_files -/",
                                            [CLI_RECIPES] = "_fovea_recipes",
                                            [CLI_DATA_SETS] = "_fovea_data_sets",
                                            [CLI_WEIGHTS] = "_fovea_weight_names",
                                            [CLI_TOPICS] = "_fovea_topics"};
    fputs(functions[values], stdout);
}

static void put_zsh_names(const char *name, cli_values values) {
    printf("_fovea_%s() {\n    compadd -- ", name);
    put_names(values);
    printf("\n%s}\n\n", has_files(values) ? "    _files\n" : "");
}

static void put_zsh_option(const cli_command *command, const cli_option *row) {
    (void)command;
    printf("                %s", row->kind == CLI_KIND_LIST ? "'*'" : "");
    if (row->letter) {
        printf("{-%s,--%s%s}", row->letter, row->name, row->value ? "=" : "");
    } else {
        printf("--%s%s", row->name, row->value ? "=" : "");
    }
    fputs("'['", stdout);
    put_short(row->sentence);
    fputs("']'", stdout);
    if (row->words) {
        printf("':%s:(", row->value);
        put_words(row);
        fputs(")'", stdout);
    } else if (row->value) {
        printf("':%s:", row->value);
        put_zsh_action(row->values);
        putchar('\'');
    }
    printf(" \\\n");
}

static void put_zsh_command(const cli_command *command) {
    printf("            _arguments \\\n");
    each_option(command, put_zsh_option);
    printf("                '*:argument:");
    put_zsh_action(command->values);
    printf("'\n");
}

static void put_zsh_list(const cli_command *const *list) {
    printf("        local -a known=(");
    for (; *list; list++) {
        printf("\n            %s:", (*list)->name);
        put_short((*list)->sentence);
    }
    printf(")\n        _describe command known\n");
}

static void put_zsh_actions(const cli_command *command) {
    printf("_fovea_%s() {\n"
           "    local state line\n"
           "    _arguments -C '1:action:->action' '*::argument:->argument'\n"
           "    case $state in\n"
           "    action)\n",
           command->name);
    put_zsh_list(command->actions);
    printf("        ;;\n"
           "    argument)\n"
           "        case $words[1] in\n");
    for (const cli_command *const *action = command->actions; *action; action++) {
        printf("        %s)\n", (*action)->name);
        put_zsh_command(*action);
        printf("            ;;\n");
    }
    printf("        esac ;;\n"
           "    esac\n"
           "}\n\n");
}

static void put_zsh(void) {
    printf("#compdef fovea\n# zsh completion of fovea, made by `fovea help --completion zsh`.\n\n");
    put_zsh_names("recipes", CLI_RECIPES);
    put_zsh_names("data_sets", CLI_DATA_SETS);
    put_zsh_names("weight_names", CLI_WEIGHTS);
    put_zsh_names("topics", CLI_TOPICS);
    for (const cli_command *const *command = cli_commands; *command; command++) {
        if ((*command)->actions) {
            put_zsh_actions(*command);
        }
    }
    printf("_fovea() {\n"
           "    local state line\n"
           "    _arguments -C '1:command:->command' '*::argument:->argument'\n"
           "    case $state in\n"
           "    command)\n");
    put_zsh_list(cli_commands);
    printf("        ;;\n"
           "    argument)\n"
           "        case $words[1] in\n");
    for (const cli_command *const *command = cli_commands; *command; command++) {
        printf("        %s)\n", (*command)->name);
        if ((*command)->actions) {
            printf("            _fovea_%s\n", (*command)->name);
        } else {
            put_zsh_command(*command);
        }
        printf("            ;;\n");
    }
    printf("        esac ;;\n"
           "    esac\n"
           "}\n\n"
           "_fovea \"$@\"\n");
}

// --- fish

// The condition under which a command's options and arguments are offered.
static void put_fish_condition(const cli_command *command) {
    printf("complete -c fovea -n '");
    if (command->parent) {
        printf("__fish_seen_subcommand_from %s; and ", command->parent->name);
    }
    printf("__fish_seen_subcommand_from %s'", command->name);
}

static void put_fish_values(cli_values values) {
    if (has_names(values)) {
        printf(" -a '");
        put_names(values);
        putchar('\'');
    }
    if (values == CLI_FOLDERS) {
        fputs(" -a '(__fish_complete_directories)'", stdout);
    }
    fputs(has_files(values) ? " -F" : " -f", stdout);
}

static void put_fish_option(const cli_command *command, const cli_option *row) {
    put_fish_condition(command);
    printf(" -l %s", row->name);
    if (row->letter) {
        printf(" -s %s", row->letter);
    }
    if (row->words) {
        printf(" -a '");
        put_words(row);
        putchar('\'');
    }
    fputs(row->value ? " -r" : "", stdout);
    put_fish_values(row->values);
    printf(" -d ");
    put_short(row->sentence);
    putchar('\n');
}

static void put_fish_command(const cli_command *command, void *context) {
    (void)context;
    put_fish_condition(command);
    put_fish_values(command->values);
    putchar('\n');
    each_option(command, put_fish_option);
}

static void put_fish(void) {
    printf("# fish completion of fovea, made by `fovea help --completion fish`.\n"
           "complete -c fovea -f\n");
    for (const cli_command *const *command = cli_commands; *command; command++) {
        printf("complete -c fovea -n __fish_use_subcommand -a %s -d ", (*command)->name);
        put_short((*command)->sentence);
        putchar('\n');
        for (const cli_command *const *action = (*command)->actions; action && *action; action++) {
            printf("complete -c fovea -n '__fish_seen_subcommand_from %s; and not __fish_seen_subcommand_from ",
                   (*command)->name);
            put_commands((*command)->actions);
            printf("' -a %s -d ", (*action)->name);
            put_short((*action)->sentence);
            putchar('\n');
        }
    }
    cli_command_each(put_fish_command, NULL);
}

void cli_help_completion(const char *shell) {
    if (strcmp(shell, "bash") == 0) {
        put_bash();
    } else if (strcmp(shell, "zsh") == 0) {
        put_zsh();
    } else {
        put_fish();
    }
}
