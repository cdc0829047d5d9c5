// A model whose first layers are not trained learns from their output, which is kept in the cache.
#ifndef FOVEA_RECIPE_FROZEN_H
#define FOVEA_RECIPE_FROZEN_H

#include "recipe/recipe.h"
#include "train/features.h"

typedef struct fv__frozen {
    int end; // the node whose output is learnt from; 0: the model is run from its input
    fv__features *training, *validation;
} fv__frozen;

// Where the frozen part ends whose output is kept, 0 when none is, and where one might have expected it why not (else
// NULL).
fv_status fv__frozen_end(const fv_recipe *recipe, const fv_model *model, int *end, const char **why_not,
                         fv_error *error);

// Where it pays, exchanges samples (of the data sets beside them; validation may be NULL) for their features. Computing
// these reports to options->on_event.
fv_status fv__frozen_open(fv__frozen *frozen, const fv_recipe *recipe, const fv_train_options *options,
                          const fv_model *model, fv__samples *training, const fv_dataset *training_data,
                          fv__samples *validation, const fv_dataset *validation_data, bool rewrite, fv_error *error);
void fv__frozen_close(fv__frozen *frozen);

#endif
