// SPDX-License-Identifier: Apache-2.0
// Dropout (Srivastava et al. 2014): in training each value is 0 with probability `rate`, the others are divided by
// 1 - rate; in prediction nothing happens.
#include "layers/layer.h"
#include "ops/pointwise.h"

typedef struct dropout_options {
    double rate;
    const char *name;
} dropout_options;

static const fv__option table[] = {{.name = "rate",
                                    .kind = FV__FLOAT,
                                    .offset = offsetof(dropout_options, rate),
                                    .required = true,
                                    .primary = true,
                                    .minimum = 0,
                                    .maximum = 1,
                                    .below_maximum = true,
                                    .sentence = "Share of the values that training sets to zero."},
                                   FV__LAYER_NAME(dropout_options),
                                   {0}};

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const dropout_options *options = opaque;
    fv__dropout_attributes attributes = {.rate = (float)options->rate};
    return fv__build_op(builder, &fv__op_dropout, &attributes, &input, 1, output, error);
}

const fv__layer_type fv__layer_dropout = {.name = "dropout",
                                          .sentence = "Dropout (Srivastava et al. 2014), as Keras's Dropout.",
                                          .options = table,
                                          .options_size = sizeof(dropout_options),
                                          .build = build};
