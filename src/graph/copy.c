// SPDX-License-Identifier: Apache-2.0
// Copies of a graph, which can be cut or rewritten.
#include <string.h>

#include "base/memory.h"
#include "graph/graph.h"

// fv__alloc gives a block for zero elements too, so NULL always means out of memory.
static bool copy_nodes(const fv__graph *graph, fv__graph *copy) {
    copy->nodes = fv__alloc_array((size_t)graph->node_count, sizeof *copy->nodes);
    if (!copy->nodes) {
        return false;
    }
    copy->node_capacity = graph->node_count;
    for (int n = 0; n < graph->node_count; n++) {
        const fv__node *from = &graph->nodes[n];
        size_t size = from->op->attributes_size;
        char *name = fv__strdup(from->name);
        void *attributes = fv__alloc(size ? size : 1);
        if (!name || !attributes) {
            fv__free(name);
            fv__free(attributes);
            return false;
        }
        memcpy(attributes, from->view.attributes, size);
        copy->nodes[n] = *from;
        copy->nodes[n].name = name;
        copy->nodes[n].view.attributes = attributes;
        copy->node_count++;
    }
    return true;
}

static bool copy_parameters(const fv__graph *graph, fv__graph *copy) {
    copy->parameters = fv__alloc_array((size_t)graph->parameter_count, sizeof *copy->parameters);
    if (!copy->parameters) {
        return false;
    }
    copy->parameter_capacity = graph->parameter_count;
    for (int p = 0; p < graph->parameter_count; p++) {
        copy->parameters[p] = graph->parameters[p];
        copy->parameters[p].name = fv__strdup(graph->parameters[p].name);
        if (!copy->parameters[p].name) {
            return false;
        }
        copy->parameter_count++;
    }
    copy->weight_count = graph->weight_count;
    return true;
}

fv_status fv__graph_copy(const fv__graph *graph, fv__graph *copy, fv_error *error) {
    fv__graph_init(copy);
    if (!copy_nodes(graph, copy) || !copy_parameters(graph, copy)) {
        fv__graph_free(copy);
        return fv__fail_memory(error, "a copy of the graph");
    }
    return FV_OK;
}
