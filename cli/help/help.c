// SPDX-License-Identifier: Apache-2.0
// `fovea help [COMMAND | recipes | recipe [NAME]]`: help that teaches by example.
#include "help.h"

#include <string.h>

#include "commands.h"
#include "support/say.h"

typedef struct help_options {
    bool json, man;
    const char *completion;
} help_options;

static void print_overview(void) {
    printf("fovea trains attention-based image classifiers from a recipe, one YAML file, on ordinary processors.\n"
           "\n"
           "usage: fovea COMMAND [ARGUMENTS] [OPTIONS]\n"
           "\n");
    for (int i = 0; cli_commands[i]; i++) {
        printf("  %-9s %s\n", cli_commands[i]->name, cli_commands[i]->sentence);
    }
    printf("\n"
           "Try:\n"
           "  fovea data get fashion-mnist              download a data set\n"
           "  fovea summary fashion-attention           look at a model, layer by layer\n"
           "  fovea train fashion-attention --set train.epochs=2 --out runs/first\n"
           "  fovea eval runs/first                     loss and accuracy on the test set\n"
           "  fovea predict runs/first --samples test:0-9\n"
           "  fovea predict mobilenet-v2 parrot.jpg     what a photograph shows\n"
           "  fovea plot runs/first                     draw its training curves\n"
           "  fovea report runs/first                   one page about it, to see what it looked at\n"
           "\n"
           "`fovea COMMAND --help` explains a command, `fovea help recipes` lists the built-in recipes,\n"
           "`fovea help recipe` explains every key of a recipe.\n"
           "\n"
           "Exit codes: 0 done, 1 the work failed, 2 the command line is wrong, 3 done except for\n"
           "unreadable files, 130 interrupted.\n");
}

// A command or an action, by its one or two names. Returns the exit code.
static int explain(const cli_command *command, const cli_arguments *topic, bool json) {
    const cli_command *action = NULL;
    if (topic->count > 1 && command->actions) {
        action = cli_command_find(command->actions, topic->items[1]);
    }
    if (topic->count > 1 && !action) {
        char hint[CLI_COMMAND_HINT] = "";
        return cli_usage(&cli_help, "fovea %s has no action '%s'%s", command->name, topic->items[1],
                         command->actions ? cli_command_suggest(command->actions, topic->items[1], hint) : hint);
    }
    command = action ? action : command;
    if (json) {
        return cli_help_json(command);
    }
    cli_command_explain(command);
    return CLI_OK;
}

static int run(const void *given, const cli_arguments *topic) {
    const help_options *options = given;
    if (options->man || options->completion) {
        if (topic->count > 0 || options->json || (options->man && options->completion)) {
            return cli_usage(&cli_help, "--%s cannot be combined with anything else",
                             options->man ? "man" : "completion");
        }
        if (options->man) {
            cli_help_man();
        } else {
            cli_help_completion(options->completion);
        }
        return CLI_OK;
    }
    if (topic->count == 0) {
        if (options->json) {
            return cli_help_json(NULL);
        }
        print_overview();
        return CLI_OK;
    }
    const char *name = topic->items[0];
    const cli_command *command = cli_command_find(cli_commands, name);
    if (command) {
        return explain(command, topic, options->json);
    }
    if (strcmp(name, "recipe") == 0) {
        if (options->json) {
            return cli_usage(&cli_help, "--json is for commands and the list of recipes");
        }
        return cli_help_recipe(topic->count > 1 ? topic->items[1] : NULL);
    }
    if (topic->count > 1) {
        return cli_usage(&cli_help, "'%s' is one argument too many", topic->items[1]);
    }
    if (strcmp(name, "recipes") == 0) {
        return cli_help_recipes(options->json);
    }
    char hint[CLI_COMMAND_HINT];
    return cli_usage(NULL, "no help on '%s'%s; `fovea help recipe %s` looks for a layer or a key of recipes", name,
                     cli_command_suggest(cli_commands, name, hint), name);
}

static const cli_option options[] = {
    CLI_FLAG("man", help_options, man, "Print the man page."),
    CLI_CHOICE("completion", "SHELL", help_options, completion, "Print the script that completes command lines.",
               CLI_WORDS({"bash", NULL}, {"zsh", NULL}, {"fish", NULL})),
    CLI_FLAG("json", help_options, json,
             "Answer in JSON on standard output: commands with their options, or with `recipes` the recipes."),
    CLI_END};

const cli_command cli_help = {
    .name = "help",
    .arguments = "[COMMAND [ACTION] | recipes | recipe [NAME|SECTION|LAYER]]",
    .sentence = "Explain a command, the keys of recipes, or list the recipes",
    .examples =
        CLI_EXAMPLES({"fovea help", "what there is"}, {"fovea help train", "one command, as `fovea train --help`"},
                     {"fovea help data check", "one action of a command"},
                     {"fovea help recipes", "the recipes that come with fovea"},
                     {"fovea help recipe | less", "every key of a recipe"},
                     {"fovea help recipe dense", "those of one layer, section, optimizer, ..."},
                     {"fovea help recipe mnist-mha > mine.yaml", "a built-in recipe, to start your own"},
                     {"source <(fovea help --completion bash)", "complete command lines in this shell"}),
    .options = options,
    .options_size = sizeof(help_options),
    .values = CLI_TOPICS,
    .most_arguments = 2,
    .run = run,
};
