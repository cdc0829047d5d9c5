// SPDX-License-Identifier: Apache-2.0
// NormL: (x - mean) / (deviation + epsilon) · a + b over the last axis. Unlike layer_norm's, epsilon joins the standard
// deviation (of the population), not the variance.
#include "layers/normalization.h"

typedef struct norm_l_options {
    double epsilon;
    const char *name;
} norm_l_options;

static const fv__option table[] = {{.name = "epsilon",
                                    .kind = FV__FLOAT,
                                    .offset = offsetof(norm_l_options, epsilon),
                                    .default_text = "1e-6",
                                    .minimum = 1e-12,
                                    .maximum = 1,
                                    .sentence = "Added to the standard deviation."},
                                   FV__LAYER_NAME(norm_l_options),
                                   {0}};

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const norm_l_options *options = opaque;
    return fv__build_normalization(builder, &fv__op_norm_l, "a", "b", options->epsilon, input, output, error);
}

const fv__layer_type fv__layer_norm_l = {
    .name = "norm_l",
    .sentence = "Normalization over the last axis with epsilon beside the standard deviation.",
    .options = table,
    .options_size = sizeof(norm_l_options),
    .build = build};
