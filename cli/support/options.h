// SPDX-License-Identifier: Apache-2.0
// Options of a command: a table beside the struct that it fills. A row names the option, what its value is called, the
// struct and member it sets, and says in a sentence what it does; what follows is optional and named:
//
//     static const cli_option options[] = {
//         CLI_CHOICE("split", "SPLIT", eval_options, split, "Which samples.", CLI_WORDS({"train", NULL}, {"test", NULL}),
//                    .preset = "test"),
//         CLI_TEXT("csv", "DIR", eval_options, csv, "Write CSV files to this folder.", .values = CLI_FOLDERS),
//         CLI_JSON(eval_options, json), // a row that several commands share
//         CLI_END};
//
// Every command has --help besides.
#ifndef FOVEA_CLI_SUPPORT_OPTIONS_H
#define FOVEA_CLI_SUPPORT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The kind of a value, and the type of the member it sets.
typedef enum cli_kind {
    CLI_KIND_FLAG,   // bool; takes no value
    CLI_KIND_COUNT,  // int: a whole number, at least 1
    CLI_KIND_NUMBER, // double: above 0
    CLI_KIND_SEED,   // uint64_t
    CLI_KIND_TEXT,   // const char *: anything but nothing
    CLI_KIND_CHOICE, // const char *: one of the words
    CLI_KIND_LIST    // cli_list: repeatable
} cli_kind;

enum { CLI_MOST_ITEMS = 64 };
typedef struct cli_list {
    const char *items[CLI_MOST_ITEMS];
    int count;
} cli_list;

typedef struct cli_word {
    const char *word, *sentence; // sentence: NULL where the word says it all
} cli_word;
#define CLI_WORDS(...)                                                                                                 \
    .words = (const cli_word[]) {                                                                                      \
        __VA_ARGS__, {                                                                                                 \
            NULL, NULL                                                                                                 \
        }                                                                                                              \
    }

// What shell completion offers.
typedef enum cli_values {
    CLI_ANYTHING,
    CLI_FILES,
    CLI_FOLDERS,
    CLI_RECIPES,   // built-in ones, files and folders
    CLI_DATA_SETS, // known ones, files and folders
    CLI_WEIGHTS,   // known ones and files
    CLI_TOPICS     // commands, and what else `fovea help` explains
} cli_values;

typedef struct cli_option {
    const char *name;  // "out" for --out
    const char *value; // what it is called: "DIR"; NULL for a flag
    cli_kind kind;
    size_t offset; // of the member
    const char *sentence;
    const char *letter;    // "o" for -o, or NULL
    const char *preset;    // the default as it would be written, or NULL: zero
    const cli_word *words; // of a choice
    cli_values values;
} cli_option;

// The offset of a member, which must be of the type that the kind sets.
#define CLI_AT(type, member, wanted) (offsetof(type, member) + 0 * sizeof(_Generic(((type *)0)->member, wanted : 1)))

#define CLI_FLAG(name_, type, member, ...)                                                                             \
    { .name = (name_), .kind = CLI_KIND_FLAG, .offset = CLI_AT(type, member, bool), __VA_ARGS__ }
#define CLI_COUNT(name_, value_, type, member, ...)                                                                    \
    { .name = (name_), .value = (value_), .kind = CLI_KIND_COUNT, .offset = CLI_AT(type, member, int), __VA_ARGS__ }
#define CLI_NUMBER(name_, value_, type, member, ...)                                                                   \
    { .name = (name_), .value = (value_), .kind = CLI_KIND_NUMBER, .offset = CLI_AT(type, member, double), __VA_ARGS__ }
#define CLI_TEXT(name_, value_, type, member, ...)                                                                     \
    {                                                                                                                  \
        .name = (name_), .value = (value_), .kind = CLI_KIND_TEXT, .offset = CLI_AT(type, member, const char *),       \
        __VA_ARGS__                                                                                                    \
    }
#define CLI_CHOICE(name_, value_, type, member, ...)                                                                   \
    {                                                                                                                  \
        .name = (name_), .value = (value_), .kind = CLI_KIND_CHOICE, .offset = CLI_AT(type, member, const char *),     \
        __VA_ARGS__                                                                                                    \
    }
#define CLI_LIST(name_, value_, type, member, ...)                                                                     \
    { .name = (name_), .value = (value_), .kind = CLI_KIND_LIST, .offset = CLI_AT(type, member, cli_list), __VA_ARGS__ }
#define CLI_END                                                                                                        \
    { .name = NULL }

// Rows that several commands share.
#define CLI_THREADS(type, member)                                                                                      \
    CLI_COUNT("threads", "N", type, member, "Threads (default: what the machine and OMP_NUM_THREADS allow).",          \
              .letter = "t")
#define CLI_SEED(type, member)                                                                                         \
    {                                                                                                                  \
        .name = "seed", .value = "N", .kind = CLI_KIND_SEED, .offset = CLI_AT(type, member, uint64_t),                 \
        .sentence = "Start of all random numbers.", .preset = "0"                                                      \
    }
#define CLI_JSON(type, member) CLI_FLAG("json", type, member, "Answer in JSON on standard output.")
#define CLI_QUIET(type, member) CLI_FLAG("quiet", type, member, "No progress, no remarks.", .letter = "q")

extern const cli_option cli_option_help;

struct cli_command;

// The option of a command by its name, or by its letter; --help is every command's. NULL: it takes none of that name.
const cli_option *cli_option_find(const struct cli_command *command, const char *name, size_t length, bool letter);

typedef struct cli_parsed {
    void *options; // the command's struct; release with free
    const char **arguments;
    int argument_count;
    bool help;
} cli_parsed;

// Reads the words after the command's name; options may come before, after and between arguments, which are moved to
// the front of `words`. Returns the exit code, after a message where it is not CLI_OK.
int cli_options_read(const struct cli_command *command, int count, char **words, cli_parsed *out);

#endif
