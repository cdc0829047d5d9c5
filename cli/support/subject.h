// SPDX-License-Identifier: Apache-2.0
// What commands work on: a RECIPE, or a MODEL (a file) or RUN (a folder with one), and the data that belongs to it. A
// failure is reported here; the exit code is returned.
#ifndef FOVEA_CLI_SUPPORT_SUBJECT_H
#define FOVEA_CLI_SUPPORT_SUBJECT_H

#include <fovea.h>

#include "support/options.h"

// Options that say where model and data come from. A command has a row for each that it takes; the others stay zero.
typedef struct cli_source {
    const char *data, *path; // NULL: as the recipe says
    cli_list sets;           // "train.epochs=2"
    bool strict, no_rewrite, quiet;
    int threads; // 0: what the machine allows
    uint64_t seed;
} cli_source;

#define CLI_SOURCE_DATA(type, source)                                                                                  \
    CLI_TEXT("data", "SET", type, source.data,                                                                         \
             "Use this data set instead of the recipe's: its name, or a folder or archive of images.",                 \
             .values = CLI_DATA_SETS)
#define CLI_SOURCE_PATH(type, source)                                                                                  \
    CLI_TEXT("path", "DIR", type, source.path, "Folder with the files of the data set.", .values = CLI_FOLDERS)
#define CLI_SOURCE_STRICT(type, source)                                                                                \
    CLI_FLAG("strict", type, source.strict, "Stop at the first unreadable image instead of leaving it out.")
#define CLI_SOURCE_SET(type, source)                                                                                   \
    CLI_LIST("set", "KEY=VALUE", type, source.sets,                                                                    \
             "Override a key of the recipe; repeatable. The value is YAML; a number in the key counts the items of a " \
             "list from 0: model.3.dense.units=64.")
#define CLI_SOURCE_NO_REWRITE(type, source)                                                                            \
    CLI_FLAG("no-rewrite", type, source.no_rewrite,                                                                    \
             "Compute the model as written, without the algebra pass that saves operations.")

typedef struct cli_subject {
    fv_model *model;
    fv_recipe *recipe; // NULL: the model was made in code, not from a recipe
} cli_subject;

// The model of a file or run folder and the recipe it carries, with --set applied. The recipe's
// data.limit is forgotten: it was for training.
int cli_subject_load(const char *path, const cli_source *source, cli_subject *subject);

// The same, or a model with fresh weights from a recipe.
int cli_subject_open(const char *argument, const cli_source *source, cli_subject *subject);

void cli_subject_free(cli_subject *subject);

// One split ("train" or "test") of the model's data: --data and --path, else what the recipe says. Has images of the
// model's size and as many classes. Release with fv_dataset_free.
int cli_subject_data(const cli_subject *subject, const char *split, const cli_source *source, fv_dataset **data);

#endif
