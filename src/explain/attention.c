// SPDX-License-Identifier: Apache-2.0
// The attention weights themselves as a map: what the tokens of one layer receive from one query, or on average from
// all, in one head or on average over the heads; with memory slots, how the tokens turn to one slot.
#include "base/memory.h"
#include "explain/explainer.h"

static fv_status choose_layer(const fv_explainer *explainer, int wanted, const fv__attention_layer **layer,
                              fv_error *error) {
    int count = explainer->layer_count;
    if (count == 0) {
        return fv__fail(error, FV_UNSUPPORTED, "the model has no attention layer");
    }
    if (wanted < -1 || wanted >= count) {
        return fv__fail(error, FV_INVALID, "there is no attention layer %d: they are 0 to %d, or -1 for the last",
                        wanted, count - 1);
    }
    *layer = &explainer->layers[wanted < 0 ? count - 1 : wanted];
    return FV_OK;
}

static fv_status check(const fv_explainer *explainer, const fv__attention_layer *layer,
                       const fv_explain_options *options, fv_error *error) {
    const char *name = explainer->graph.nodes[layer->node].name;
    int queries = layer->slots ? layer->keys : layer->queries; // what `query` counts
    if (options->head < -1 || options->head >= layer->heads) {
        return fv__fail(error, FV_INVALID, "layer %s has no head %d: they are 0 to %d, or -1 for the mean", name,
                        options->head, layer->heads - 1);
    }
    if (options->query < (layer->slots ? 0 : -1) || options->query >= queries) {
        return fv__fail(error, layer->slots && options->query == -1 ? FV_UNSUPPORTED : FV_INVALID,
                        layer->slots ? "layer %s attends to memory slots, not to tokens: choose a slot, 0 to %d"
                                     : "layer %s has queries 0 to %d, or -1 for their mean",
                        name, queries - 1);
    }
    if (layer->groups > 1) {
        return fv__fail(error, FV_UNSUPPORTED,
                        "the heads of layer %s attend to each other at every token: its weights are no map of the "
                        "image",
                        name);
    }
    return fv__explain_check_places(explainer, layer, error);
}

fv_status fv__explain_check_places(const fv_explainer *explainer, const fv__attention_layer *layer, fv_error *error) {
    if (layer->tokens.placed) {
        return FV_OK;
    }
    return fv__fail(error, FV_UNSUPPORTED,
                    "the tokens of layer %s lie nowhere in the image: a layer before has mixed its places",
                    explainer->graph.nodes[layer->node].name);
}

// Adds head `head`'s part to the values of the tokens.
static void add_head(const fv__attention_layer *layer, const float *weights, int head, int query, double *tokens) {
    const float *of_head = weights + (ptrdiff_t)head * layer->queries * layer->keys;
    if (layer->slots) {
        for (int token = 0; token < layer->queries; token++) {
            tokens[token] += (double)of_head[(ptrdiff_t)token * layer->keys + query];
        }
        return;
    }
    int first = query < 0 ? 0 : query, last = query < 0 ? layer->queries - 1 : query;
    for (int q = first; q <= last; q++) {
        for (int key = 0; key < layer->keys; key++) {
            tokens[key] += (double)of_head[(ptrdiff_t)q * layer->keys + key] / (last - first + 1);
        }
    }
}

fv_status fv__explain_attention(fv_explainer *explainer, const fv_explain_options *options, float *map,
                                fv_error *error) {
    const fv__attention_layer *layer;
    FV__TRY(choose_layer(explainer, options->layer, &layer, error));
    FV__TRY(check(explainer, layer, options, error));
    int tokens = layer->slots ? layer->queries : layer->keys;
    double *values = fv__alloc_array((size_t)tokens, sizeof *values);
    if (!values) {
        return fv__fail_memory(error, "a heat map");
    }
    int first = options->head < 0 ? 0 : options->head, last = options->head < 0 ? layer->heads - 1 : options->head;
    for (int head = first; head <= last; head++) {
        add_head(layer, fv__explainer_weights(explainer, layer), head, options->query, values);
    }
    for (int token = 0; token < tokens; token++) {
        values[token] /= last - first + 1;
    }
    fv__explain_paint(explainer, &layer->tokens, values, options->blocky, map);
    fv__free(values);
    return FV_OK;
}

void fv__explain_paint(const fv_explainer *explainer, const fv__token_grid *grid, const double *tokens, bool blocky,
                       float *map) {
    const int *size = explainer->model->input_settings.size.values;
    fv__paint_tokens(grid, tokens + grid->before, blocky, size[0], size[1], map);
}
