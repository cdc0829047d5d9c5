// What predictions of samples of a data set (predict.c) and of picture files (predict_files.c) share: the likeliest
// classes, and how they are written (predict_ranked.c).
#ifndef FOVEA_CLI_PREDICT_H
#define FOVEA_CLI_PREDICT_H

#include <jansson.h>

#include "support/subject.h"

enum { CLI_PREDICT_CHUNK = 256 }; // images whose probabilities are in memory at a time

typedef struct cli_ranked {
    int label;
    float probability;
} cli_ranked;

typedef struct cli_predictions {
    const cli_options *options;
    cli_subject subject;
    fv_predictor *predictor;
    fv_model_info model; // of the subject
    int top;             // classes shown
    cli_ranked *ranked;  // (images, top), likeliest first
    float *chunk;        // (CLI_PREDICT_CHUNK, classes), probabilities
} cli_predictions;

// Loads the model that the first argument names. The exit code is returned; cli_predictions_free is fine also after a
// failure.
int cli_predictions_load(const cli_options *options, cli_predictions *now);
int cli_predictions_reserve(cli_predictions *now, size_t images);
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

// A row of CSV: `count` fields of the caller's, then class and probability, and the next ones. The first row has the
// names of the columns; ranked NULL leaves the classes empty.
void cli_ranked_csv_head(const cli_predictions *now, const char *const *fields, size_t count, fv__text *text);
void cli_ranked_csv(const cli_predictions *now, const char *const *fields, size_t count, const cli_ranked *ranked,
                    fv__text *text);
int cli_csv_print(fv__text *text); // and frees it; returns the exit code

// `fovea predict MODEL FILE…`.
int cli_predict_files(const cli_options *options);

#endif
