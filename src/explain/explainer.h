// SPDX-License-Identifier: Apache-2.0
// The inside of an explainer: the model's graph as written, what to show of it, and the two plans that run it.
#ifndef FOVEA_EXPLAIN_EXPLAINER_H
#define FOVEA_EXPLAIN_EXPLAINER_H

#include "explain/geometry.h"
#include "graph/runner.h"
#include "model/model.h"
#include "model/predict.h"

// A node with attention weights: op attention, or double_norm, whose output they are.
typedef struct fv__attention_layer {
    int node;
    bool slots, residual;
    int groups, heads, queries, keys;
    fv__token_grid tokens;          // keys; with slots: queries
    fv_attention_weights described; // what is given out
    float *transposed;              // with slots: (heads, tokens, slots); double_norm gives (tokens, heads, slots)
} fv__attention_layer;

struct fv_explainer {
    const fv_model *model;
    uint64_t weights_version; // of the weights that the plans have prepared
    fv__graph graph;          // the model's, then direction and root
    int direction, root;      // input: 1 at the target and 0 elsewhere; its inner product with the logits
    fv__token_grid *grids;    // by node
    fv__attention_layer *layers;
    int layer_count;
    int stage;               // the last convolutional image; -1: none
    fv__runner runner;       // of the graph as the layers write it
    fv_predictor *predictor; // for methods that need predictions; made when first asked for
    int threads;
    fv__plan *forward, *backward; // backward is made when first asked for
    bool differentiated;          // `backward` has run on this image
    uint8_t *image;               // NULL before the first
    int target, predicted;
    float *probabilities; // (classes)
    fv_explained result;  // what is given out
};

// layers.c: finds the layers; takes their weights after a run of `forward`.
fv_status fv__explainer_find_layers(fv_explainer *explainer, fv_error *error);
// What fv_explainer_get_attention gives out; after the layers were found, and after each image.
void fv__explainer_describe_layers(fv_explainer *explainer);
void fv__explainer_read_layers(fv_explainer *explainer);
const float *fv__explainer_weights(const fv_explainer *explainer, const fv__attention_layer *layer);

// (tokens, heads, slots), as double_norm has it, to (heads, tokens, slots).
void fv__by_head(const fv__attention_layer *layer, const float *from, float *to);

// The predictor of the model, made when first asked for.
fv_status fv__explainer_predictor(fv_explainer *explainer, fv_predictor **out, fv_error *error);

// Runs `backward` on this image, unless it has: gradients of the target's logit.
fv_status fv__explainer_differentiate(fv_explainer *explainer, fv_error *error);

// gradient.c: the gradient of the target's logit in a layer's weights, of their shape; after
// fv__explainer_differentiate.
fv_status fv__attention_gradient(const fv_explainer *explainer, const fv__attention_layer *layer, float *gradient,
                                 fv_error *error);

// attention.c: fails unless the layer's tokens lie over the image; paints a value a token over the image.
fv_status fv__explain_check_places(const fv_explainer *explainer, const fv__attention_layer *layer, fv_error *error);
void fv__explain_paint(const fv_explainer *explainer, const fv__token_grid *grid, const double *tokens, bool blocky,
                       float *map);

// One method each: its file says how. `map` is (height, width).
fv_status fv__explain_attention(fv_explainer *explainer, const fv_explain_options *options, float *map,
                                fv_error *error);
fv_status fv__explain_rollout(fv_explainer *explainer, const fv_explain_options *options, float *map, fv_error *error);
fv_status fv__explain_gradient(fv_explainer *explainer, const fv_explain_options *options, float *map, fv_error *error);
fv_status fv__explain_grad_cam(fv_explainer *explainer, const fv_explain_options *options, float *map, fv_error *error);
fv_status fv__explain_occlusion(fv_explainer *explainer, const fv_explain_options *options, float *map,
                                fv_error *error);

// The mean colour of the image, (channels).
void fv__explainer_mean_colour(const fv_explainer *explainer, uint8_t *colour);

#endif
