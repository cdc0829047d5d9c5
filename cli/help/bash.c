// SPDX-License-Identifier: Apache-2.0
// The completion script for bash.
#include "completion.h"

#include <stdio.h>

static void put_values(cli_values values) {
    if (cli_shell_has_names(values)) {
        printf(" words='");
        cli_shell_put_names(values);
        putchar('\'');
    }
    fputs(cli_shell_has_files(values) ? " files=-f" : values == CLI_FOLDERS ? " files=-d" : "", stdout);
}

static void put_value(const cli_command *command, const cli_option *row) {
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
        cli_shell_put_words(row);
        putchar('\'');
    }
    put_values(row->values);
    printf(" ;;\n");
}

static void put_name(const cli_command *command, const cli_option *row) {
    (void)command;
    printf("--%s ", row->name);
}

static void put_options(const cli_command *command, void *context) {
    char name[CLI_COMMAND_NAME];
    (void)context;
    printf("            \"%s -\"*) words='", cli_command_name(command, name));
    cli_shell_each_option(command, put_name);
    printf("' ;;\n");
}

static void put_command(const cli_command *command, void *context) {
    (void)context;
    cli_shell_each_option(command, put_value);
}

static void put_arguments(const cli_command *command, void *context) {
    char name[CLI_COMMAND_NAME];
    (void)context;
    printf("            \"%s \"*)", cli_command_name(command, name));
    put_values(command->values);
    printf(" ;;\n");
}

void cli_help_bash(void) {
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
    cli_shell_put_commands(cli_commands);
    printf("'\n"
           "    else\n"
           "        case \"$command $before\" in\n");
    cli_command_each(put_command, NULL);
    printf("        *) case \"$command $word\" in\n");
    cli_command_each(put_options, NULL);
    cli_command_each(put_arguments, NULL);
    for (const cli_command *const *command = cli_commands; *command; command++) {
        if ((*command)->actions) {
            printf("            \"%s \"*) words='", (*command)->name);
            cli_shell_put_commands((*command)->actions);
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
