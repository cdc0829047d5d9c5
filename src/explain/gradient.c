// SPDX-License-Identifier: Apache-2.0
// Attention weighted by its gradient (after Chefer et al. 2021, "Generic attention-model explainability for
// interpreting bi-modal and encoder-decoder transformers"): with A the weights of a layer and y the target's logit,
//   relevance of a token = Σ over layers and queries of the mean over heads of max(0, ∂y/∂A ∘ A)
// which is their rule R ← R + Ā · R to first order, and holds for memory slots (summed over the slots) and attention
// between heads as well. What the layer gives out is O = A · V, so ∂y/∂A = ∂y/∂O · Vᵀ; double_norm gives out A itself.
#include "base/memory.h"
#include "explain/explainer.h"
#include "ops/product.h"

fv_status fv__attention_gradient(const fv_explainer *explainer, const fv__attention_layer *layer, float *gradient,
                                 fv_error *error) {
    const fv__kernels *kernels = explainer->runner.kernels;
    const fv__node *node = &explainer->graph.nodes[layer->node];
    const float *d_out = fv__plan_gradient(explainer->backward, layer->node);
    if (layer->slots) {
        fv__by_head(layer, d_out, gradient);
        return FV_OK;
    }
    const float *value = fv__plan_value(explainer->backward, node->inputs[2]); // (groups · keys, heads · depth)
    const int row = node->view.output.size[1], depth = row / layer->heads;
    float *transposed = fv__alloc_array(kernels->packed_size(depth, layer->keys), sizeof *transposed);
    if (!transposed) {
        return fv__fail_memory(error, "the gradient of the attention weights");
    }
    for (int i = 0; i < layer->groups * layer->heads; i++, gradient += (ptrdiff_t)layer->queries * layer->keys) {
        const ptrdiff_t group = i / layer->heads, head = i % layer->heads;
        kernels->pack(depth, layer->keys, value + group * layer->keys * row + head * depth, 1, row, transposed);
        fv__multiply(kernels, layer->queries, depth, layer->keys,
                     fv__by_row(d_out + group * layer->queries * row + head * depth, row), fv__packed(transposed),
                     gradient, layer->keys);
    }
    fv__free(transposed);
    return FV_OK;
}

// Adds a layer's relevance to that of its tokens. A key belongs to one token (with groups, several to each).
static void add_layer(const fv__attention_layer *layer, const float *weights, const float *gradient, double *tokens) {
    const int per_token = layer->groups * layer->keys / fv__token_count(&layer->tokens);
    for (int group = 0; group < layer->groups; group++) {
        for (int i = 0; i < layer->heads * layer->queries; i++) {
            for (int k = 0; k < layer->keys; k++) {
                double product = (double)*weights++ * (double)*gradient++;
                int token = layer->slots ? i % layer->queries : (group * layer->keys + k) / per_token;
                tokens[token] += product > 0 ? product / layer->heads : 0;
            }
        }
    }
}

static size_t weights_of(const fv__attention_layer *layer) {
    return (size_t)layer->groups * (size_t)layer->heads * (size_t)layer->queries * (size_t)layer->keys;
}

// The layers asked for, which must have the same tokens.
static fv_status check(const fv_explainer *explainer, int first, int last, size_t *most, fv_error *error) {
    if (explainer->layer_count == 0) {
        return fv__fail(error, FV_UNSUPPORTED, "the model has no attention layer");
    }
    if (first < 0 || last >= explainer->layer_count) {
        return fv__fail(error, FV_INVALID, "there is no attention layer %d: they are 0 to %d, or -1 for all", first,
                        explainer->layer_count - 1);
    }
    for (int i = first; i <= last; i++) {
        const fv__attention_layer *layer = &explainer->layers[i];
        FV__TRY(fv__explain_check_places(explainer, layer, error));
        if (fv__token_count(&layer->tokens) != fv__token_count(&explainer->layers[first].tokens)) {
            return fv__fail(error, FV_UNSUPPORTED,
                            "the attention layers see different tokens, so that their maps do not add up: choose one");
        }
        *most = weights_of(layer) > *most ? weights_of(layer) : *most;
    }
    return FV_OK;
}

fv_status fv__explain_gradient(fv_explainer *explainer, const fv_explain_options *options, float *map,
                               fv_error *error) {
    int first = options->layer == -1 ? 0 : options->layer;
    int last = options->layer == -1 ? explainer->layer_count - 1 : options->layer;
    size_t most = 0;
    fv_status status = FV_OK;
    FV__TRY(check(explainer, first, last, &most, error));
    FV__TRY(fv__explainer_differentiate(explainer, error));
    const fv__token_grid *grid = &explainer->layers[first].tokens;
    double *tokens = fv__alloc_array((size_t)fv__token_count(grid), sizeof *tokens);
    float *gradient = fv__alloc_array(most, sizeof *gradient);
    FV__TRY_OR_DONE(tokens && gradient ? FV_OK : fv__fail_memory(error, "a heat map"));
    for (int i = first; i <= last; i++) {
        const fv__attention_layer *layer = &explainer->layers[i];
        if (fv__plan_gradient(explainer->backward, layer->node)) { // else the logits do not depend on it
            FV__TRY_OR_DONE(fv__attention_gradient(explainer, layer, gradient, error));
            add_layer(layer, fv__explainer_weights(explainer, layer), gradient, tokens);
        }
    }
    fv__explain_paint(explainer, grid, tokens, options->blocky, map);
done:
    fv__free(tokens);
    fv__free(gradient);
    return status;
}
