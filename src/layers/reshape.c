// SPDX-License-Identifier: Apache-2.0
// The same values in another shape, in the same order, as Keras's Reshape: (6, 6, 192) to 36 tokens (36, 192).
#include "layers/layer.h"

typedef struct reshape_options {
    fv__int_list shape;
    const char *name;
} reshape_options;

static const fv__option table[] = {
    {.name = "shape",
     .kind = FV__INT_LIST,
     .offset = offsetof(reshape_options, shape),
     .required = true,
     .primary = true,
     .minimum = -1,
     .maximum = FV__MAX_ELEMENTS,
     .sentence = "Sizes of the output without the batch, up to 4; one may be -1: what is left."},
    FV__LAYER_NAME(reshape_options),
    {0}};

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const reshape_options *options = opaque;
    if (options->shape.count < 1 || options->shape.count > FV__MAX_RANK) {
        return FV__LAYER_FAIL(builder, error, "a shape of %d sizes; give 1 to %d", options->shape.count, FV__MAX_RANK);
    }
    fv__shape shape = {.rank = options->shape.count};
    for (int i = 0; i < shape.rank; i++) {
        shape.size[i] = options->shape.values[i];
    }
    return fv__build_reshape(builder, input, &shape, output, error);
}

const fv__layer_type fv__layer_reshape = {.name = "reshape",
                                          .sentence = "The same values in another shape, as Keras's Reshape.",
                                          .options = table,
                                          .options_size = sizeof(reshape_options),
                                          .build = build};
