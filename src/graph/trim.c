// SPDX-License-Identifier: Apache-2.0
// Taking nodes out of a graph: those that nobody asks for, and those that were added last.
#include "base/memory.h"
#include "graph/graph.h"

static void free_node(fv__node *node) {
    fv__free((void *)node->view.attributes);
    fv__free(node->name);
}

void fv__graph_keep(fv__graph *graph, bool *kept, int *places) {
    for (int n = graph->node_count - 1; n >= 0; n--) {
        const fv__node *node = &graph->nodes[n];
        kept[n] = kept[n] || !node->view.input_count;
        for (int i = 0; kept[n] && i < node->view.input_count; i++) {
            kept[node->inputs[i]] = true;
        }
    }
    int count = 0;
    for (int n = 0; n < graph->node_count; n++) {
        fv__node *node = &graph->nodes[n];
        places[n] = kept[n] ? count : -1;
        if (!kept[n]) {
            free_node(node);
            continue;
        }
        for (int i = 0; i < node->view.input_count; i++) {
            node->inputs[i] = places[node->inputs[i]];
        }
        if (node->parameter >= 0) {
            graph->parameters[node->parameter].node = count;
        }
        graph->nodes[count++] = *node;
    }
    graph->node_count = count;
}

void fv__graph_truncate(fv__graph *graph, int nodes, int parameters) {
    while (graph->node_count > nodes) {
        free_node(&graph->nodes[--graph->node_count]);
    }
    while (graph->parameter_count > parameters) {
        fv__parameter *parameter = &graph->parameters[--graph->parameter_count];
        graph->weight_count = parameter->offset;
        fv__free(parameter->name);
    }
}
