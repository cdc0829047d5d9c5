// SPDX-License-Identifier: Apache-2.0
// What the rules look for.
#include "graph/rewrite_internal.h"

const fv__node *fv__rewriter_copy_of(const fv__rewriter *rewriter, int n) {
    return &rewriter->out->graph.nodes[rewriter->out->node_of[n]];
}

bool fv__rewriter_is_private(const fv__rewriter *rewriter, int n) {
    return rewriter->uses[n] == 1 && !rewriter->wanted[n] && !rewriter->source->nodes[n].wants_gradient;
}

const fv__activation *fv__node_activation(const fv__node *node) {
    if (node->op == &fv__op_dense) {
        return &((const fv__dense_attributes *)node->view.attributes)->activation;
    }
    if (node->op == &fv__op_conv2d || node->op == &fv__op_depthwise_conv2d) {
        return &((const fv__conv2d_attributes *)node->view.attributes)->activation;
    }
    return NULL;
}

bool fv__node_is_linear(const fv__node *node) {
    const fv__activation *activation = fv__node_activation(node);
    return activation && *activation == FV__ACTIVATION_linear;
}

bool fv__rewriter_is_private_dense(const fv__rewriter *rewriter, int n) {
    const fv__node *node = &rewriter->source->nodes[n];
    return node->op == &fv__op_dense && fv__node_is_linear(node) && fv__rewriter_is_private(rewriter, n);
}

int fv__rewriter_linear_before(const fv__rewriter *rewriter, int n, bool through_views, int *source) {
    const fv__graph *from = rewriter->source, *graph = &rewriter->out->graph;
    *source = from->nodes[n].inputs[0];
    int copy = rewriter->out->node_of[*source];
    while (through_views && from->nodes[*source].op->view && fv__rewriter_is_private(rewriter, *source)) {
        *source = from->nodes[*source].inputs[0];
    }
    while (through_views && graph->nodes[copy].op->view) {
        copy = graph->nodes[copy].inputs[0];
    }
    return fv__rewriter_is_private(rewriter, *source) && fv__node_is_linear(&graph->nodes[copy]) ? copy : -1;
}

int fv__node_bias(const fv__node *node) {
    return node->view.input_count == 3 ? node->inputs[2] : -1;
}

int fv__rewriter_bias_of(const fv__rewriter *rewriter, const fv__node *source) {
    const int bias = fv__node_bias(source);
    return bias < 0 ? -1 : rewriter->out->node_of[bias];
}

void fv__rewriter_find_inputs(const fv__rewriter *rewriter, const fv__node *source, int inputs[FV__MAX_INPUTS]) {
    for (int i = 0; i < source->view.input_count; i++) {
        inputs[i] = rewriter->out->node_of[source->inputs[i]];
    }
}

bool fv__rewriter_pays(const fv__rewriter *rewriter, double saved, double cost) {
    enum { LEAST_GAIN = 3 }; // times the cost, over the batch
    return saved * rewriter->batch > LEAST_GAIN * cost;
}
