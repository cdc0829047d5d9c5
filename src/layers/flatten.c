// SPDX-License-Identifier: Apache-2.0
// All values of a sample in one row, as Keras's Flatten: (height, width, channels) to (height * width * channels).
#include "layers/layer.h"

typedef struct flatten_options {
    const char *name;
} flatten_options;

static const fv__option table[] = {FV__LAYER_NAME(flatten_options), {0}};

static fv_status build(fv__builder *builder, const void *options, int input, int *output, fv_error *error) {
    (void)options;
    return fv__build_reshape(builder, input, &(fv__shape){.rank = 1, .size = {-1}}, output, error);
}

const fv__layer_type fv__layer_flatten = {.name = "flatten",
                                          .sentence = "All values of a sample in one row, as Keras's Flatten.",
                                          .options = table,
                                          .options_size = sizeof(flatten_options),
                                          .build = build};
