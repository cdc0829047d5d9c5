// The command line: one table of all options. Each command names those it takes; options may stand anywhere, and
// `--name value` and `--name=value` are the same.
#include "support/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "train/settings.h"

typedef enum option_kind { FLAG, COUNT, SECONDS, SEED, TEXT, SETS, MAPS } option_kind;

typedef struct option {
    const char *name, *letter; // "help", and "h" for -h or NULL
    const char *value;         // what it is called in help; NULL for a flag
    option_kind kind;
    const char *owner; // NULL: the commands that list it take it; EVERY; or, where two take one of this name, which
    size_t offset;     // in cli_options
    const char *sentence;
} option;

#define EVERY "*"
#define AT(member) offsetof(cli_options, member)

static const option table[] = {
    {"data", NULL, "SET", TEXT, NULL, AT(data),
     "Use this data set, by its name or the folder or archive of photographs, not the one in the recipe."},
    {"path", NULL, "DIR", TEXT, NULL, AT(path), "Folder with the data set's files."},
    {"split", NULL, "SPLIT", TEXT, NULL, AT(split), "train or test (default: test)."},
    {"samples", NULL, "RANGE", TEXT, NULL, AT(samples),
     "Which samples: test:0-9, train:5, 3,5,7-9 (default: test:0-9; explain: the first five; report: chosen)."},
    {"top", NULL, "K", COUNT, NULL, AT(top), "How many classes to show or count (predict: 3; eval: as in the recipe)."},
    {"per-class", NULL, NULL, FLAG, NULL, AT(per_class), "Precision, recall and F1 of each class."},
    {"confusion", NULL, NULL, FLAG, NULL, AT(confusion), "Which classes are taken for which."},
    {"csv", NULL, "DIR", TEXT, "eval", AT(csv), "Write classes.csv, confusion.csv and calibration.csv to this folder."},
    {"csv", NULL, NULL, FLAG, "predict", AT(as_csv), "Answer in CSV on standard output."},
    {"pictures", NULL, "DIR", TEXT, NULL, AT(pictures),
     "Draw confusion, classes, calibration, mistakes and predictions into this folder."},
    {"what", NULL, "WHAT", TEXT, NULL, AT(what), "curves, filters or positions (default: curves)."},
    {"augment", NULL, "FILE", TEXT, NULL, AT(augment), "Draw what augmentation makes of training pictures (PNG, SVG)."},
    {"sha256", NULL, "SUM", TEXT, NULL, AT(sha256), "SHA-256 that a file from an address must have."},
    {"resume", NULL, "RUN", TEXT, NULL, AT(resume), "Go on in this run folder where it stopped."},
    {"checkpoint-steps", NULL, "N", COUNT, NULL, AT(checkpoint_steps),
     "Also checkpoint every N steps inside an epoch."},
    {"tensorboard", NULL, NULL, FLAG, NULL, AT(tensorboard), "Also write RUN/tensorboard, for TensorBoard."},
    {"mode", NULL, "MODE", TEXT, NULL, AT(mode), "train or infer (default: train)."},
    {"batch", NULL, "N", COUNT, NULL, AT(batch), "Samples a step (default: the recipe's)."},
    {"seconds", NULL, "S", SECONDS, NULL, AT(seconds), "How long to measure (default: 3)."},
    {"interactive", NULL, NULL, FLAG, NULL, AT(interactive), "Wait for lines \"run SECONDS\"; answer each with JSON."},
    {"first-prediction", NULL, NULL, FLAG, NULL, AT(first_prediction),
     "Only the time from start to a first prediction."},
    {"no-rewrite", NULL, NULL, FLAG, NULL, AT(no_rewrite),
     "The model as written, without the algebra pass that saves operations."},
    {"plan", NULL, NULL, FLAG, NULL, AT(plan),
     "Also how a training step runs: phases, instructions, arrays (docs/plan.md)."},
    {"out", "o", "PATH", TEXT, NULL, AT(out),
     "Where to write: a folder (train: runs/RECIPE-DATE-TIME; explain: explained; data get, weights get: the cache), "
     "or import's file, the PNG of data show, the picture of plot (RUN/WHAT.png), the page of report "
     "(RUN/report.html)."},
    {"map", NULL, "RULE", MAPS, NULL, AT(maps),
     "What arrays are called here: THEIRS=OURS, or a file of such lines; may be given again."},
    {"layer", NULL, "NAME", TEXT, "import", AT(layer), "Only the weights of this layer, with those inside it."},
    {"partial", NULL, NULL, FLAG, NULL, AT(partial), "Take over what fits and leave the rest as it is."},
    {"classes", NULL, "FILE", TEXT, NULL, AT(classes), "Names of the classes, one a line."},
    {"strict", NULL, NULL, FLAG, NULL, AT(strict), "Stop at the first file that cannot be read."},
    {"set", NULL, "KEY=VALUE", SETS, NULL, AT(sets), "Override a key of the recipe; may be given again."},
    {"method", NULL, "METHOD", TEXT, NULL, AT(method), "One way of explaining (default: all that apply)."},
    {"layer", NULL, "NAME", TEXT, "explain", AT(layer),
     "Which attention layer (default: the last; attention: each; gradient: all)."},
    {"head", NULL, "N", TEXT, NULL, AT(head), "Which of its heads, from 0 (default: their mean; attention: each)."},
    {"query", NULL, "N|R,C", TEXT, NULL, AT(query),
     "Which token asks, or its row and column (default: the class token, or the mean of all)."},
    {"class", NULL, "CLASS", TEXT, NULL, AT(class_name), "Explain this class, by name or number, not the predicted."},
    {"format", NULL, "FORMAT", TEXT, NULL, AT(format), "png, npy, csv or json (default: png)."},
    {"blocky", NULL, NULL, FLAG, NULL, AT(blocky), "Each pixel as its token, without smoothing between tokens."},
    {"faithfulness", NULL, NULL, FLAG, NULL, AT(faithfulness), "Also measure the maps by deletion and insertion."},
    {"threads", "t", "N", COUNT, EVERY, AT(threads), "Threads (default: what the machine and OMP_NUM_THREADS allow)."},
    {"seed", NULL, "N", SEED, EVERY, AT(seed), "Start of all random numbers (default: 0)."},
    {"json", NULL, NULL, FLAG, EVERY, AT(json), "Answer in JSON on standard output."},
    {"quiet", "q", NULL, FLAG, EVERY, AT(quiet), "No progress, no remarks."},
    {"help", "h", NULL, FLAG, EVERY, AT(help), "This help."},
};
enum { OPTION_COUNT = sizeof table / sizeof *table };

// Whether the command's list of options has the name.
static bool lists(const cli_command *command, const char *name) {
    size_t length = strlen(name);
    for (const char *at = command->options; (at = strstr(at, name)); at++) {
        if ((at == command->options || at[-1] == ' ') && (at[length] == ' ' || at[length] == 0)) {
            return true;
        }
    }
    return false;
}

static bool takes(const cli_command *command, const option *row) {
    bool every = row->owner && strcmp(row->owner, EVERY) == 0;
    return every || ((!row->owner || strcmp(row->owner, command->name) == 0) && lists(command, row->name));
}

// The row of "name" or, behind one dash, of its letter: if there is one, the row that the command takes.
static const option *find(const cli_command *command, const char *word, size_t length, bool letter) {
    const option *found = NULL;
    for (int i = 0; i < OPTION_COUNT && !(found && takes(command, found)); i++) {
        if (letter ? length == 1 && table[i].letter && table[i].letter[0] == word[0]
                   : strlen(table[i].name) == length && strncmp(table[i].name, word, length) == 0) {
            found = &table[i];
        }
    }
    return found;
}

// An option that the command does not take: what was meant, or whose it is.
static int refuse(const cli_command *command, const option *row, const char *word, size_t length) {
    if (row) {
        char owners[128] = "";
        for (int i = 0; cli_commands[i]; i++) {
            if (lists(cli_commands[i], row->name)) {
                size_t used = strlen(owners);
                snprintf(owners + used, sizeof owners - used, "%s%s", used ? ", " : "", cli_commands[i]->name);
            }
        }
        return cli_usage(command, "%s takes no %.*s; it belongs to: %s", command->name, (int)length, word, owners);
    }
    char name[64];
    const char *names[OPTION_COUNT + 1] = {NULL};
    int count = 0;
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (takes(command, &table[i])) {
            names[count++] = table[i].name;
        }
    }
    size_t dashes = strspn(word, "-");
    snprintf(name, sizeof name, "%.*s", (int)(length - dashes), word + dashes);
    for (const fv__option *key = fv__train_options; key->name && lists(command, "set"); key++) {
        if (strcmp(key->name, name) == 0) {
            return cli_usage(command, "unknown option --%s; it is a key of the recipe: --set train.%s=...", name, name);
        }
    }
    const char *nearest = fv__nearest_name(name, names);
    return cli_usage(command, "unknown option %.*s%s%s%s", (int)length, word, nearest ? "; did you mean --" : "",
                     nearest ? nearest : "", nearest ? "?" : "");
}

static bool parse_seed(const char *text, uint64_t *seed) {
    char *end;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    return errno == 0 && *end == 0 && text[0] >= '0' && text[0] <= '9';
}

static const char *collect(const char *values[CLI_MAX_SETS], int *count, const char *value) {
    if (*count == CLI_MAX_SETS) {
        return "given fewer times";
    }
    values[(*count)++] = value;
    return NULL;
}

// Stores the value of an option; NULL, or what it should have been.
static const char *store(const option *row, const char *value, cli_options *options) {
    void *target = (char *)options + row->offset;
    double number;
    int whole;
    switch (row->kind) {
    case FLAG:
        *(bool *)target = true;
        return NULL;
    case COUNT:
        if (!fv__parse_int(value, &whole) || whole < 1) {
            return "a whole number, at least 1";
        }
        *(int *)target = whole;
        return NULL;
    case SECONDS:
        if (!fv__parse_float(value, &number) || number <= 0) {
            return "a number above 0";
        }
        *(double *)target = number;
        return NULL;
    case SEED:
        return parse_seed(value, target) ? NULL : "a whole number, at least 0";
    case TEXT:
        *(const char **)target = value;
        return value[0] ? NULL : "something";
    case SETS:
        return collect(options->sets, &options->set_count, value);
    case MAPS:
        return collect(options->maps, &options->map_count, value);
    }
    return NULL;
}

// One word that begins with a dash, and perhaps the next one; the number of words used, 0 after a message.
static int read_option(const cli_command *command, int left, char **words, cli_options *options) {
    const char *word = words[0], *equals = strchr(word, '=');
    bool letter = word[1] != '-';
    size_t length = equals ? (size_t)(equals - word) : strlen(word), dashes = letter ? 1 : 2;
    const option *row = find(command, word + dashes, length - dashes, letter);
    if (!row || !takes(command, row)) {
        refuse(command, row, word, length);
        return 0;
    }
    if (!row->value && equals) {
        cli_usage(command, "%.*s takes no value", (int)length, word);
        return 0;
    }
    if (row->value && !equals && left < 2) {
        cli_usage(command, "%s needs a value: %s %s", word, word, row->value);
        return 0;
    }
    const char *value = equals ? equals + 1 : row->value ? words[1] : "";
    const char *wanted = store(row, value, options);
    if (wanted) {
        cli_usage(command, "%.*s: '%s' should be %s", (int)length, word, value, wanted);
        return 0;
    }
    return row->value && !equals ? 2 : 1;
}

bool cli_options_read(const cli_command *command, int count, char **words, cli_options *options) {
    *options = (cli_options){.command = command, .arguments = (const char **)words};
    bool only_arguments = false; // after "--"
    for (int i = 0; i < count;) {
        if (!only_arguments && strcmp(words[i], "--") == 0) {
            only_arguments = true;
            i++;
        } else if (!only_arguments && words[i][0] == '-' && words[i][1]) {
            int used = read_option(command, count - i, words + i, options);
            if (used == 0) {
                return false;
            }
            i += used;
        } else if (options->argument_count == command->most_arguments) {
            cli_usage(command, "'%s' is one argument too many", words[i]);
            return false;
        } else {
            options->arguments[options->argument_count++] = words[i++];
        }
    }
    return true;
}

void cli_options_describe(const cli_command *command, FILE *out) {
    for (int i = 0; i < OPTION_COUNT; i++) {
        const option *row = &table[i];
        if (takes(command, row)) {
            char name[64], letter[8] = "    ";
            if (row->letter) {
                snprintf(letter, sizeof letter, "-%s, ", row->letter);
            }
            snprintf(name, sizeof name, "%s--%s%s%s", letter, row->name, row->value ? " " : "",
                     row->value ? row->value : "");
            fprintf(out, "  %-26s %s\n", name, row->sentence);
        }
    }
}
