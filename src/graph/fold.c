// What follows a linear layer becomes part of it: a batch norm by stored statistics changes its weights, once a step
//   (x · W + b) · s + t = x · (W · s) + (b · s + t)
// and an activation runs where the layer writes its output, while that is still near the core. Three convolutions that
// are an inverted residual block are one op where what lies between them is large and nobody wants its gradient.
#include <string.h>

#include "graph/rewrite_internal.h"
#include "ops/convolution.h"
#include "ops/dense.h"
#include "ops/pointwise.h"

// Attributes of a linear layer.
typedef union linear_attributes {
    fv__dense_attributes dense;
    fv__conv2d_attributes convolution;
} linear_attributes;

static bool is_linear_op(const fv__op *op) {
    return op == &fv__op_dense || op == &fv__op_conv2d || op == &fv__op_depthwise_conv2d;
}

static fv__activation *activation_in(const fv__op *op, linear_attributes *attributes) {
    return op == &fv__op_dense ? &attributes->dense.activation : &attributes->convolution.activation;
}

// The linear layer of the new graph, without an activation, that only source node n reads; -1 if there is none.
static int linear_before(const fv__walk *walk, int n, linear_attributes *attributes) {
    const int source = walk->source->nodes[n].inputs[0], copy = walk->out->node_of[source];
    const fv__node *node = &walk->out->graph.nodes[copy];
    if (!is_linear_op(node->op) || !fv__walk_is_private(walk, source)) {
        return -1;
    }
    memcpy(attributes, node->view.attributes, node->op->attributes_size);
    return *activation_in(node->op, attributes) == FV__ACTIVATION_linear ? copy : -1;
}

static void note(fv__walk *walk, const char *name, bool norm) {
    if (walk->fold_name && strcmp(walk->fold_name, name)) {
        fv__walk_note_folds(walk);
    }
    walk->fold_name = name;
    walk->folded_norms += norm;
    walk->folded_activations += !norm;
}

void fv__walk_note_folds(fv__walk *walk) {
    if (walk->fold_name) {
        fv__walk_note(walk, -1, "%s: %d batch norms and %d activations are part of the layers before them",
                      walk->fold_name, walk->folded_norms, walk->folded_activations);
    }
    walk->fold_name = NULL;
    walk->folded_norms = walk->folded_activations = 0;
}

// The weights of the layer before a batch norm (inputs 1 and perhaps 2 of `inputs`), with the norm in them.
static fv_status fold_weights(fv__walk *walk, const fv__node *norm, bool biased, int inputs[3], fv_error *error) {
    enum { GAMMA = 1, BETA, MEAN, VARIANCE };
    int weights[5];
    for (int i = GAMMA; i <= VARIANCE; i++) {
        weights[i] = walk->out->node_of[norm->inputs[i]];
    }
    const int kernel[3] = {inputs[1], weights[GAMMA], weights[VARIANCE]};
    const int bias[5] = {weights[GAMMA], weights[BETA], weights[MEAN], weights[VARIANCE], inputs[2]};
    fv__graph *graph = &walk->out->graph;
    fv_status status =
        fv__graph_add(graph, norm->name, &fv__op_folded_kernel, norm->view.attributes, kernel, 3, &inputs[1], error);
    if (!status) {
        status = fv__graph_add(graph, norm->name, &fv__op_folded_bias, norm->view.attributes, bias, biased ? 5 : 4,
                               &inputs[2], error);
    }
    return status;
}

// Whether node `last`, about to be added with these inputs behind source node n, ends an inverted residual block in the
// new graph: *first and *depthwise are its other two convolutions.
static bool ends_bottleneck(const fv__walk *walk, int n, const fv__op *op, const int *inputs, int *first,
                            int *depthwise) {
    enum { LARGE = 512 * 1024 }; // bytes that do not stay near the core
    const fv__node *nodes = walk->out->graph.nodes, *source = walk->source->nodes;
    const int *kernel = fv__graph_shape(&walk->out->graph, inputs[1])->size;
    int before = source[source[n].inputs[0]].inputs[0]; // what the last convolution reads
    *depthwise = walk->out->node_of[before];
    if (walk->trained[n] || op != &fv__op_conv2d || kernel[0] != 1 || kernel[1] != 1 ||
        !fv__walk_is_private(walk, before) || nodes[*depthwise].op != &fv__op_depthwise_conv2d) {
        return false;
    }
    while (source[before].op != &fv__op_depthwise_conv2d) { // through what was folded into it
        before = source[before].inputs[0];
    }
    before = source[before].inputs[0];
    *first = walk->out->node_of[before];
    return fv__walk_is_private(walk, before) && nodes[*first].op == &fv__op_conv2d &&
           nodes[*first].view.input_count == 3 && nodes[*depthwise].view.input_count == 3 &&
           fv__shape_elements(&nodes[*first].view.output) * sizeof(float) > LARGE;
}

static bool is_limit(fv__activation activation) {
    return activation == FV__ACTIVATION_linear || activation == FV__ACTIVATION_relu ||
           activation == FV__ACTIVATION_relu6;
}

// The last convolution of a block, or an ordinary layer. `attributes` and `inputs` are its own.
static fv_status add_linear(fv__walk *walk, int n, const char *name, const fv__op *op,
                            const linear_attributes *attributes, const int *inputs, int count, int *copy,
                            fv_error *error) {
    fv__graph *graph = &walk->out->graph;
    int first, depthwise;
    if (walk->source->nodes[n].op == &fv__op_batch_norm && ends_bottleneck(walk, n, op, inputs, &first, &depthwise)) {
        const fv__node *a = &graph->nodes[first], *b = &graph->nodes[depthwise];
        const fv__bottleneck_attributes block = {.first = *(const fv__conv2d_attributes *)a->view.attributes,
                                                 .depthwise = *(const fv__conv2d_attributes *)b->view.attributes,
                                                 .last = attributes->convolution};
        const int all[7] = {a->inputs[0], a->inputs[1], a->inputs[2], b->inputs[1], b->inputs[2], inputs[1], inputs[2]};
        if (is_limit(block.depthwise.activation) && block.last.stride[0] == 1 && block.last.stride[1] == 1) {
            return fv__graph_add(graph, name, &fv__op_bottleneck, &block, all, 7, copy, error);
        }
    }
    return fv__graph_add(graph, name, op, attributes, inputs, count, copy, error);
}

fv_status fv__walk_fold(fv__walk *walk, int n, int *copy, fv_error *error) {
    const fv__node *node = &walk->source->nodes[n];
    const bool norm = node->op == &fv__op_batch_norm;
    linear_attributes attributes;
    *copy = -1;
    if (!norm && node->op != &fv__op_activation) {
        return FV_OK;
    }
    const int before = linear_before(walk, n, &attributes);
    if (before < 0) {
        return FV_OK;
    }
    const fv__node *linear = &walk->out->graph.nodes[before];
    const fv__op *op = linear->op;
    const char *name = walk->source->nodes[node->inputs[0]].name;
    int count = linear->view.input_count, inputs[3] = {-1, -1, -1};
    memcpy(inputs, linear->inputs, (size_t)count * sizeof *inputs);
    fv_status status = FV_OK;
    if (norm) {
        status = fold_weights(walk, node, count == 3, inputs, error);
        count = 3;
    } else {
        *activation_in(op, &attributes) = ((const fv__activation_attributes *)node->view.attributes)->activation;
    }
    if (!status) {
        status = add_linear(walk, n, name, op, &attributes, inputs, count, copy, error);
    }
    if (!status) {
        note(walk, name, norm);
    }
    return status;
}
