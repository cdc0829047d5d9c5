// SPDX-License-Identifier: Apache-2.0
// Softmax as a layer: e^x / sum of e^x, over the features of each token or, for each feature, over the tokens.
#include "layers/layer.h"

typedef struct softmax_options {
    int axis;
    const char *name;
} softmax_options;

static const char *const axes[] = {"features", "tokens", NULL}; // as fv__axis

static const fv__option table[] = {
    {.name = "axis",
     .kind = FV__CHOICE,
     .offset = offsetof(softmax_options, axis),
     .primary = true,
     .choices = axes,
     .default_text = "features",
     .sentence =
         "What sums to one: the features of each token (Keras's axis -1), or each feature over the tokens (axis "
         "1, as in external attention, Guo et al. 2021)."},
    FV__LAYER_NAME(softmax_options),
    {0}};

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const softmax_options *options = opaque;
    return fv__build_softmax(builder, input, (fv__axis)options->axis, output, error);
}

const fv__layer_type fv__layer_softmax = {.name = "softmax",
                                          .sentence = "Softmax over features or tokens, as Keras's Softmax.",
                                          .options = table,
                                          .options_size = sizeof(softmax_options),
                                          .build = build};
