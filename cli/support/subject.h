// What commands work on: a RECIPE, or a MODEL (a file) or RUN (a folder with one), and the data that belongs to it. A
// failure is told here; the exit code is returned.
#ifndef FOVEA_CLI_SUBJECT_H
#define FOVEA_CLI_SUBJECT_H

#include "support/cli.h"

typedef struct cli_subject {
    fv_model *model;
    fv_recipe *recipe; // NULL: the model was made in code, not from a recipe
} cli_subject;

// The model of a file or run folder and the recipe it carries, with --set applied. The recipe's
// data.limit is forgotten: it was for training.
int cli_subject_load(const char *path, const cli_options *options, cli_subject *subject);

// The same, or from a recipe a model with fresh weights.
int cli_subject_open(const char *argument, const cli_options *options, cli_subject *subject);

void cli_subject_free(cli_subject *subject);

// One split ("train" or "test") of the model's data: --data and --path, else what the recipe says. Has images of the
// model's size and as many classes. Release with fv_dataset_free.
int cli_subject_data(const cli_subject *subject, const char *split, const cli_options *options, fv_dataset **data);

#endif
