// SPDX-License-Identifier: Apache-2.0
// `fovea explain` in six files: the loop over the images (explain.c), what one is called (image.c), what is asked for
// (choose.c), pictures (picture.c), files of numbers (files.c), and how faithful the maps are (faithfulness.c).
#ifndef FOVEA_CLI_EXPLAIN_H
#define FOVEA_CLI_EXPLAIN_H

#include <jansson.h>

#include "support/files.h"
#include "support/samples.h"
#include "support/subject.h"

typedef struct explain_options {
    cli_source source;
    const char *samples, *method, *layer, *head, *query, *class_name, *out, *format;
    bool blocky, faithfulness, json;
} explain_options;

// What --method can be: a map of the image by one of fv_explainer_map's methods, or the weights of whole layers.
typedef enum cli_explain_kind { CLI_EXPLAIN_MAP, CLI_EXPLAIN_WEIGHTS, CLI_EXPLAIN_SLOTS } cli_explain_kind;

typedef struct cli_explain_method {
    const char *word;
    cli_explain_kind kind;
    fv_explain_method method; // of a map
} cli_explain_method;

enum { CLI_EXPLAIN_METHODS = 7, CLI_EXPLAIN_MAPS = 5 };
extern const cli_explain_method cli_explain_methods[CLI_EXPLAIN_METHODS]; // the maps first

// One map of the current image.
typedef struct cli_explain_map {
    const char *word;
    const char *remark; // after the word in pictures; NULL: none
    float *values;      // (height, width); NULL: the method does not apply to this model
    fv_faithfulness faithfulness;
} cli_explain_map;

// How faithful the maps of one method were so far.
typedef struct cli_explain_score {
    const char *word;
    double deletion, insertion; // sums
    size_t images;
} cli_explain_score;

typedef struct cli_explanation {
    const explain_options *options;
    cli_subject subject;
    const fv_model_info *model; // of the subject
    cli_files pictures;         // what is explained: these, or
    fv_dataset *data;           // (NULL with pictures)
    cli_samples samples;
    fv_explainer *explainer;
    const cli_explain_method *method; // NULL: all maps that apply
    int target;                       // -1: the predicted class
    fv_explain_options choice;
    // Of the current image
    size_t index; // in the data set, or the number of the picture
    uint8_t *pixels;
    cli_explain_map maps[CLI_EXPLAIN_MAPS];
    int map_count;
    fv_faithfulness random;
    cli_explain_score scores[CLI_EXPLAIN_MAPS + 1]; // random last
    json_t *files;                                  // paths written for the image
    json_t *report;                                 // of all images
    bool reported;                                  // which maps do not apply to the model
    int left_out;                                   // unreadable pictures
} cli_explanation;

// choose.c: words of the command line that need no model; then those that need model and data. Return the exit code.
int cli_explain_read_words(cli_explanation *now);
int cli_explain_choose(cli_explanation *now);

// "DIR/test-3SUFFIX" or "DIR/PICTURESUFFIX", noted as written. Release with free.
char *cli_explain_path(cli_explanation *now, const char *suffix);

// "test 3: true Sneaker, predicted Boot 71.3 %; why Sneaker (12.0 %)?". Release with free.
char *cli_explain_title(const cli_explanation *now);

// Which image it is: {split, index, class} or {file}.
json_t *cli_explain_image_json(const cli_explanation *now);

// Writes what is asked for of the current image. Return the exit code.
int cli_explain_draw(cli_explanation *now);
int cli_explain_write(cli_explanation *now);

// Measures the maps of the current image; prints the table of all images.
int cli_explain_measure(cli_explanation *now);
void cli_explain_print_scores(const cli_explanation *now);
json_t *cli_explain_scores_json(const cli_explanation *now);

#endif
