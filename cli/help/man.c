// SPDX-License-Identifier: Apache-2.0
// `fovea help --man`: the man page, from the commands' tables and the prose below.
#include <fovea.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "support/command.h"
#include "support/memory.h"

// --- Prose that belongs to no command. A blank line begins a paragraph; text between backquotes is set in bold.

typedef struct item {
    const char *term, *text;
} item;

static const char description[] =
    "`fovea` trains image classifiers with attention layers on ordinary processors. A RECIPE is one experiment in one "
    "YAML file: data, input, model, training. Built-in recipes are given by name (`fovea help recipes`), others by "
    "path: with a slash in it, or ending in .yaml. A RUN is the folder that training leaves; a MODEL is a model file, "
    "such as the model.safetensors in it, which carries weights, classes, preprocessing and its recipe.\n\n"
    "Results go to standard output, messages and progress to standard error. While it works, a line is drawn over and "
    "over on a terminal; elsewhere one plain line per epoch is written. Control characters in the names of files, "
    "classes and layers are printed as \\n or \\x1b; JSON and CSV keep them.";

static const char option_rules[] =
    "Options may come anywhere after the command; `--name=value` and `--name value` are the same, and `--` ends the "
    "options.";

static const item exits[] = {{"0", "Done."},
                             {"1", "The work failed; one sentence on standard error says why."},
                             {"2", "The command line is wrong."},
                             {"3", "Done, except for unreadable files, which were left out."},
                             {"130", "Interrupted, by Ctrl-C, SIGTERM, or a terminal that was closed."},
                             {NULL, NULL}};

static const item environment[] = {
    {"FOVEA_DATA", "Folder with data sets, in folders by their names."},
    {"FOVEA_MIRROR", "Base address of downloads: files are at MIRROR/SET/FILE, weights at MIRROR/weights/FILE."},
    {"FOVEA_WEIGHTS", "Folder with files of trained weights, searched before weights in the cache and Keras's own "
                      "folder, `KERAS_HOME`/models or ~/.keras/models."},
    {"FOVEA_ISA", "Instruction-set level to use instead of the best: `x86-64-v4`, `x86-64-v3` or `baseline`."},
    {"OMP_NUM_THREADS", "Most threads to use."},
    {"XDG_CACHE_HOME", "The cache is in its folder fovea (default: ~/.cache/fovea)."},
    {NULL, NULL}};

static const item files[] = {
    {"recipe.yaml", "the recipe with every key written out,"},
    {"model.safetensors", "the model after the last epoch or, with train.keep_best, the best one,"},
    {"history.csv", "loss and metrics of each epoch,"},
    {"curves.png, curves.svg", "the same as a picture, drawn again while training continues,"},
    {"checkpoint.safetensors", "all that resuming needs,"},
    {"run.json", "versions, processor, threads, seed, a sum of the data and how many of its images are unreadable, "
                 "times, final metrics and what the model reaches on the test split."},
    {NULL, NULL}};

// --- roff

// A character of ordinary text; at the start of a line a dot and a quote would be commands.
static void put_letter(char letter, bool fresh) {
    fputs(fresh && (letter == '.' || letter == '\'') ? "\\&" : "", stdout);
    printf(letter == '-' ? "\\-" : letter == '\\' ? "\\e" : "%c", letter);
}

// One line, without an end.
static void put_line(const char *text) {
    for (int i = 0; text[i]; i++) {
        put_letter(text[i], i == 0);
    }
}

static void put_text(const char *text) {
    enum { WIDTH = 60 }; // after which a line ends at the next blank
    bool bold = false;
    for (int column = 0; *text; text++) {
        if (*text == '`') {
            bold = !bold;
            fputs(bold ? "\\fB" : "\\fR", stdout);
        } else if (*text == '\n') {
            printf("\n.PP\n");
            text += strspn(text, "\n") - 1;
            column = 0;
        } else if (*text == ' ' && column > WIDTH) {
            putchar('\n');
            column = 0;
        } else {
            put_letter(*text, column++ == 0);
        }
    }
    putchar('\n');
}

// The same with words in capitals, which stand for something, in italics.
static void put_arguments(const char *text) {
    while (*text) {
        const int capitals = (int)strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (capitals > 0) {
            printf("\\fI%.*s\\fR", capitals, text);
            text += capitals;
        } else {
            fputs(*text == '-' ? "\\-" : "", stdout);
            printf("%.*s", *text != '-', text);
            text++;
        }
    }
}

static void put_items(const item *list) {
    for (; list->term; list++) {
        printf(".TP\n.B ");
        put_line(list->term);
        putchar('\n');
        put_text(list->text);
    }
}

// --- Commands

static void put_option(const cli_option *row) {
    printf(".TP\n");
    if (row->letter) {
        printf("\\fB\\-%s\\fR, ", row->letter);
    }
    printf("\\fB\\-\\-");
    put_line(row->name);
    printf("\\fR%s", row->value ? " " : "");
    put_arguments(row->value ? row->value : "");
    putchar('\n');
    put_text(row->sentence);
    if (row->preset) {
        char *text = cli_format("Default: `%s`.", row->preset);
        put_text(text);
        free(text);
    }
    for (const cli_word *word = row->words; word && word->word; word++) {
        char *text =
            word->sentence ? cli_format("`%s`: %s.", word->word, word->sentence) : cli_format("`%s`", word->word);
        printf(".br\n");
        put_text(text);
        free(text);
    }
}

static void put_usage(const cli_command *command, void *macro) {
    char name[CLI_COMMAND_NAME];
    printf("%s\\fBfovea %s\\fR%s", (const char *)macro, cli_command_name(command, name),
           command->arguments[0] ? " " : "");
    put_arguments(command->arguments);
    printf("%s\n", command->options ? " [\\fIOPTIONS\\fR]" : "");
}

static void put_command(const cli_command *command, void *context) {
    (void)context;
    put_usage(command, ".SS ");
    char *sentence = cli_format("%s.", command->sentence);
    put_text(sentence);
    free(sentence);
    if (command->details) {
        printf(".PP\n");
        put_text(command->details);
    }
    for (const cli_option *row = command->options; row && row->name; row++) {
        put_option(row);
    }
    printf(".PP\nExamples:\n.PP\n.EX\n");
    for (const cli_example *example = command->examples; example->line; example++) {
        put_line(example->line);
        putchar('\n');
    }
    printf(".EE\n");
}

static void put_parents(void) {
    for (const cli_command *const *command = cli_commands; *command; command++) {
        if ((*command)->actions) {
            char *text = cli_format("Without an action `fovea %s` does what its first does. %s", (*command)->name,
                                    (*command)->details);
            printf(".PP\n");
            put_text(text);
            free(text);
        }
    }
}

void cli_help_man(void) {
    printf(".\\\" Made by `fovea help --man`.\n"
           ".TH FOVEA 1 \"\" \"fovea %s\" \"User Commands\"\n"
           ".SH NAME\nfovea \\- train, evaluate and use attention\\-based image classifiers\n"
           ".SH SYNOPSIS\n.nf\n",
           fv_version());
    cli_command_each(put_usage, "");
    printf(".fi\n.SH DESCRIPTION\n");
    put_text(description);
    put_parents();
    printf(".PP\n");
    put_text(option_rules);
    printf(".SH COMMANDS\n");
    cli_command_each(put_command, NULL);
    printf(".SH EXIT STATUS\n");
    put_items(exits);
    printf(".SH ENVIRONMENT\n");
    put_items(environment);
    printf(".SH FILES\nA run folder holds\n");
    put_items(files);
    printf(".SH SEE ALSO\n");
    put_text("`fovea help recipe` for the keys of recipes; the header fovea.h for the library.");
}
