// SPDX-License-Identifier: Apache-2.0
// A pointwise function, or softmax over the features, as a layer of its own, as Keras's Activation.
#include "layers/layer.h"
#include "ops/pointwise.h"

typedef struct activation_options {
    int function;
    const char *name;
} activation_options;

static const fv__option table[] = {
    {.name = "function",
     .kind = FV__CHOICE,
     .offset = offsetof(activation_options, function),
     .required = true,
     .primary = true,
     .choices = fv__activation_names_and_softmax,
     .sentence =
         "gelu is the exact one (Hendrycks and Gimpel 2016), gelu_tanh their approximation; softmax is over the "
         "features."},
    FV__LAYER_NAME(activation_options),
    {0}};

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const activation_options *options = opaque;
    if (options->function == FV__LAYER_SOFTMAX) {
        return fv__build_softmax(builder, input, FV__AXIS_FEATURES, output, error);
    }
    fv__activation_attributes attributes = {.activation = (fv__activation)options->function};
    return fv__build_op(builder, &fv__op_activation, &attributes, &input, 1, output, error);
}

const fv__layer_type fv__layer_activation = {.name = "activation",
                                             .sentence = "A function of each value, as Keras's Activation.",
                                             .options = table,
                                             .options_size = sizeof(activation_options),
                                             .build = build};
