// SPDX-License-Identifier: Apache-2.0
// `units: classes` in a recipe's model: as many as the data have.
#ifndef FOVEA_RECIPE_CLASSES_H
#define FOVEA_RECIPE_CLASSES_H

#include "formats/yaml.h"

bool fv__classes_named(const fv__value *layers);

// Writes the number in place of the word, in the layers (a copy of one's own) and those inside them.
fv_status fv__classes_fill(fv__value *layers, int classes, fv_error *error);

#endif
