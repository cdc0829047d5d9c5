// SPDX-License-Identifier: Apache-2.0
// Fully connected layer over the last axis: y = activation(x · kernel + bias), kernel (in, units), as Keras's Dense.
#include "layers/layer.h"

typedef struct dense_options {
    int units, activation;
    bool bias;
    const char *name;
} dense_options;

static const fv__option table[] = {
    {.name = "units",
     .kind = FV__INT,
     .offset = offsetof(dense_options, units),
     .required = true,
     .primary = true,
     .minimum = 1,
     .maximum = 1 << 20,
     .sentence = "Width of the output."},
    {.name = "activation",
     .kind = FV__CHOICE,
     .offset = offsetof(dense_options, activation),
     .choices = fv__activation_names_and_softmax,
     .default_text = "linear",
     .sentence = "Function applied to the output. Training and prediction add the last softmax themselves, so the last "
                 "layer needs none; one that is there is not applied twice."},
    {.name = "bias",
     .kind = FV__BOOL,
     .offset = offsetof(dense_options, bias),
     .default_text = "true",
     .sentence = "Whether a trained bias is added."},
    FV__LAYER_NAME(dense_options),
    {0}};

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const dense_options *options = opaque;
    bool softmax = options->activation == FV__LAYER_SOFTMAX;
    fv__activation activation = softmax ? FV__ACTIVATION_linear : (fv__activation)options->activation;
    fv_status status = fv__build_dense(builder, NULL, input, options->units, options->bias, activation, output, error);
    if (!status && softmax) {
        status = fv__build_softmax(builder, *output, FV__AXIS_FEATURES, output, error);
    }
    return status;
}

const fv__layer_type fv__layer_dense = {.name = "dense",
                                        .sentence = "Fully connected layer over the last axis, as Keras's Dense.",
                                        .options = table,
                                        .options_size = sizeof(dense_options),
                                        .build = build};
