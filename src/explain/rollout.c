// SPDX-License-Identifier: Apache-2.0
// Attention rollout (Abnar and Zuidema 2020, "Quantifying attention flow in transformers"): how much of each token of
// the first layer is in each of the last, if every layer mixed tokens by its weights alone,
//   R = Â_L · … · Â_1,  Â = (A + I) / 2 with A the mean over the heads, I for the residual.
// A layer that no residual passes by has Â = A. Rows of Â are divided by their sums, which rounding alone moves from 1.
// The map is the row of R that the classifier reads: that of a class token, or else the mean of all. So a row vector
// goes through the layers from the last to the first, and no product of matrices is needed.
#include <string.h>

#include "base/memory.h"
#include "explain/explainer.h"

static fv_status check(const fv_explainer *explainer, fv_error *error) {
    if (explainer->layer_count == 0) {
        return fv__fail(error, FV_UNSUPPORTED, "the model has no attention layer");
    }
    for (int i = 0; i < explainer->layer_count; i++) {
        const fv__attention_layer *layer = &explainer->layers[i], *first = &explainer->layers[0];
        const char *name = explainer->graph.nodes[layer->node].name;
        if (layer->slots || layer->groups > 1) {
            return fv__fail(error, FV_UNSUPPORTED, "rollout follows attention from token to token, but layer %s %s",
                            name,
                            layer->slots ? "attends to memory slots" : "attends from head to head inside a token");
        }
        if (layer->queries != first->keys || layer->keys != first->keys) {
            return fv__fail(error, FV_UNSUPPORTED,
                            "rollout needs the same tokens in every attention layer, but layer %s has %d and %s %d",
                            name, layer->keys, explainer->graph.nodes[first->node].name, first->keys);
        }
    }
    return fv__explain_check_places(explainer, &explainer->layers[0], error);
}

// row · Â, with the mean of the heads in `mean`, which has room for a row of weights.
static void step(const fv__attention_layer *layer, const float *weights, const double *row, double *mean, double *out) {
    const int tokens = layer->keys;
    memset(out, 0, (size_t)tokens * sizeof *out);
    for (int q = 0; q < tokens; q++) {
        double sum = 0;
        memset(mean, 0, (size_t)tokens * sizeof *mean);
        for (int head = 0; head < layer->heads; head++) {
            const float *from = weights + ((ptrdiff_t)head * tokens + q) * tokens;
            for (int k = 0; k < tokens; k++) {
                mean[k] += (double)from[k] / layer->heads * (layer->residual ? 0.5 : 1);
            }
        }
        mean[q] += layer->residual ? 0.5 : 0;
        for (int k = 0; k < tokens; k++) {
            sum += mean[k];
        }
        for (int k = 0; k < tokens; k++) {
            out[k] += row[q] * mean[k] / sum;
        }
    }
}

fv_status fv__explain_rollout(fv_explainer *explainer, const fv_explain_options *options, float *map, fv_error *error) {
    FV__TRY(check(explainer, error));
    const fv__attention_layer *first = &explainer->layers[0], *last = &explainer->layers[explainer->layer_count - 1];
    size_t tokens = (size_t)first->keys;
    double *memory = fv__alloc_array(3 * tokens, sizeof *memory);
    if (!memory) {
        return fv__fail_memory(error, "a heat map");
    }
    double *row = memory, *next = memory + tokens;
    for (size_t t = 0; t < tokens; t++) {
        row[t] = last->tokens.before ? t == 0 : 1.0 / (double)tokens;
    }
    for (int i = explainer->layer_count - 1; i >= 0; i--) {
        step(&explainer->layers[i], fv__explainer_weights(explainer, &explainer->layers[i]), row, memory + 2 * tokens,
             next);
        double *swap = row;
        row = next;
        next = swap;
    }
    fv__explain_paint(explainer, &first->tokens, row, options->blocky, map);
    fv__free(memory);
    return FV_OK;
}
