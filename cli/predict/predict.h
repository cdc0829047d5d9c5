// SPDX-License-Identifier: Apache-2.0
// `fovea predict` in four files: the command (predict.c), samples of a data set (samples.c), image files (files.c), and
// what both share: the likeliest classes, and how they are written (ranked.c).
#ifndef FOVEA_CLI_PREDICT_H
#define FOVEA_CLI_PREDICT_H

#include <jansson.h>

#include "support/command.h"
#include "support/subject.h"
#include "support/table.h"

typedef struct predict_options {
    cli_source source;
    const char *samples;
    int top;
    bool csv, json;
} predict_options;

enum { CLI_PREDICT_CHUNK = 256 }; // images whose probabilities are in memory at a time

typedef struct cli_ranked {
    int label;
    float probability;
} cli_ranked;

typedef struct cli_predictions {
    const predict_options *options;
    cli_subject subject;
    fv_predictor *predictor;
    const fv_model_info *model; // of the subject
    int top;                    // classes shown
    cli_ranked *ranked;         // (images, top), likeliest first
    float *chunk;               // (CLI_PREDICT_CHUNK, classes), probabilities
} cli_predictions;

// Loads the model. Returns the exit code; cli_predictions_free is fine also after a failure.
int cli_predictions_load(const predict_options *options, const char *path, cli_predictions *now);
void cli_predictions_reserve(cli_predictions *now, size_t images);
void cli_predictions_free(cli_predictions *now);

// Takes over the likeliest classes of images first … first+count-1, whose probabilities are in the chunk.
void cli_predictions_rank(cli_predictions *now, size_t first, size_t count);

static inline const cli_ranked *cli_predictions_of(const cli_predictions *now, size_t image) {
    return now->ranked + image * (size_t)now->top;
}

// [{label, class, probability}, …]
json_t *cli_ranked_json(const cli_predictions *now, const cli_ranked *ranked);

// The last columns of a table: the likeliest class and, where more are wanted, the next ones. NULL: their heads.
void cli_ranked_cells(const cli_predictions *now, const cli_ranked *ranked, cli_table *table);

// The last fields of a row of CSV, and its end: class and probability, and the next ones. `ranked` NULL leaves them
// empty.
void cli_ranked_csv_head(const cli_predictions *now);
void cli_ranked_csv(const cli_predictions *now, const cli_ranked *ranked);

// `fovea predict MODEL`, `fovea predict MODEL FILE…`
int cli_predict_samples(const predict_options *options, const char *model);
int cli_predict_files(const predict_options *options, const cli_arguments *arguments);

#endif
