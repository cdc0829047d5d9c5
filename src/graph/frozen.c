// SPDX-License-Identifier: Apache-2.0
#include "graph/frozen.h"

#include "base/memory.h"

// What is known of a node.
typedef struct node_state {
    bool sees_input; // depends on the image
    bool frozen;     // its value is the same in every epoch
    bool needed;     // `output` depends on it
} node_state;

static void look_at(const fv__graph *graph, int input, int n, node_state *states) {
    const fv__node *node = &graph->nodes[n];
    states[n].sees_input = n == input;
    if (node->parameter >= 0) {
        states[n].frozen = !graph->parameters[node->parameter].trainable;
    } else {
        states[n].frozen = !(node->op->draws && node->op->draws(&node->view));
    }
    for (int i = 0; i < node->view.input_count; i++) {
        states[n].sees_input |= states[node->inputs[i]].sees_input;
        states[n].frozen &= states[node->inputs[i]].frozen;
    }
}

fv_status fv__graph_frozen_end(const fv__graph *graph, int input, int output, int *end, fv_error *error) {
    node_state *states = fv__alloc_array((size_t)output + 1, sizeof *states);
    *end = input;
    if (!states) {
        return fv__fail_memory(error, "the graph");
    }
    for (int n = 0; n <= output; n++) {
        look_at(graph, input, n, states);
    }
    states[output].needed = true;
    int doors = 0, door = input; // frozen nodes that trained ones read
    for (int n = output; n >= 0; n--) {
        const fv__node *node = &graph->nodes[n];
        for (int i = 0; states[n].needed && i < node->view.input_count; i++) {
            const int from = node->inputs[i];
            states[from].needed = true;
            if (states[from].sees_input && states[from].frozen && !states[n].frozen && !(doors && from == door)) {
                door = from;
                doors++;
            }
        }
    }
    *end = doors == 1 ? door : input;
    fv__free(states);
    return FV_OK;
}

fv_status fv__graph_cut(fv__graph *graph, int node, fv_error *error) {
    fv__node *cut = &graph->nodes[node];
    fv__shape *shape = fv__alloc(sizeof *shape);
    if (!shape) {
        return fv__fail_memory(error, "the graph");
    }
    *shape = cut->view.output;
    fv__free((void *)cut->view.attributes);
    cut->op = &fv__op_input;
    cut->view.attributes = shape;
    cut->view.input_count = 0;
    return FV_OK;
}
