// SPDX-License-Identifier: Apache-2.0
// The model file: a safetensors file whose tensors are the weights by name and whose metadata says the rest.
//   format          "fovea"
//   format_version  "1"
//   model           the description as YAML: {input: …, model: […]}
//   classes         a YAML list of names
//   preprocessing   YAML: {scale: […], shift: […]}, input = byte * scale + shift for each channel
//   loss            YAML: {label_smoothing: …}, of the cross-entropy it was trained with; may be missing: 0
#ifndef FOVEA_MODEL_FILE_H
#define FOVEA_MODEL_FILE_H

#include "formats/options.h"

#define FV__MODEL_FORMAT_VERSION "1"

typedef struct fv__preprocessing {
    fv__float_list scale, shift;
} fv__preprocessing;

extern const fv__option fv__preprocessing_table[];

typedef struct fv__loss {
    double label_smoothing;
} fv__loss;

extern const fv__option fv__loss_table[];

#endif
