// SPDX-License-Identifier: Apache-2.0
// The command line, read by the table of the command. `--name value` and `--name=value` are the same.
#include "support/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/command.h"
#include "support/memory.h"
#include "support/names.h"
#include "support/numbers.h"
#include "support/say.h"

const cli_option cli_option_help = {
    .name = "help", .letter = "h", .kind = CLI_KIND_FLAG, .sentence = "Explain the command."};

const cli_option *cli_option_find(const cli_command *command, const char *name, size_t length, bool letter) {
    for (const cli_option *row = command->options;; row++) {
        const bool last = !row || !row->name;
        const cli_option *now = last ? &cli_option_help : row;
        const char *known = letter ? now->letter : now->name;
        if (known && strlen(known) == length && strncmp(known, name, length) == 0) {
            return now;
        }
        if (last) {
            return NULL;
        }
    }
}

// --- Options that the command does not take

typedef struct owners {
    const char *name;
    size_t length;
    bool letter;
    FILE *out; // "eval, predict"
} owners;

static void add_owner(const cli_command *command, void *context) {
    owners *all = context;
    char name[CLI_COMMAND_NAME];
    if (cli_option_find(command, all->name, all->length, all->letter)) {
        fprintf(all->out, "%s%s", ftell(all->out) > 0 ? ", " : "", cli_command_name(command, name));
    }
}

static const char *nearest_option(const cli_command *command, const char *name) {
    enum { MOST = 64 };
    const char *names[MOST + 2] = {cli_option_help.name};
    int count = 1;
    for (const cli_option *row = command->options; row && row->name && count < MOST; row++) {
        names[count++] = row->name;
    }
    return cli_nearest(name, names);
}

// "did you mean --split?", or how a key of the recipe is set. Release with free.
static char *guess(const cli_command *command, const char *wanted) {
    const char *nearest = nearest_option(command, wanted);
    if (nearest) {
        return cli_format("; did you mean --%s?", nearest);
    }
    const bool sets = cli_option_find(command, "set", 3, false);
    return sets ? cli_format("; a key of the recipe is set with --set, as in --set train.%s=...", wanted)
                : cli_copy("");
}

// Whose option it is, or what was meant.
static int refuse(const cli_command *command, const char *word, size_t length) {
    char name[CLI_COMMAND_NAME], *commands;
    size_t size;
    const size_t dashes = strspn(word, "-");
    owners all = {
        .name = word + dashes, .length = length - dashes, .letter = dashes == 1, .out = cli_stream(&commands, &size)};
    cli_command_each(add_owner, &all);
    fclose(all.out);
    char *wanted = cli_format("%.*s", (int)all.length, all.name), *hint = guess(command, wanted);
    const int code = commands[0] ? cli_usage(command, "%s takes no %.*s; it belongs to: %s",
                                             cli_command_name(command, name), (int)length, word, commands)
                                 : cli_usage(command, "unknown option %.*s%s", (int)length, word, hint);
    free(hint);
    free(wanted);
    free(commands);
    return code;
}

// --- Values

static bool parse_seed(const char *text, uint64_t *seed) {
    char *end;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    return errno == 0 && *end == 0 && text[0] >= '0' && text[0] <= '9';
}

// "test or train", "png, npy, csv or json". Release with free.
static char *list_words(const cli_word *words) {
    char *text;
    size_t size;
    FILE *out = cli_stream(&text, &size);
    for (int i = 0; words[i].word; i++) {
        fprintf(out, "%s%s", i == 0 ? "" : words[i + 1].word ? ", " : " or ", words[i].word);
    }
    fclose(out);
    return text;
}

// --method rolout: did you mean 'rollout'? Otherwise what there is.
static int refuse_word(const cli_command *command, const cli_option *row, const char *value) {
    enum { MOST = 16 };
    const char *names[MOST + 1] = {NULL};
    for (int i = 0; i < MOST && row->words[i].word; i++) {
        names[i] = row->words[i].word;
    }
    const char *nearest = cli_nearest(value, names);
    char *all = list_words(row->words);
    const int code = cli_usage(command, "--%s: '%s' should be %s%s%s%s", row->name, value, all,
                               nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    free(all);
    return code;
}

// Sets the member; returns NULL, or what the value should have been.
static const char *store(const cli_option *row, const char *value, void *options) {
    void *target = (char *)options + row->offset;
    cli_list *list = target;
    switch (row->kind) {
    case CLI_KIND_FLAG:
        *(bool *)target = true;
        return NULL;
    case CLI_KIND_COUNT:
        return cli_parse_int(value, target) && *(int *)target >= 1 ? NULL : "a whole number, at least 1";
    case CLI_KIND_NUMBER:
        return cli_parse_number(value, target) && *(double *)target > 0 ? NULL : "a number above 0";
    case CLI_KIND_SEED:
        return parse_seed(value, target) ? NULL : "a whole number, at least 0";
    case CLI_KIND_LIST:
        if (list->count == CLI_MOST_ITEMS) {
            return "given fewer times";
        }
        list->items[list->count++] = value;
        return NULL;
    case CLI_KIND_TEXT:
    case CLI_KIND_CHOICE:
        *(const char **)target = value;
        return value[0] ? NULL : "something";
    }
    return NULL;
}

static bool is_word(const cli_word *words, const char *value) {
    while (words->word && strcmp(words->word, value) != 0) {
        words++;
    }
    return words->word;
}

// --- The command line

// One word that begins with a dash, and perhaps the next one; *used is the number of words.
static int read_option(const cli_command *command, int left, char **words, cli_parsed *out, int *used) {
    const char *word = words[0], *equals = strchr(word, '=');
    const bool letter = word[1] != '-';
    const size_t length = equals ? (size_t)(equals - word) : strlen(word), dashes = letter ? 1 : 2;
    const cli_option *row = cli_option_find(command, word + dashes, length - dashes, letter);
    if (!row) {
        return refuse(command, word, length);
    }
    if (!row->value && equals) {
        return cli_usage(command, "%.*s takes no value", (int)length, word);
    }
    if (row->value && !equals && left < 2) {
        return cli_usage(command, "%s needs a value: %s %s", word, word, row->value);
    }
    *used = row->value && !equals ? 2 : 1;
    if (row == &cli_option_help) {
        out->help = true;
        return CLI_OK;
    }
    const char *value = equals ? equals + 1 : row->value ? words[1] : "";
    if (row->kind == CLI_KIND_CHOICE && !is_word(row->words, value)) {
        return refuse_word(command, row, value);
    }
    const char *wanted = store(row, value, out->options);
    return wanted ? cli_usage(command, "%.*s: '%s' should be %s", (int)length, word, value, wanted) : CLI_OK;
}

int cli_options_read(const cli_command *command, int count, char **words, cli_parsed *out) {
    *out = (cli_parsed){.options = cli_alloc(1, command->options_size), .arguments = (const char **)words};
    for (const cli_option *row = command->options; row && row->name; row++) {
        if (row->preset) {
            store(row, row->preset, out->options);
        }
    }
    bool only_arguments = false; // after "--"
    for (int i = 0, used; i < count; i += used) {
        used = 1;
        if (!only_arguments && strcmp(words[i], "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && words[i][0] == '-' && words[i][1]) {
            CLI_TRY(read_option(command, count - i, words + i, out, &used));
        } else if (out->argument_count == command->most_arguments) {
            return cli_usage(command, "'%s' is one argument too many", words[i]);
        } else {
            out->arguments[out->argument_count++] = words[i];
        }
    }
    return CLI_OK;
}
