// SPDX-License-Identifier: Apache-2.0
// Batch normalization (Ioffe and Szegedy 2015) as it is in a trained network: by its moving statistics,
//   (x - moving_mean) / √(moving_variance + epsilon) · gamma + beta
#include <stdio.h>

#include "layers/layer.h"
#include "ops/normalized.h"

typedef struct batch_norm_options {
    double epsilon;
    const char *name;
} batch_norm_options;

static const fv__option table[] = {{.name = "epsilon",
                                    .kind = FV__FLOAT,
                                    .offset = offsetof(batch_norm_options, epsilon),
                                    .default_text = "1e-3",
                                    .minimum = 1e-12,
                                    .maximum = 1,
                                    .sentence = "Added to the variance. Keras's default; PyTorch's is 1e-5."},
                                   FV__LAYER_NAME(batch_norm_options),
                                   {0}};

fv_status fv__build_batch_norm(fv__builder *builder, const char *part, double epsilon, int input, int *output,
                               fv_error *error) {
    static const struct {
        const char *name;
        fv__initializer initializer;
        bool trainable;
    } weights[] = {{"gamma", FV__INITIAL_ONES, true},
                   {"beta", FV__INITIAL_ZEROS, true},
                   {"moving_mean", FV__INITIAL_ZEROS, false},
                   {"moving_variance", FV__INITIAL_ONES, false}};
    const fv__shape *x = fv__graph_shape(builder->graph, input);
    const fv__shape features = {.rank = 1, .size = {x->rank ? x->size[x->rank - 1] : 1}};
    int inputs[5] = {input};
    for (int i = 0; i < 4; i++) {
        char name[FV__MAX_LAYER_NAME + 32];
        snprintf(name, sizeof name, part ? "%s/%s" : "%s%s", part ? part : "", weights[i].name);
        fv_status status = fv__build_parameter(builder, name, &features, weights[i].initializer, &inputs[i + 1], error);
        if (status) {
            return status;
        }
        builder->graph->parameters[builder->graph->parameter_count - 1].trainable = weights[i].trainable;
    }
    const fv__norm_attributes attributes = {.epsilon = (float)epsilon};
    return fv__build_op(builder, &fv__op_batch_norm, &attributes, inputs, 5, output, error);
}

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const batch_norm_options *options = opaque;
    return fv__build_batch_norm(builder, NULL, options->epsilon, input, output, error);
}

const fv__layer_type fv__layer_batch_norm = {
    .name = "batch_norm",
    .sentence = "Batch normalization by stored statistics (Ioffe and Szegedy 2015), as Keras's BatchNormalization in "
                "inference: training changes gamma and beta, never the statistics.",
    .options = table,
    .options_size = sizeof(batch_norm_options),
    .build = build};
