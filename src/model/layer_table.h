// SPDX-License-Identifier: Apache-2.0
// What a model is made of, layer by layer.
#ifndef FOVEA_MODEL_LAYER_TABLE_H
#define FOVEA_MODEL_LAYER_TABLE_H

#include "model/model.h"

// (model->layer_count) layers, to be freed with fv__free; names belong to the model.
fv_status fv__layer_table_create(const fv_model *model, fv_layer_info **out, fv_error *error);

#endif
