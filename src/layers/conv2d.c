// SPDX-License-Identifier: Apache-2.0
// Convolution (a cross-correlation, as everywhere in deep learning) with Keras's conventions:
//   y[i][j] = activation(sum over the window at (i·stride, j·stride) of x · kernel + bias), kernel (kh, kw, in, out)
#include "layers/layer.h"

typedef struct conv2d_options {
    int filters, kernel[2], stride[2], padding, activation;
    bool bias;
    const char *name;
} conv2d_options;

static const fv__option table[] = {
    {.name = "filters",
     .kind = FV__INT,
     .offset = offsetof(conv2d_options, filters),
     .required = true,
     .primary = true,
     .minimum = 1,
     .maximum = 1 << 16,
     .sentence = "Channels of the output."},
    {.name = "kernel",
     .kind = FV__INT_PAIR,
     .offset = offsetof(conv2d_options, kernel),
     .required = true,
     .minimum = 1,
     .maximum = 255,
     .sentence = "Height and width of the window; Keras's `kernel_size`."},
    {.name = "stride",
     .kind = FV__INT_PAIR,
     .offset = offsetof(conv2d_options, stride),
     .default_text = "1",
     .minimum = 1,
     .maximum = 255,
     .sentence = "Rows and columns from one window to the next."},
    {.name = "padding",
     .kind = FV__CHOICE,
     .offset = offsetof(conv2d_options, padding),
     .choices = fv__padding_names,
     .default_text = "valid",
     .sentence =
         "valid: only windows that lie inside the image. same: zeros around it, so that stride 1 keeps its size "
         "(the odd one goes below and to the right, as in TensorFlow)."},
    {.name = "activation",
     .kind = FV__CHOICE,
     .offset = offsetof(conv2d_options, activation),
     .choices = fv__activation_names,
     .default_text = "linear",
     .sentence = "Function applied to the output."},
    {.name = "bias",
     .kind = FV__BOOL,
     .offset = offsetof(conv2d_options, bias),
     .default_text = "true",
     .sentence = "Whether a trained bias is added to each channel."},
    FV__LAYER_NAME(conv2d_options),
    {0}};

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const conv2d_options *options = opaque;
    const fv__conv2d_attributes attributes = {.stride = {options->stride[0], options->stride[1]},
                                              .padding = (fv__padding)options->padding,
                                              .activation = (fv__activation)options->activation};
    return fv__build_convolution(builder, NULL, input, options->filters, options->kernel, options->bias, &attributes,
                                 output, error);
}

const fv__layer_type fv__layer_conv2d = {.name = "conv2d",
                                         .sentence = "Convolution over (height, width, channels), as Keras's Conv2D.",
                                         .options = table,
                                         .options_size = sizeof(conv2d_options),
                                         .build = build};
