// SPDX-License-Identifier: Apache-2.0
// One token in place of all: with a class token, what stands for the whole image (ViT, Dosovitskiy et al. 2020).
#include "layers/layer.h"
#include "ops/tokens.h"

typedef struct take_token_options {
    int index;
    const char *name;
} take_token_options;

static const fv__option table[] = {{.name = "index",
                                    .kind = FV__INT,
                                    .offset = offsetof(take_token_options, index),
                                    .primary = true,
                                    .default_text = "0",
                                    .minimum = 0,
                                    .maximum = FV__MAX_TOKENS,
                                    .sentence = "Which token, from 0; the class token is 0."},
                                   FV__LAYER_NAME(take_token_options),
                                   {0}};

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const take_token_options *options = opaque;
    fv__take_token_attributes attributes = {.index = options->index};
    fv_status status = fv__build_tokens(builder, input, &input, error);
    return status ? status : fv__build_op(builder, &fv__op_take_token, &attributes, &input, 1, output, error);
}

const fv__layer_type fv__layer_take_token = {.name = "take_token",
                                             .sentence = "One of the tokens: (tokens, features) to (features).",
                                             .options = table,
                                             .options_size = sizeof(take_token_options),
                                             .build = build};
