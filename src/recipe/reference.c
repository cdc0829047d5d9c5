// SPDX-License-Identifier: Apache-2.0
// The page of `fovea help recipe`, made from the same tables that read recipes.
#include "recipe/recipe.h"

static void add_section(fv__text *text, const char *title, const char *sentence, const fv__option *options) {
    fv__text_addf(text, "\n## %s\n\n%s\n", title, sentence);
    if (options) {
        fv__text_add(text, "\n");
        fv__options_describe(options, text);
    }
}

fv_status fv__recipe_reference(fv__text *text, fv_error *error) {
    fv__text_add(text,
                 "# Recipes\n\nA recipe is one YAML file that describes one experiment. Any key can be set on the "
                 "command line: `--set train.epochs=2`, `--set model.3.dense.units=64` (layers count from "
                 "0).\n\n");
    fv__options_describe(fv__recipe_options, text);
    add_section(text, "data", "Which samples are learned from.", fv__data_options);
    fv__text_add(text, "\n### data.validation\n\nAs a map: `validation: {fraction: 0.2, stratified: true}`.\n\n");
    fv__options_describe(fv__validation_options, text);
    add_section(text, "input", "What the model sees.", fv__input_options);
    add_section(text, "augment",
                "A list of augmentations, each a name with its options, done in this order (mixup and cutmix last, "
                "wherever they stand): `augment: [flip: horizontal, "
                "rotation: 0.1, contrast: 0.1, zoom: 0.2]`. An interval in brackets is what is drawn from, evenly.",
                NULL);
    fv__augmentations_describe(text);
    add_section(text, "weights",
                "Trained weights to begin with, for transfer learning: `weights: mobilenet-v2-1.0-224`, or `weights: "
                "{from: backbone.h5, layer: mobilenet_v2}`. A model file holds all weights, so that it needs none of "
                "this.",
                fv__weights_options);
    add_section(text, "train", "How the model is trained.", fv__train_options);
    fv__variants_describe(fv__optimizer_variants, "optimizer", text);
    fv__variants_describe(fv__schedule_variants, "schedule", text);
    fv__variants_describe(fv__loss_variants, "loss", text);
    add_section(text, "model", "A list of layers, each a name with its options.", NULL);
    for (int i = 0; fv__layer_type_at(i); i++) {
        const fv__layer_type *type = fv__layer_type_at(i);
        fv__text_addf(text, "\n### layer `%s`\n\n%s\n", type->name, type->sentence);
        if (type->options && type->options->name) {
            fv__text_add(text, "\n");
            fv__options_describe(type->options, text);
        }
    }
    return text->failed ? fv__fail_memory(error, "the reference page") : FV_OK;
}
