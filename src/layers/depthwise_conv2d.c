// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution (Howard et al. 2017, "MobileNets") with Keras's conventions: one window a channel, kernel (kh,
// kw, channels, 1).
#include "layers/layer.h"

typedef struct depthwise_conv2d_options {
    int kernel[2], stride[2], padding, activation;
    bool bias;
    const char *name;
} depthwise_conv2d_options;

static const fv__option table[] = {
    {.name = "kernel",
     .kind = FV__INT_PAIR,
     .offset = offsetof(depthwise_conv2d_options, kernel),
     .required = true,
     .primary = true,
     .minimum = 1,
     .maximum = 255,
     .sentence = "Height and width of the window; Keras's `kernel_size`."},
    {.name = "stride",
     .kind = FV__INT_PAIR,
     .offset = offsetof(depthwise_conv2d_options, stride),
     .default_text = "1",
     .minimum = 1,
     .maximum = 255,
     .sentence = "Rows and columns from one window to the next."},
    {.name = "padding",
     .kind = FV__CHOICE,
     .offset = offsetof(depthwise_conv2d_options, padding),
     .choices = fv__padding_names,
     .default_text = "valid",
     .sentence = "As of conv2d. With an odd window and stride 2, same is also what the padding layers in Keras's own "
                 "MobileNets amount to."},
    {.name = "activation",
     .kind = FV__CHOICE,
     .offset = offsetof(depthwise_conv2d_options, activation),
     .choices = fv__activation_names,
     .default_text = "linear",
     .sentence = "Function applied to the output."},
    {.name = "bias",
     .kind = FV__BOOL,
     .offset = offsetof(depthwise_conv2d_options, bias),
     .default_text = "true",
     .sentence = "Whether a trained bias is added to each channel."},
    FV__LAYER_NAME(depthwise_conv2d_options),
    {0}};

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const depthwise_conv2d_options *options = opaque;
    const fv__conv2d_attributes attributes = {.stride = {options->stride[0], options->stride[1]},
                                              .padding = (fv__padding)options->padding,
                                              .activation = (fv__activation)options->activation};
    return fv__build_convolution(builder, NULL, input, 0, options->kernel, options->bias, &attributes, output, error);
}

const fv__layer_type fv__layer_depthwise_conv2d = {
    .name = "depthwise_conv2d",
    .sentence = "Convolution of each channel by itself (Howard et al. 2017), as Keras's DepthwiseConv2D.",
    .options = table,
    .options_size = sizeof(depthwise_conv2d_options),
    .build = build};
