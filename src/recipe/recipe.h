// SPDX-License-Identifier: Apache-2.0
// A recipe: one YAML file as data, model and training settings, checked as a whole. Each section's options are declared
// beside what they configure.
#ifndef FOVEA_RECIPE_RECIPE_H
#define FOVEA_RECIPE_RECIPE_H

#include "data/augment.h"
#include "model/model.h"
#include "recipe/data_section.h"
#include "recipe/pretrained.h"
#include "train/settings.h"

struct fv_recipe {
    char *name;              // "mnist-mha": the built-in recipe's, or the file's without folder and .yaml
    char *source;            // for messages: the path, or the built-in recipe's name
    fv__document *document;  // owns what the members below point to
    fv__data_settings data;  //
    const fv__value *input;  // as written
    const fv__value *layers; // as written
    fv__weights_settings weights;
    fv__augmentations augmentations;
    fv__train_settings train;
    fv_recipe_info info; // what is given out, from the members above
};

// The sections of a recipe, for the reference page.
extern const fv__option fv__recipe_options[];

// The recipe with every key, as YAML: the same text for the same experiment. The caller frees `text`.
fv_status fv__recipe_resolve(const fv_recipe *recipe, fv__text *text, fv_error *error);

// The reference of all sections, layers, optimizers, schedules and losses, as Markdown.
fv_status fv__recipe_reference(fv__text *text, fv_error *error);

// A model of the recipe with drawn weights, whose normalization, where it goes by the data set, is not settled yet.
fv_status fv__recipe_model(const fv_recipe *recipe, uint64_t seed, fv_model **out, fv_error *error);

#endif
