// SPDX-License-Identifier: Apache-2.0
// Training a recipe: data, model, frozen layers and the loop of epochs.
#ifndef FOVEA_RECIPE_TRAIN_H
#define FOVEA_RECIPE_TRAIN_H

#include "fovea.h"

// fv_recipe_train without what a run shows of itself; `options` are complete.
fv_status fv__recipe_train(const fv_recipe *recipe, const fv_train_options *options, fv_model **model, fv_error *error);

#endif
