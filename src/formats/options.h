// SPDX-License-Identifier: Apache-2.0
// Options as tables: one row holds the name, kind, default, range and sentence of an option, and from it come the
// reading of a recipe, its error messages, the recipe as resolved and the reference page. Whatever has options (a
// layer, an optimizer, a section of a recipe) declares a struct and a table beside itself:
//
//     typedef struct dense_options {
//         int units, activation;
//         bool bias;
//     } dense_options;
//
//     static const fv__option dense_table[] = {
//         {.name = "units", .kind = FV__INT, .offset = offsetof(dense_options, units), .required = true,
//          .primary = true, .minimum = 1, .maximum = 1 << 20, .sentence = "Width of the output."},
//         {.name = "activation", .kind = FV__CHOICE, .offset = offsetof(dense_options, activation),
//          .choices = activations, .default_text = "linear", .sentence = "Function applied to the output."},
//         {.name = "bias", .kind = FV__BOOL, .offset = offsetof(dense_options, bias), .default_text = "true",
//          .sentence = "Whether a bias is added."},
//         {0}};
//
//     dense_options options;
//     fv_status status = fv__options_read(dense_table, arguments, "dense", &options, error);
#ifndef FOVEA_FORMATS_OPTIONS_H
#define FOVEA_FORMATS_OPTIONS_H

#include "formats/yaml.h"

enum { FV__MAX_OPTIONS = 64, FV__MAX_NUMBERS = 16 }; // rows of a table, numbers of a list

// What is at `offset` in the target:
typedef enum fv__option_kind {
    FV__BOOL = 1,   // bool
    FV__INT,        // int
    FV__FLOAT,      // double
    FV__TEXT,       // const char *, owned by the document (a default: by the table)
    FV__CHOICE,     // int or enum: index into `choices`
    FV__INT_PAIR,   // int[2]: [height, width], or one number for both
    FV__INT_LIST,   // fv__int_list; a single number is a list of one
    FV__FLOAT_LIST, // fv__float_list; a single number is a list of one
    FV__LIST,       // const fv__value *, a list
    FV__MAP,        // const fv__value *, a map
    FV__ANY,        // const fv__value *, whatever is written there, null too
} fv__option_kind;

typedef struct fv__int_list {
    int count;
    int values[FV__MAX_NUMBERS];
} fv__int_list;

typedef struct fv__float_list {
    int count;
    double values[FV__MAX_NUMBERS];
} fv__float_list;

typedef struct fv__option {
    const char *name;
    fv__option_kind kind;
    size_t offset; // of the member in the target, by offsetof
    bool required;
    bool primary;                      // set by a scalar or list in place of the map: `dropout: 0.2`
    bool above_minimum, below_maximum; // the bound itself is excluded
    double minimum, maximum;           // of each number; both 0: any. INFINITY where one side is open
    const char *default_text;          // as it would be written in a recipe
    const char *const *choices;        // NULL-terminated, for FV__CHOICE
    const char *sentence;              // for the reference page
} fv__option;

// Fills the members of `target` that the table (ended by {0}) names: first the defaults, then what `value` says: a map,
// nothing (NULL or null: all defaults), or a scalar or list for the primary option. `what` names the owner in messages
// ("dense", "train").
//
// A key written with nothing after it is an error unless the option is neither required nor has a default (or is
// FV__ANY). Such an option without a value gives NULL (text, list, map, any), zero or an empty list.
// Nested values and text live in the value's document, which must outlive the target. A nested default is parsed into
// that document too, so a table with one needs a value that is not NULL: fv__document_nothing() will do.
fv_status fv__options_read(const fv__option *table, const fv__value *value, const char *what, void *target,
                           fv_error *error);

// The way back: a new map in `document` with every option of `source`, the target of an earlier read; nested values are
// copied, options that are NULL left out. Reading it again gives the same target.
fv_status fv__options_write(const fv__option *table, const void *source, fv__document *document, fv__value **map,
                            fv_error *error);

// A Markdown table of the options: name, kind, default, range, sentence.
void fv__options_describe(const fv__option *table, fv__text *out);

// For tests: whether the table itself is sound (defaults that parse and lie in range, sentences, at most one primary,
// distinct names, numbers either required or with a default).
fv_status fv__options_check(const fv__option *table, const char *what, fv_error *error);

#endif
