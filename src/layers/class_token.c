// SPDX-License-Identifier: Apache-2.0
// The class token of ViT (Dosovitskiy et al. 2020): a trained token before all others, zero at first as in the paper's
// code. After the transformer blocks `take_token: 0` gives what it has gathered.
#include "layers/layer.h"

typedef struct class_token_options {
    const char *name;
} class_token_options;

static const fv__option table[] = {FV__LAYER_NAME(class_token_options), {0}};

static fv_status build(fv__builder *builder, const void *options, int input, int *output, fv_error *error) {
    (void)options;
    int inputs[2];
    fv_status status = fv__build_tokens(builder, input, &inputs[0], error);
    if (status) {
        return status;
    }
    fv__shape token = {.rank = 1, .size = {fv__graph_shape(builder->graph, inputs[0])->size[1]}};
    status = fv__build_parameter(builder, "token", &token, FV__INITIAL_ZEROS, &inputs[1], error);
    if (!status) {
        status = fv__build_op(builder, &fv__op_class_token, NULL, inputs, 2, output, error);
    }
    return status;
}

const fv__layer_type fv__layer_class_token = {
    .name = "class_token",
    .sentence = "Puts a trained token before the tokens (tokens, features), as in ViT; `take_token: 0` takes it out at "
                "the end.",
    .options = table,
    .options_size = sizeof(class_token_options),
    .build = build};
