// SPDX-License-Identifier: Apache-2.0
// Self-attention of one head over the tokens: softmax(score(query, key)) · value, the value being the tokens
// themselves.
//   dot       score = query · key                    Luong et al. 2015, as Keras's Attention
//   additive  score = sum of scale · tanh(q + k)     Bahdanau et al. 2014, as Keras's AdditiveAttention
// Without `units` query and key are the tokens too; with it, they are bias-free projections of the tokens.
#include <math.h>

#include "layers/layer.h"
#include "ops/attention.h"

enum { SCALE_KERAS, SCALE_NONE, SCALE_INVERSE_SQRT, SCALE_TRAINED };

typedef struct attention_options {
    int units, score, scale;
    double dropout;
    const char *name;
} attention_options;

static const char *const scores[] = {"dot", "additive", NULL}; // as fv__score
static const char *const scales[] = {"keras", "none", "inverse_sqrt", "trained", NULL};

static const fv__option table[] = {
    {.name = "units",
     .kind = FV__INT,
     .offset = offsetof(attention_options, units),
     .default_text = "0",
     .minimum = 0,
     .maximum = 1 << 16,
     .sentence = "Width of query and key, projected from the tokens without bias; 0: the tokens themselves."},
    {.name = "score",
     .kind = FV__CHOICE,
     .offset = offsetof(attention_options, score),
     .choices = scores,
     .default_text = "dot",
     .sentence = "dot (Luong et al. 2015), or additive: sum of scale · tanh(q + k) (Bahdanau et al. 2014)."},
    {.name = "scale",
     .kind = FV__CHOICE,
     .offset = offsetof(attention_options, scale),
     .choices = scales,
     .default_text = "keras",
     .sentence =
         "Factor on the scores. none: 1; inverse_sqrt: 1/√width of the keys (Vaswani et al. 2017), for dot; "
         "trained: for dot a number that starts at 1 (Keras's use_scale), for additive a vector over the width; "
         "keras: none for dot, trained for additive, Keras's defaults."},
    {.name = "dropout",
     .kind = FV__FLOAT,
     .offset = offsetof(attention_options, dropout),
     .default_text = "0",
     .minimum = 0,
     .maximum = 1,
     .below_maximum = true,
     .sentence = "Dropout on the attention weights."},
    FV__LAYER_NAME(attention_options),
    {0}};

static fv_status build_scale(fv__builder *builder, bool additive, int width, int *node, fv_error *error) {
    fv__shape scalar = {.rank = 0}, vector = {.rank = 1, .size = {width}};
    return additive ? fv__build_parameter(builder, "scale", &vector, FV__INITIAL_GLOROT_UNIFORM, node, error)
                    : fv__build_parameter(builder, "scale", &scalar, FV__INITIAL_ONES, node, error);
}

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const attention_options *options = opaque;
    bool additive = options->score == FV__SCORE_ADDITIVE;
    bool trained = options->scale == SCALE_TRAINED || (options->scale == SCALE_KERAS && additive);
    if (additive && options->scale == SCALE_INVERSE_SQRT) {
        return FV__LAYER_FAIL(builder, error, "scale %s belongs to score dot; additive takes none or trained",
                              scales[SCALE_INVERSE_SQRT]);
    }
    int inputs[4]; // query, key, value, scale
    fv_status status = fv__build_tokens(builder, input, &inputs[2], error);
    if (status) {
        return status;
    }
    inputs[0] = inputs[1] = inputs[2];
    static const char *const projections[] = {"query", "key"};
    for (int i = 0; i < 2 && options->units && !status; i++) {
        status = fv__build_dense(builder, projections[i], inputs[2], options->units, false, FV__ACTIVATION_linear,
                                 &inputs[i], error);
    }
    if (status) {
        return status;
    }
    int width = fv__graph_shape(builder->graph, inputs[1])->size[1];
    if (trained && (status = build_scale(builder, additive, width, &inputs[3], error))) {
        return status;
    }
    fv__attention_attributes attributes = {.heads = 1,
                                           .groups = 1,
                                           .score = (fv__score)options->score,
                                           .scale = options->scale == SCALE_INVERSE_SQRT ? 1 / sqrtf((float)width) : 1,
                                           .trained_scale = trained,
                                           .dropout = (float)options->dropout};
    return fv__build_op(builder, &fv__op_attention, &attributes, inputs, trained ? 4 : 3, output, error);
}

const fv__layer_type fv__layer_attention = {
    .name = "attention",
    .sentence = "Self-attention of one head over (tokens, features), as Keras's Attention or AdditiveAttention on one "
                "input; an image's positions are its tokens.",
    .options = table,
    .options_size = sizeof(attention_options),
    .build = build};
