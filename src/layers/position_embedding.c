// SPDX-License-Identifier: Apache-2.0
// A trained vector added to each token, so that attention can tell where it stands (Gehring et al. 2017; ViT,
// Dosovitskiy et al. 2020). Starts uniform in ±0.05, as Keras's Embedding.
#include "layers/layer.h"

typedef struct position_embedding_options {
    const char *name;
} position_embedding_options;

static const fv__option table[] = {FV__LAYER_NAME(position_embedding_options), {0}};

static fv_status build(fv__builder *builder, const void *options, int input, int *output, fv_error *error) {
    (void)options;
    int inputs[2];
    fv_status status = fv__build_tokens(builder, input, &inputs[0], error);
    if (status) {
        return status;
    }
    fv__shape tokens = *fv__graph_shape(builder->graph, inputs[0]);
    status = fv__build_parameter(builder, "embeddings", &tokens, FV__INITIAL_UNIFORM_005, &inputs[1], error);
    if (!status) {
        status = fv__build_op(builder, &fv__op_position_embedding, NULL, inputs, 2, output, error);
    }
    return status;
}

const fv__layer_type fv__layer_position_embedding = {
    .name = "position_embedding",
    .sentence = "Adds a trained vector to each token (tokens, features), as in ViT.",
    .options = table,
    .options_size = sizeof(position_embedding_options),
    .build = build};
