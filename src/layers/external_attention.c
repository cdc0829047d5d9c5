// SPDX-License-Identifier: Apache-2.0
// External attention (Guo et al. 2021, "Beyond self-attention: external attention using two linear layers"): tokens
// attend to a small memory of trained slots that all samples share, at a cost linear in the tokens:
//   weights = double_norm(x_h · M_k)        over the tokens, then over the slots
//   output  = concat(weights_h · M_v) · W_out
// where x_h are the heads of x · W_in, and the memories M_k and M_v serve every head. Each product is a dense layer, so
// that the algebra pass may join those with nothing between them: W_in with M_k, M_v with W_out.
#include "layers/layer.h"
#include "ops/pointwise.h"

enum { PROJECT_BOTH, PROJECT_INPUT, PROJECT_NONE };

typedef struct external_attention_options {
    int heads, coefficient, slots, units, projections;
    bool bias, memory_bias;
    double attention_dropout, projection_dropout;
    const char *name;
} external_attention_options;

static const char *const projections[] = {"both", "input", "none", NULL};

#define AT(member) .offset = offsetof(external_attention_options, member)
static const fv__option table[] = {
    {.name = "heads",
     .kind = FV__INT,
     AT(heads),
     .required = true,
     .primary = true,
     .minimum = 1,
     .maximum = 1024,
     .sentence = "Attention heads into which the input's features would be split; there are heads * coefficient of "
                 "that width."},
    {.name = "coefficient",
     .kind = FV__INT,
     AT(coefficient),
     .default_text = "4",
     .minimum = 1,
     .maximum = 1024,
     .sentence = "How many times wider than the input the first projection is."},
    {.name = "slots",
     .kind = FV__INT,
     AT(slots),
     .default_text = "0",
     .minimum = 0,
     .maximum = 1 << 16,
     .sentence = "Slots of the memories; 0: the input's features divided by `coefficient`."},
    {.name = "projections",
     .kind = FV__CHOICE,
     AT(projections),
     .choices = projections,
     .default_text = "both",
     .sentence = "both: a dense layer before the memories and one after (multi-head form). input: the first alone. "
                 "none: the memories work on the input itself, which needs coefficient 1. The paper's single head: "
                 "{heads: 1, coefficient: 1, slots: 64, projections: input, memory_bias: false}."},
    {.name = "units",
     .kind = FV__INT,
     AT(units),
     .default_text = "0",
     .minimum = 0,
     .maximum = 1 << 16,
     .sentence = "Width of the output projection; 0: as the input's features."},
    {.name = "bias",
     .kind = FV__BOOL,
     AT(bias),
     .default_text = "true",
     .sentence = "Whether the projections add a trained bias."},
    {.name = "memory_bias",
     .kind = FV__BOOL,
     AT(memory_bias),
     .default_text = "true",
     .sentence = "Whether the products with the memories add a trained bias."},
    {.name = "attention_dropout",
     .kind = FV__FLOAT,
     AT(attention_dropout),
     .default_text = "0",
     .minimum = 0,
     .maximum = 1,
     .below_maximum = true,
     .sentence = "Dropout on the attention weights."},
    {.name = "projection_dropout",
     .kind = FV__FLOAT,
     AT(projection_dropout),
     .default_text = "0",
     .minimum = 0,
     .maximum = 1,
     .below_maximum = true,
     .sentence = "Dropout on the output."},
    FV__LAYER_NAME(external_attention_options),
    {0}};
#undef AT

// What the options come to for an input of so many features.
typedef struct widths {
    int tokens, heads, head_dim, slots;
} widths;

static fv_status find_widths(fv__builder *builder, const external_attention_options *options, const fv__shape *x,
                             widths *w, fv_error *error) {
    int features = x->size[1];
    if (features % options->heads) {
        return FV__LAYER_FAIL(builder, error, "%d features cannot be divided by %d heads; heads that fit: %s", features,
                              options->heads, fv__divisors_print(features, features).text);
    }
    if (!options->slots && features % options->coefficient) {
        return FV__LAYER_FAIL(builder, error,
                              "%d features cannot be divided by coefficient %d to give the slots; choose one of %s, or "
                              "give slots",
                              features, options->coefficient, fv__divisors_print(features, features).text);
    }
    if (options->projections == PROJECT_NONE && options->coefficient != 1) {
        return FV__LAYER_FAIL(builder, error,
                              "coefficient %d widens the input projection, but projections is none; use coefficient: 1",
                              options->coefficient);
    }
    if (options->projections != PROJECT_BOTH && options->units) {
        return FV__LAYER_FAIL(builder, error, "units %d is the width of the output projection, but projections is %s",
                              options->units, projections[options->projections]);
    }
    if ((double)features * options->coefficient > FV__MAX_ELEMENTS) {
        return FV__LAYER_FAIL(builder, error, "%d features times coefficient %d are too many", features,
                              options->coefficient);
    }
    *w = (widths){.tokens = x->size[0],
                  .heads = options->heads * options->coefficient,
                  .head_dim = features / options->heads,
                  .slots = options->slots ? options->slots : features / options->coefficient};
    return FV_OK;
}

static fv_status build_dropout(fv__builder *builder, double rate, int input, int *output, fv_error *error) {
    fv__dropout_attributes attributes = {.rate = (float)rate};
    *output = input;
    return rate > 0 ? fv__build_op(builder, &fv__op_dropout, &attributes, &input, 1, output, error) : FV_OK;
}

// (tokens, heads * head_dim) to the same shape, through the memories.
static fv_status build_memories(fv__builder *builder, const external_attention_options *options, const widths *w,
                                int input, int *output, fv_error *error) {
    fv__shape apart = {.rank = 3, .size = {w->tokens, w->heads, w->head_dim}};
    fv__shape together = {.rank = 2, .size = {w->tokens, w->heads * w->head_dim}};
    int node;
    fv_status status = fv__build_reshape(builder, input, &apart, &node, error);
    if (!status) {
        status =
            fv__build_dense(builder, "mk", node, w->slots, options->memory_bias, FV__ACTIVATION_linear, &node, error);
    }
    if (!status) {
        status = fv__build_op(builder, &fv__op_double_norm, NULL, &node, 1, &node, error);
    }
    if (!status) {
        status = build_dropout(builder, options->attention_dropout, node, &node, error);
    }
    if (!status) {
        status = fv__build_dense(builder, "mv", node, w->head_dim, options->memory_bias, FV__ACTIVATION_linear, &node,
                                 error);
    }
    return status ? status : fv__build_reshape(builder, node, &together, output, error);
}

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const external_attention_options *options = opaque;
    widths w = {0};
    int node = input;
    fv_status status = fv__build_tokens(builder, input, &node, error);
    if (status) {
        return status;
    }
    int features = fv__graph_shape(builder->graph, node)->size[1];
    status = find_widths(builder, options, fv__graph_shape(builder->graph, node), &w, error);
    if (!status && options->projections != PROJECT_NONE) {
        status = fv__build_dense(builder, "in", node, w.heads * w.head_dim, options->bias, FV__ACTIVATION_linear, &node,
                                 error);
    }
    if (!status) {
        status = build_memories(builder, options, &w, node, &node, error);
    }
    if (!status && options->projections == PROJECT_BOTH) {
        status = fv__build_dense(builder, "out", node, options->units ? options->units : features, options->bias,
                                 FV__ACTIVATION_linear, &node, error);
    }
    return status ? status : build_dropout(builder, options->projection_dropout, node, output, error);
}

const fv__layer_type fv__layer_external_attention = {
    .name = "external_attention",
    .sentence =
        "External attention (Guo et al. 2021): the tokens (tokens, features) attend to a memory of trained slots "
        "shared by all samples and heads; an image's positions are its tokens.",
    .options = table,
    .options_size = sizeof(external_attention_options),
    .build = build};
