// SPDX-License-Identifier: Apache-2.0
// Layer normalization (Ba et al. 2016) over the last axis: (x - mean) / √(variance + epsilon) · gamma + beta.
#include "layers/normalization.h"

typedef struct layer_norm_options {
    double epsilon;
    const char *name;
} layer_norm_options;

static const fv__option table[] = {
    {.name = "epsilon",
     .kind = FV__FLOAT,
     .offset = offsetof(layer_norm_options, epsilon),
     .default_text = "1e-3",
     .minimum = 1e-12,
     .maximum = 1,
     .sentence = "Added to the variance. Keras's default; PyTorch's and many papers' is 1e-5."},
    FV__LAYER_NAME(layer_norm_options),
    {0}};

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const layer_norm_options *options = opaque;
    return fv__build_normalization(builder, &fv__op_layer_norm, "gamma", "beta", options->epsilon, input, output,
                                   error);
}

const fv__layer_type fv__layer_layer_norm = {.name = "layer_norm",
                                             .sentence =
                                                 "Layer normalization (Ba et al. 2016), as Keras's LayerNormalization.",
                                             .options = table,
                                             .options_size = sizeof(layer_norm_options),
                                             .build = build};
