// SPDX-License-Identifier: Apache-2.0
// The completion script for zsh.
#include "completion.h"

#include <stdio.h>

static void put_action(cli_values values) {
    static const char *const functions[] = {[CLI_ANYTHING] = " ",
                                            [CLI_FILES] = "_files",
                                            [CLI_FOLDERS] = "_files -/",
                                            [CLI_RECIPES] = "_fovea_recipes",
                                            [CLI_DATA_SETS] = "_fovea_data_sets",
                                            [CLI_WEIGHTS] = "_fovea_weight_names",
                                            [CLI_TOPICS] = "_fovea_topics"};
    fputs(functions[values], stdout);
}

static void put_names(const char *name, cli_values values) {
    printf("_fovea_%s() {\n    compadd -- ", name);
    cli_shell_put_names(values);
    printf("\n%s}\n\n", cli_shell_has_files(values) ? "    _files\n" : "");
}

static void put_option(const cli_command *command, const cli_option *row) {
    (void)command;
    printf("                %s", row->kind == CLI_KIND_LIST ? "'*'" : "");
    if (row->letter) {
        printf("{-%s,--%s%s}", row->letter, row->name, row->value ? "=" : "");
    } else {
        printf("--%s%s", row->name, row->value ? "=" : "");
    }
    fputs("'['", stdout);
    cli_shell_put_short(row->sentence);
    fputs("']'", stdout);
    if (row->words) {
        printf("':%s:(", row->value);
        cli_shell_put_words(row);
        fputs(")'", stdout);
    } else if (row->value) {
        printf("':%s:", row->value);
        put_action(row->values);
        putchar('\'');
    }
    printf(" \\\n");
}

static void put_command(const cli_command *command) {
    printf("            _arguments \\\n");
    cli_shell_each_option(command, put_option);
    printf("                '*:argument:");
    put_action(command->values);
    printf("'\n");
}

static void put_list(const cli_command *const *list) {
    printf("        local -a known=(");
    for (; *list; list++) {
        printf("\n            %s:", (*list)->name);
        cli_shell_put_short((*list)->sentence);
    }
    printf(")\n        _describe command known\n");
}

static void put_actions(const cli_command *command) {
    printf("_fovea_%s() {\n"
           "    local state line\n"
           "    _arguments -C '1:action:->action' '*::argument:->argument'\n"
           "    case $state in\n"
           "    action)\n",
           command->name);
    put_list(command->actions);
    printf("        ;;\n"
           "    argument)\n"
           "        case $words[1] in\n");
    for (const cli_command *const *action = command->actions; *action; action++) {
        printf("        %s)\n", (*action)->name);
        put_command(*action);
        printf("            ;;\n");
    }
    printf("        esac ;;\n"
           "    esac\n"
           "}\n\n");
}

void cli_help_zsh(void) {
    printf("#compdef fovea\n# zsh completion of fovea, made by `fovea help --completion zsh`.\n\n");
    put_names("recipes", CLI_RECIPES);
    put_names("data_sets", CLI_DATA_SETS);
    put_names("weight_names", CLI_WEIGHTS);
    put_names("topics", CLI_TOPICS);
    for (const cli_command *const *command = cli_commands; *command; command++) {
        if ((*command)->actions) {
            put_actions(*command);
        }
    }
    printf("_fovea() {\n"
           "    local state line\n"
           "    _arguments -C '1:command:->command' '*::argument:->argument'\n"
           "    case $state in\n"
           "    command)\n");
    put_list(cli_commands);
    printf("        ;;\n"
           "    argument)\n"
           "        case $words[1] in\n");
    for (const cli_command *const *command = cli_commands; *command; command++) {
        printf("        %s)\n", (*command)->name);
        if ((*command)->actions) {
            printf("            _fovea_%s\n", (*command)->name);
        } else {
            put_command(*command);
        }
        printf("            ;;\n");
    }
    printf("        esac ;;\n"
           "    esac\n"
           "}\n\n"
           "_fovea \"$@\"\n");
}
