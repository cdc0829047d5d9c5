// SPDX-License-Identifier: Apache-2.0
// Taking over weights that another program has trained: which array of a file belongs to which weight of a model.
//
// Names are compared from their ends: theirs may have folders in front ("functional/dense/kernel" for our
// "dense/kernel"), or lack the name of our layer ("Conv1/kernel" for "mobilenet_v2/Conv1/kernel"); the longest
// agreement wins, and what fits two alike fits none. An array without a name ("bn_Conv1/2") is that number among the
// weights of its layer, which are in Keras's order. Shapes may differ by axes that lie together: (64, 8, 16) as (64,
// 128).
#ifndef FOVEA_MODEL_IMPORT_H
#define FOVEA_MODEL_IMPORT_H

#include "formats/weights.h"
#include "model/model.h"

typedef enum fv__import_fit {
    FV__IMPORT_UNWANTED, // a weight of another layer than the one asked for
    FV__IMPORT_MATCHED,
    FV__IMPORT_MISSING,    // no array of the file fits
    FV__IMPORT_AMBIGUOUS,  // `array` fits, and so does another, or it fits another weight as well
    FV__IMPORT_SHAPE,      // `array` has another shape
    FV__IMPORT_NOT_FINITE, // `array` holds what is no number
} fv__import_fit;

// What became of a weight of the model.
typedef struct fv__import_row {
    fv__import_fit fit;
    int array; // of the file; -1: none
} fv__import_row;

typedef struct fv__import {
    fv__import_row *rows; // one a parameter of the model's graph
    bool *used;           // one an array of the file: a row has it, whether it can be taken over or not
    int wanted, matched;
} fv__import;

// Finds what belongs together; the model stays as it is. `layer` (NULL: all) is the name of the only layer whose
// weights are wanted. Release with fv__import_free. FV_INVALID when there is no such layer.
fv_status fv__import_match(const fv_model *model, const fv__weights *weights, const char *layer, fv__import *out,
                           fv_error *error);
void fv__import_free(fv__import *import);

// FV_FORMAT unless every weight that is wanted was matched; the message tells the first that was not. `path`: the file.
fv_status fv__import_check(const fv_model *model, const fv__weights *weights, const fv__import *import,
                           const char *path, fv_error *error);

// Copies what was matched into the model.
void fv__import_apply(fv_model *model, const fv__weights *weights, const fv__import *import);

// Why a weight was not matched, in `text`, which is also returned: "the file has bias (10)".
enum { FV__IMPORT_REASON = 512 };
const char *fv__import_reason(const fv__weights *weights, const fv__import_row *row, char text[FV__IMPORT_REASON]);

// --- Between the files of this folder

// How well an array's name fits a weight that is number `index` of its layer; 0: not at all.
int fv__import_agreement(const char *ours, int index, const char *theirs);

// For an array of that name: matched, or why not.
fv__import_fit fv__import_compare(const fv__parameter *parameter, const fv__weight_array *array);

#endif
