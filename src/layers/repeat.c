// SPDX-License-Identifier: Apache-2.0
// The same list of layers several times, one after the other, each time with weights of its own.
#include "layers/layer.h"

typedef struct repeat_options {
    int times;
    const fv__value *layers;
    const char *name;
} repeat_options;

static const fv__option table[] = {{.name = "times",
                                    .kind = FV__INT,
                                    .offset = offsetof(repeat_options, times),
                                    .required = true,
                                    .minimum = 1,
                                    .maximum = 1000,
                                    .sentence = "How often."},
                                   {.name = "layers",
                                    .kind = FV__LIST,
                                    .offset = offsetof(repeat_options, layers),
                                    .required = true,
                                    .sentence = "The layers inside; names that are given are numbered."},
                                   FV__LAYER_NAME(repeat_options),
                                   {0}};

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const repeat_options *options = opaque;
    fv_status status = FV_OK;
    builder->repeats++;
    for (int i = 0; i < options->times && !status; i++) {
        status = fv__layers_build(builder, options->layers, input, &input, error);
    }
    builder->repeats--;
    *output = input;
    return status;
}

const fv__layer_type fv__layer_repeat = {.name = "repeat",
                                         .sentence =
                                             "A list of layers several times, each time with weights of its own.",
                                         .options = table,
                                         .options_size = sizeof(repeat_options),
                                         .build = build};
