// What a model is made of, layer by layer: the table of `fovea summary`.
#ifndef FOVEA_MODEL_SUMMARY_H
#define FOVEA_MODEL_SUMMARY_H

#include "base/text.h"
#include "model/model.h"

typedef struct fv__summary_row {
    const char *name, *type;
    int depth; // 0; more inside residual and repeat
    fv__shape output;
    // Its own: what layers inside have stands in their rows, so that columns can be added up.
    size_t parameters;
    double multiply_adds;    // of one image
    size_t activation_bytes; // of the values it computes for one image
} fv__summary_row;

typedef struct fv__summary {
    fv__summary_row *rows; // names belong to the model
    int row_count;
    size_t parameters, trainable, frozen;
    double multiply_adds;
    size_t activation_bytes;
} fv__summary;

fv_status fv__summary_create(const fv_model *model, fv__summary *out, fv_error *error);
void fv__summary_free(fv__summary *summary);

// As Keras prints it: Layer (type) | Output shape | Params | Multiply-adds | Memory, then the totals.
void fv__summary_print(const fv__summary *summary, fv__text *out);

#endif
