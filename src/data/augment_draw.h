// SPDX-License-Identifier: Apache-2.0
// Drawing from the intervals of options.
#ifndef FOVEA_DATA_AUGMENT_DRAW_H
#define FOVEA_DATA_AUGMENT_DRAW_H

#include "data/augment.h"

// Evenly from [lower, upper], or from [-f, f] where there is one number.
static inline double fv__draw_between(const fv__float_list *list, fv__random *random) {
    double upper = list->values[list->count - 1], lower = list->count == 2 ? list->values[0] : -upper;
    return lower + (upper - lower) * fv__random_uniform(random);
}

#endif
