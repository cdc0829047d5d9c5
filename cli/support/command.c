// SPDX-License-Identifier: Apache-2.0
#include "support/command.h"

#include <stdlib.h>
#include <string.h>

#include "support/memory.h"
#include "support/names.h"
#include "support/say.h"

const cli_command *cli_command_find(const cli_command *const *list, const char *name) {
    while (*list && strcmp((*list)->name, name) != 0) {
        list++;
    }
    return *list;
}

const char *cli_command_suggest(const cli_command *const *list, const char *name, char hint[CLI_COMMAND_HINT]) {
    enum { MOST = 32 };
    const char *names[MOST + 1] = {NULL};
    for (int i = 0; i < MOST && list[i]; i++) {
        names[i] = list[i]->name;
    }
    const char *nearest = cli_nearest(name, names);
    snprintf(hint, CLI_COMMAND_HINT, "%s%s%s", nearest ? "; did you mean '" : "", nearest ? nearest : "",
             nearest ? "'?" : "");
    return hint;
}

const char *cli_command_name(const cli_command *command, char name[CLI_COMMAND_NAME]) {
    snprintf(name, CLI_COMMAND_NAME, "%s%s%s", command->parent ? command->parent->name : "", command->parent ? " " : "",
             command->name);
    return name;
}

static void print_usage(const cli_command *command, const char *start, FILE *out) {
    char name[CLI_COMMAND_NAME];
    fprintf(out, "%sfovea %s%s%s%s\n", start, cli_command_name(command, name), command->arguments[0] ? " " : "",
            command->arguments, command->options ? " [OPTIONS]" : "");
}

void cli_command_print_usage(const cli_command *command, FILE *out) {
    if (!command->actions) {
        print_usage(command, "usage: ", out);
    }
    for (int i = 0; command->actions && command->actions[i]; i++) {
        print_usage(command->actions[i], i ? "       " : "usage: ", out);
    }
}

void cli_command_each(void (*visit)(const cli_command *command, void *context), void *context) {
    for (const cli_command *const *command = cli_commands; *command; command++) {
        if (!(*command)->actions) {
            visit(*command, context);
        }
        for (const cli_command *const *action = (*command)->actions; action && *action; action++) {
            visit(*action, context);
        }
    }
}

// --- Running

// Words that an option takes: itself, and its value where that is a word of its own. Which action it belongs to is not
// known yet, but those of one name take a value all or none.
static int words_of_option(const cli_command *command, const char *word) {
    const bool letter = word[1] != '-';
    const char *name = word + (letter ? 1 : 2);
    for (const cli_command *const *action = command->actions; *action; action++) {
        const cli_option *row = cli_option_find(*action, name, strlen(name), letter);
        if (row) {
            return row->value ? 2 : 1;
        }
    }
    return 1;
}

// The place of the word that names an action; `count` where none does.
static int find_action(const cli_command *command, int count, char **words) {
    int i = 0;
    while (i < count && words[i][0] == '-') {
        i += words_of_option(command, words[i]);
    }
    return i < count ? i : count;
}

static int run_action(const cli_command *command, int count, char **words) {
    const int at = find_action(command, count, words);
    if (at == count) {
        const bool explain = count == 1 && (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0);
        if (explain) {
            cli_command_explain(command);
        }
        return explain ? CLI_OK : cli_command_run(command->actions[0], count, words);
    }
    const cli_command *action = cli_command_find(command->actions, words[at]);
    if (!action) {
        char hint[CLI_COMMAND_HINT];
        return cli_usage(command, "fovea %s has no action '%s'%s", command->name, words[at],
                         cli_command_suggest(command->actions, words[at], hint));
    }
    memmove(words + at, words + at + 1, (size_t)(count - at - 1) * sizeof *words);
    return cli_command_run(action, count - 1, words);
}

int cli_command_run(const cli_command *command, int count, char **words) {
    if (command->actions) {
        return run_action(command, count, words);
    }
    cli_parsed parsed;
    int code;
    CLI_TRY_OR_DONE(cli_options_read(command, count, words, &parsed));
    if (parsed.help) {
        cli_command_explain(command);
        goto done;
    }
    if (parsed.argument_count < command->least_arguments) {
        CLI_TRY_OR_DONE(cli_usage(command, "%s", command->missing));
    }
    code = command->run(parsed.options, &(cli_arguments){parsed.arguments, parsed.argument_count});
done:
    free(parsed.options);
    return code;
}
