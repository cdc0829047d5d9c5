// SPDX-License-Identifier: Apache-2.0
// The attention layers of a graph: which there are, whether a residual passes by each, and their weights.
#include "base/memory.h"
#include "explain/explainer.h"

static bool is_attention(const fv__node *node) {
    return node->op == &fv__op_attention || node->op == &fv__op_double_norm;
}

// Marks what is computed from node n, itself included.
static void mark_below(const fv__graph *graph, int n, bool *marks) {
    for (int m = 0; m < graph->node_count; m++) {
        marks[m] = m == n;
        for (int i = 0; m > n && i < graph->nodes[m].view.input_count; i++) {
            marks[m] = marks[m] || marks[graph->nodes[m].inputs[i]];
        }
    }
}

// Marks what node n is computed from, itself included.
static void mark_above(const fv__graph *graph, int n, bool *marks) {
    for (int m = graph->node_count - 1; m >= 0; m--) {
        marks[m] = m == n || (m < n && marks[m]);
        for (int i = 0; marks[m] && i < graph->nodes[m].view.input_count; i++) {
            marks[graph->nodes[m].inputs[i]] = true;
        }
    }
}

// Whether what goes into attention node n is added to what comes out of it, with no other attention in between: the
// first addition below n takes a value that n is computed from. `above`, `below` and `skip` have room for all nodes.
static bool has_residual(const fv__graph *graph, int n, bool *above, bool *below, bool *skip) {
    mark_above(graph, n, above);
    mark_below(graph, n, below);
    for (int m = n + 1; m < graph->node_count; m++) {
        const fv__node *node = &graph->nodes[m];
        if (!below[m]) {
            continue;
        }
        if (is_attention(node)) {
            return false;
        }
        for (int i = 0; node->op == &fv__op_add && i < node->view.input_count; i++) {
            int from = node->inputs[i];
            if (below[from] || !above[from]) {
                continue;
            }
            mark_below(graph, from, skip);
            bool alone = true; // no other attention between where the residual begins and n
            for (int other = from + 1; other < n; other++) {
                alone = alone && !(skip[other] && above[other] && is_attention(&graph->nodes[other]));
            }
            return alone;
        }
    }
    return false;
}

// Tokens that a view has cut otherwise than the image lie nowhere in it.
static void keep_places(fv__attention_layer *layer, int tokens) {
    layer->tokens.placed = layer->tokens.placed && fv__token_count(&layer->tokens) == tokens;
}

static fv_status describe(const fv_explainer *explainer, int n, fv__attention_layer *layer, fv_error *error) {
    const fv__node *node = &explainer->graph.nodes[n];
    *layer = (fv__attention_layer){.node = n, .slots = node->op == &fv__op_double_norm, .groups = 1};
    if (layer->slots) {
        const fv__shape *shape = &node->view.output; // (tokens, slots) or (tokens, heads, slots)
        layer->heads = shape->rank == 3 ? shape->size[1] : 1;
        layer->queries = shape->size[0];
        layer->keys = shape->size[shape->rank - 1];
        layer->tokens = explainer->grids[n];
        layer->transposed = fv__alloc_array(fv__shape_elements(shape), sizeof *layer->transposed);
        keep_places(layer, layer->queries);
        return layer->transposed ? FV_OK : fv__fail_memory(error, "the attention weights");
    }
    fv__shape shape; // ([groups,] heads, queries, keys)
    node->op->auxiliary(&node->view, &shape);
    const int *last = shape.size + shape.rank - 3;
    layer->groups = shape.rank == 4 ? shape.size[0] : 1;
    layer->heads = last[0];
    layer->queries = last[1];
    layer->keys = last[2];
    layer->tokens = explainer->grids[node->inputs[1]];
    keep_places(layer, layer->groups > 1 ? layer->groups : layer->keys);
    return FV_OK;
}

fv_status fv__explainer_find_layers(fv_explainer *explainer, fv_error *error) {
    const fv__graph *graph = &explainer->graph;
    size_t nodes = (size_t)graph->node_count;
    bool *marks = fv__alloc_array(nodes, 3 * sizeof *marks);
    explainer->layers = fv__alloc_array(nodes, sizeof *explainer->layers);
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(marks && explainer->layers ? FV_OK : fv__fail_memory(error, "the explainer"));
    for (int n = 0; n < graph->node_count; n++) {
        if (is_attention(&graph->nodes[n])) {
            fv__attention_layer *layer = &explainer->layers[explainer->layer_count++];
            FV__TRY_OR_DONE(describe(explainer, n, layer, error));
            layer->residual = has_residual(graph, n, marks, marks + nodes, marks + 2 * nodes);
        }
    }
done:
    fv__free(marks);
    return status;
}

// --- Weights

void fv__explainer_read_layers(fv_explainer *explainer) {
    for (int i = 0; i < explainer->layer_count; i++) {
        const fv__attention_layer *layer = &explainer->layers[i];
        if (layer->slots) {
            fv__by_head(layer, fv__plan_value(explainer->forward, layer->node), layer->transposed);
        }
    }
}

void fv__by_head(const fv__attention_layer *layer, const float *from, float *to) {
    for (int head = 0; head < layer->heads; head++) {
        for (int token = 0; token < layer->queries; token++) {
            for (int slot = 0; slot < layer->keys; slot++) {
                *to++ = from[((ptrdiff_t)token * layer->heads + head) * layer->keys + slot];
            }
        }
    }
}

const float *fv__explainer_weights(const fv_explainer *explainer, const fv__attention_layer *layer) {
    return layer->slots ? layer->transposed : fv__plan_auxiliary(explainer->forward, layer->node);
}

void fv__explainer_describe_layers(fv_explainer *explainer) {
    for (int i = 0; i < explainer->layer_count; i++) {
        fv__attention_layer *layer = &explainer->layers[i];
        fv_attention_weights *weights = &layer->described;
        *weights = (fv_attention_weights){.layer = explainer->graph.nodes[layer->node].name,
                                          .slots = layer->slots,
                                          .residual = layer->residual,
                                          .groups = layer->groups,
                                          .heads = layer->heads,
                                          .queries = layer->queries,
                                          .keys = layer->keys,
                                          .weights = explainer->image ? fv__explainer_weights(explainer, layer) : NULL};
        if (layer->tokens.placed) {
            weights->before = layer->tokens.before;
            weights->rows = layer->tokens.rows;
            weights->columns = layer->tokens.columns;
            for (int axis = 0; axis < 2; axis++) {
                weights->origin[axis] = layer->tokens.origin[axis];
                weights->step[axis] = layer->tokens.step[axis];
                weights->field[axis] = layer->tokens.field[axis];
            }
        }
    }
}

const fv_attention_weights *fv_explainer_get_attention(const fv_explainer *explainer, int index) {
    static const fv_attention_weights none = {0};
    return index < 0 || index >= explainer->layer_count ? &none : &explainer->layers[index].described;
}
