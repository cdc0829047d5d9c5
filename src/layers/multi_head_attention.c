// SPDX-License-Identifier: Apache-2.0
// Multi-head self-attention (Vaswani et al. 2017, "Attention is all you need"):
//   head_i = softmax(q_i · k_iᵀ / √head_dim) · v_i,  output = concat(head_1 … head_h) · W_o + b_o
// where q, k, v are dense projections of the tokens to heads * head_dim.
#include <math.h>

#include "layers/layer.h"
#include "ops/attention.h"

enum { OVER_POSITIONS, OVER_HEADS };
enum { MASK_NONE, MASK_CAUSAL };
enum { RESIDUAL_NONE, RESIDUAL_BEFORE_OUTPUT };

typedef struct multi_head_attention_options {
    int heads, head_dim, over, mask, activation, residual, units, output_activation;
    bool bias;
    double dropout;
    const char *name;
} multi_head_attention_options;

static const char *const overs[] = {"positions", "heads", NULL};
static const char *const masks[] = {"none", "causal", NULL};
static const char *const residuals[] = {"none", "before_output", NULL};

#define AT(member) .offset = offsetof(multi_head_attention_options, member)
static const fv__option table[] = {
    {.name = "heads",
     .kind = FV__INT,
     AT(heads),
     .required = true,
     .primary = true,
     .minimum = 1,
     .maximum = 1024,
     .sentence = "Attention heads."},
    {.name = "head_dim",
     .kind = FV__INT,
     AT(head_dim),
     .default_text = "0",
     .minimum = 0,
     .maximum = 1 << 16,
     .sentence = "Features of a head (Keras's `key_dim`); 0: the input's features divided by `heads`."},
    {.name = "over",
     .kind = FV__CHOICE,
     AT(over),
     .choices = overs,
     .default_text = "positions",
     .sentence =
         "positions: in each head every token attends to every token (Vaswani et al. 2017). heads: at each token "
         "the heads attend to each other."},
    {.name = "mask",
     .kind = FV__CHOICE,
     AT(mask),
     .choices = masks,
     .default_text = "none",
     .sentence = "causal: a token attends to itself and those before it, in the order of rows from top to bottom."},
    {.name = "activation",
     .kind = FV__CHOICE,
     AT(activation),
     .choices = fv__activation_names,
     .default_text = "linear",
     .sentence = "Function applied to query, key and value."},
    {.name = "bias",
     .kind = FV__BOOL,
     AT(bias),
     .default_text = "true",
     .sentence = "Whether the four projections add a trained bias."},
    {.name = "residual",
     .kind = FV__CHOICE,
     AT(residual),
     .choices = residuals,
     .default_text = "none",
     .sentence = "before_output: the input is added to the concatenated heads, before the output projection."},
    {.name = "units",
     .kind = FV__INT,
     AT(units),
     .default_text = "0",
     .minimum = 0,
     .maximum = 1 << 16,
     .sentence = "Width of the output projection; 0: as the input's features."},
    {.name = "output_activation",
     .kind = FV__CHOICE,
     AT(output_activation),
     .choices = fv__activation_names,
     .default_text = "linear",
     .sentence = "Function applied to the output projection."},
    {.name = "dropout",
     .kind = FV__FLOAT,
     AT(dropout),
     .default_text = "0",
     .minimum = 0,
     .maximum = 1,
     .below_maximum = true,
     .sentence = "Dropout on the attention weights."},
    FV__LAYER_NAME(multi_head_attention_options),
    {0}};
#undef AT

static fv_status check_widths(fv__builder *builder, const multi_head_attention_options *options, int features,
                              int head_dim, fv_error *error) {
    if (!options->head_dim && features % options->heads) {
        return FV__LAYER_FAIL(builder, error,
                              "%d features cannot be divided by %d heads; choose a divisor of %d, or give head_dim",
                              features, options->heads, features);
    }
    if ((double)options->heads * head_dim > FV__MAX_ELEMENTS) {
        return FV__LAYER_FAIL(builder, error, "%d heads of %d features are too many", options->heads, head_dim);
    }
    if (options->over == OVER_HEADS && options->mask == MASK_CAUSAL) {
        return fv__fail(error, FV_INVALID, "layer %s: mask causal is for attention over positions, not over heads",
                        builder->layer);
    }
    if (options->residual == RESIDUAL_BEFORE_OUTPUT && options->heads * head_dim != features) {
        return FV__LAYER_FAIL(
            builder, error,
            "residual before_output adds the input (%d features) to %d heads of %d (%d features); the "
            "widths must agree",
            features, options->heads, head_dim, options->heads * head_dim);
    }
    return FV_OK;
}

// Query, key and value (tokens, heads * head_dim) to the concatenated heads of the same shape.
static fv_status build_heads(fv__builder *builder, const multi_head_attention_options *options, int head_dim,
                             int projected[3], int *output, fv_error *error) {
    fv__attention_attributes attributes = {.heads = options->heads,
                                           .groups = 1,
                                           .score = FV__SCORE_DOT,
                                           .scale = 1 / sqrtf((float)head_dim),
                                           .mask = options->mask == MASK_CAUSAL ? FV__MASK_CAUSAL : FV__MASK_NONE,
                                           .dropout = (float)options->dropout};
    fv__shape together = *fv__graph_shape(builder->graph, projected[0]);
    fv_status status = FV_OK;
    if (options->over == OVER_HEADS) { // each token is a group of its own, whose tokens are the heads
        if ((double)together.size[0] * options->heads > FV__MAX_TOKENS) {
            return FV__LAYER_FAIL(builder, error, "over heads: %d tokens of %d heads are more than %d",
                                  together.size[0], options->heads, FV__MAX_TOKENS);
        }
        fv__shape apart = {.rank = 2, .size = {together.size[0] * options->heads, head_dim}};
        attributes.heads = 1;
        attributes.groups = together.size[0];
        for (int i = 0; i < 3 && !status; i++) {
            status = fv__build_reshape(builder, projected[i], &apart, &projected[i], error);
        }
    }
    if (!status) {
        status = fv__build_op(builder, &fv__op_attention, &attributes, projected, 3, output, error);
    }
    if (!status && options->over == OVER_HEADS) {
        status = fv__build_reshape(builder, *output, &together, output, error);
    }
    return status;
}

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const multi_head_attention_options *options = opaque;
    static const char *const names[] = {"query", "key", "value"};
    int tokens, projected[3], heads;
    fv_status status = fv__build_tokens(builder, input, &tokens, error);
    if (status) {
        return status;
    }
    int features = fv__graph_shape(builder->graph, tokens)->size[1];
    int head_dim = options->head_dim ? options->head_dim : features / options->heads;
    status = check_widths(builder, options, features, head_dim, error);
    for (int i = 0; i < 3 && !status; i++) {
        status = fv__build_dense(builder, names[i], tokens, options->heads * head_dim, options->bias,
                                 (fv__activation)options->activation, &projected[i], error);
    }
    if (!status) {
        status = build_heads(builder, options, head_dim, projected, &heads, error);
    }
    if (!status && options->residual == RESIDUAL_BEFORE_OUTPUT) {
        status = fv__build_op(builder, &fv__op_add, NULL, (const int[]){heads, tokens}, 2, &heads, error);
    }
    if (!status) {
        status = fv__build_dense(builder, "output", heads, options->units ? options->units : features, options->bias,
                                 (fv__activation)options->output_activation, output, error);
    }
    return status;
}

const fv__layer_type fv__layer_multi_head_attention = {
    .name = "multi_head_attention",
    .sentence =
        "Multi-head self-attention (Vaswani et al. 2017) over (tokens, features), as Keras's MultiHeadAttention "
        "on one input; an image's positions are its tokens.",
    .options = table,
    .options_size = sizeof(multi_head_attention_options),
    .build = build};
