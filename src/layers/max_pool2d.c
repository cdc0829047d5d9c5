// SPDX-License-Identifier: Apache-2.0
// The largest value of each window, channel by channel, as Keras's MaxPooling2D.
#include "layers/layer.h"
#include "ops/pooling.h"

typedef struct max_pool2d_options {
    int size[2], stride[2], padding;
    const char *name;
} max_pool2d_options;

static const fv__option table[] = {
    {.name = "size",
     .kind = FV__INT_PAIR,
     .offset = offsetof(max_pool2d_options, size),
     .primary = true,
     .default_text = "2",
     .minimum = 1,
     .maximum = 255,
     .sentence = "Height and width of the window; Keras's `pool_size`."},
    {.name = "stride",
     .kind = FV__INT_PAIR,
     .offset = offsetof(max_pool2d_options, stride),
     .default_text = "0",
     .minimum = 0,
     .maximum = 255,
     .sentence = "Rows and columns from one window to the next; 0: as `size`, so that windows do not overlap."},
    {.name = "padding",
     .kind = FV__CHOICE,
     .offset = offsetof(max_pool2d_options, padding),
     .choices = fv__padding_names,
     .default_text = "valid",
     .sentence = "valid: only windows that lie inside the image. same: windows may reach over the border."},
    FV__LAYER_NAME(max_pool2d_options),
    {0}};

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const max_pool2d_options *options = opaque;
    fv__max_pool2d_attributes attributes = {.padding = (fv__padding)options->padding,
                                            .activation = FV__ACTIVATION_linear};
    for (int i = 0; i < 2; i++) {
        attributes.size[i] = options->size[i];
        attributes.stride[i] = options->stride[i] ? options->stride[i] : options->size[i];
    }
    return fv__build_op(builder, &fv__op_max_pool2d, &attributes, &input, 1, output, error);
}

const fv__layer_type fv__layer_max_pool2d = {.name = "max_pool2d",
                                             .sentence = "The largest value of each window, as Keras's MaxPooling2D.",
                                             .options = table,
                                             .options_size = sizeof(max_pool2d_options),
                                             .build = build};
