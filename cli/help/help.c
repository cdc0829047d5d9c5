// `fovea help [COMMAND | recipes | recipe [NAME]]`: help that teaches by example.
#include "support/cli.h"

#include <string.h>

#include "help.h"

static int print_overview(void) {
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
           "  fovea predict mobilenet-v2 parrot.jpg     what is on a photograph\n"
           "  fovea plot runs/first                     draw its training curves\n"
           "  fovea report runs/first                   one page about it, to see what it looked at\n"
           "\n"
           "`fovea COMMAND --help` explains a command, `fovea help recipes` lists the built-in recipes,\n"
           "`fovea help recipe` explains every key of a recipe.\n"
           "\n"
           "Exit codes: 0 done, 1 the work failed, 2 the command line is wrong, 3 done but for files that cannot be\n"
           "read, 130 interrupted.\n");
    return CLI_OK;
}

static int print_command(const cli_command *command) {
    printf("%s.\n\nusage: fovea %s %s\n\n%s\n", command->sentence, command->name, command->arguments, command->details);
    printf("Options:\n");
    cli_options_describe(command, stdout);
    return CLI_OK;
}

static int run(const cli_options *options) {
    if (options->argument_count == 0) {
        return print_overview();
    }
    const char *topic = options->arguments[0];
    const cli_command *command = cli_command_find(topic);
    if (options->argument_count > 1 && strcmp(topic, "recipe") != 0) {
        return cli_usage(&cli_help, "'%s' is one argument too many", options->arguments[1]);
    }
    if (command) {
        return print_command(command);
    }
    if (strcmp(topic, "recipe") == 0) {
        return cli_help_recipe(options->argument_count > 1 ? options->arguments[1] : NULL);
    }
    if (strcmp(topic, "recipes") == 0) {
        return cli_help_recipes(options->json);
    }
    const char *nearest = fv__nearest_name(topic, cli_command_names());
    return cli_usage(NULL, "no help on '%s'%s%s%s; `fovea help recipe %s` looks for a layer or a key of recipes", topic,
                     nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "", topic);
}

const cli_command cli_help = {
    .name = "help",
    .arguments = "[COMMAND | recipes | recipe [NAME | SECTION | LAYER]]",
    .sentence = "Explain a command, the keys of recipes, or list the recipes",
    .details = "  fovea help                  what there is\n"
               "  fovea help train            one command, as `fovea train --help`\n"
               "  fovea help recipes          the recipes that come with fovea\n"
               "  fovea help recipe | less    every key of a recipe: sections, layers, optimizers, schedules\n"
               "  fovea help recipe dense     those of one layer, section, optimizer, augmentation, ...\n"
               "  fovea help recipe mnist-mha > mine.yaml     a built-in recipe, as a start for one of your own\n",
    .options = "",
    .most_arguments = 2,
    .run = run,
};
