// What the files of the command line program share. A file or a folder for each command; adding one is a file with a cli_command and
// a line in CLI_COMMAND_LIST. Names shared between files begin with cli_.
//
// Data goes to standard output, everything else ("fovea: sentence", progress) to standard error.
#ifndef FOVEA_CLI_CLI_H
#define FOVEA_CLI_CLI_H

#include <stdio.h>

#include "base/error.h"
#include "base/text.h"

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_LEFT_OUT = 3, CLI_INTERRUPTED = 130 };

// In the order of `fovea help`: cli_NAME is defined in cli/NAME.c.
#define CLI_COMMAND_LIST(X)                                                                                            \
    X(train)                                                                                                           \
    X(eval)                                                                                                            \
    X(predict)                                                                                                         \
    X(explain)                                                                                                         \
    X(report)                                                                                                          \
    X(summary)                                                                                                         \
    X(plot) X(bench) X(data) X(cache) X(import) X(weights) X(help) X(version)

// --- options.c: the command line, read by one table of all options

enum { CLI_MAX_SETS = 64 };

typedef struct cli_command cli_command;

typedef struct cli_options {
    const cli_command *command;
    const char **arguments; // what is neither an option nor the command
    int argument_count;
    int threads; // 0: what the machine allows
    uint64_t seed;
    const char *sets[CLI_MAX_SETS]; // "train.epochs=2"
    const char *maps[CLI_MAX_SETS]; // "theirs=ours", or a file of such
    int set_count, map_count;
    const char *out;
    bool json, quiet, help;
    const char *augment, *sha256, *what, *csv, *pictures;      // NULL: not given
    const char *resume, *data, *path, *split, *samples, *mode; // NULL: not given
    int top, batch, checkpoint_steps;                          // 0: not given
    double seconds;                                            // 0: not given
    bool interactive, first_prediction, no_rewrite, plan;
    bool per_class, confusion, tensorboard;
    const char *layer, *classes; // NULL: not given
    bool partial, as_csv, strict;
    const char *method, *head, *query, *class_name, *format; // NULL: not given
    bool blocky, faithfulness;
} cli_options;

struct cli_command {
    const char *name;
    const char *arguments; // "RECIPE"
    const char *sentence;  // in the list of commands
    const char *details;   // what --help says after the usage line: what it does, then examples
    const char *options;   // names of options it takes beside those every command takes: "out set resume"
    int most_arguments;
    int (*run)(const cli_options *options); // returns the exit code
};

#define X(name) extern const cli_command cli_##name;
CLI_COMMAND_LIST(X)
#undef X

extern const cli_command *const cli_commands[]; // ends with NULL
const cli_command *cli_command_find(const char *name);
const char *const *cli_command_names(void); // ends with NULL

// Reads everything after the command's name; the arguments are moved to the front of `words`. false: the message has
// been printed.
bool cli_options_read(const cli_command *command, int count, char **words, cli_options *options);

// The options of a command, a line each.
void cli_options_describe(const cli_command *command, FILE *out);

// --- output.c: messages

// "fovea: sentence" on standard error.
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The sentence of a failure; returns the exit code that belongs to its status.
int cli_fail(const fv_error *error);

// A wrong command line: the sentence, where to read on, and exit code 2.
int cli_usage(const cli_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Out of memory in the program itself.
int cli_fail_memory(void);

bool cli_utf8(void);               // whether the terminal's encoding has ━ and ✗
bool cli_is_live(void);            // whether standard error is a terminal, where a line can be drawn over
int cli_line_width(void);          // columns of that terminal
int cli_columns(const char *text); // columns a UTF-8 text takes

// 12,345 in `buffer`, which is also returned.
enum { CLI_NUMBER_SIZE = 40 };
const char *cli_count(char buffer[CLI_NUMBER_SIZE], double number);

// "3.4 MB" in `buffer`, which is also returned.
const char *cli_bytes(char buffer[CLI_NUMBER_SIZE], double bytes);

// "12 s", "3 min 20 s", "2 h 5 min" in `buffer`, which is also returned.
const char *cli_duration(char buffer[CLI_NUMBER_SIZE], double seconds);

// ━━━━━━╸  of `width` columns, `part` of them filled, in `buffer`, which is also returned.
enum { CLI_BAR_COLUMNS = 40, CLI_BAR_SIZE = 3 * CLI_BAR_COLUMNS + 1 };
const char *cli_bar(char buffer[CLI_BAR_SIZE], double part, int width);

// "(28, 28, 1)" in `buffer`, which is also returned.
enum { CLI_SHAPE_SIZE = 192 };
const char *cli_shape(char buffer[CLI_SHAPE_SIZE], int rank, const int64_t *shape);

// A loss: "0.2511", and short even when training goes wrong. In `buffer`, which is also returned.
const char *cli_loss(char buffer[CLI_NUMBER_SIZE], double loss);

// --- table.c: columns of text

typedef struct cli_table {
    const char *alignment; // a letter a column: l or r
    fv__text cells;        // each ended by a zero byte
    size_t count;
} cli_table;

void cli_table_add(cli_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Prints the rows, columns as wide as they need, and frees the cells. Returns the exit code.
int cli_table_print(cli_table *table, FILE *out);
void cli_table_drop(cli_table *table); // without printing

// --- interrupt.c: Ctrl-C

// From now on the first SIGINT or SIGTERM is only noted (`note` is told to standard error); the second one kills.
void cli_interrupt_catch(const char *note);
bool cli_interrupted(void);

#endif
