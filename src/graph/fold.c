// SPDX-License-Identifier: Apache-2.0
// What follows a linear layer becomes part of it: a batch norm by stored statistics changes its weights, once a step
//   (x · W + b) · s + t = x · (W · s) + (b · s + t)
// and an activation runs where the layer writes its output, while that is still near the core. Three convolutions that
// are an inverted residual block are one op where what lies between them is large and nobody wants its gradient.
#include <string.h>

#include "graph/rewrite_internal.h"
#include "ops/pointwise.h"

// Attributes of a linear layer.
typedef union linear_attributes {
    fv__dense_attributes dense;
    fv__conv2d_attributes convolution;
} linear_attributes;

static void note(fv__rewriter *rewriter, const char *name, bool norm) {
    if (rewriter->fold_name && strcmp(rewriter->fold_name, name)) {
        fv__rewriter_note_folds(rewriter);
    }
    rewriter->fold_name = name;
    rewriter->folded_norms += norm;
    rewriter->folded_activations += !norm;
}

void fv__rewriter_note_folds(fv__rewriter *rewriter) {
    if (rewriter->fold_name) {
        fv__rewriter_note(rewriter, -1, "%s: %d batch norms and %d activations are part of the layers before them",
                          rewriter->fold_name, rewriter->folded_norms, rewriter->folded_activations);
    }
    rewriter->fold_name = NULL;
    rewriter->folded_norms = rewriter->folded_activations = 0;
}

// The weights of the layer before a batch norm (inputs 1 and perhaps 2 of `inputs`), with the norm in them.
static fv_status fold_weights(fv__rewriter *rewriter, const fv__node *norm, int inputs[3], fv_error *error) {
    enum { GAMMA = 1, BETA, MEAN, VARIANCE };
    int weights[5];
    for (int i = GAMMA; i <= VARIANCE; i++) {
        weights[i] = rewriter->out->node_of[norm->inputs[i]];
    }
    const int kernel[3] = {inputs[1], weights[GAMMA], weights[VARIANCE]};
    const int bias[5] = {weights[GAMMA], weights[BETA], weights[MEAN], weights[VARIANCE], inputs[2]};
    const void *attributes = norm->view.attributes;
    FV__TRY(fv__rewriter_add(rewriter, norm->name, &fv__op_folded_kernel, attributes, kernel, 3, &inputs[1], error));
    return fv__rewriter_add(rewriter, norm->name, &fv__op_folded_bias, attributes, bias, inputs[2] < 0 ? 4 : 5,
                            &inputs[2], error);
}

// Whether node `last`, about to be added with these inputs after source node n, ends an inverted residual block in the
// new graph: *first and *depthwise are its other two convolutions.
static bool ends_bottleneck(const fv__rewriter *rewriter, int n, const fv__op *op, const int *inputs, int *first,
                            int *depthwise) {
    enum { LARGE = 512 * 1024 }; // bytes that do not stay near the core
    const fv__node *nodes = rewriter->out->graph.nodes, *source = rewriter->source->nodes;
    const int *kernel = fv__graph_shape(&rewriter->out->graph, inputs[1])->size;
    int before = source[source[n].inputs[0]].inputs[0]; // what the last convolution reads
    *depthwise = rewriter->out->node_of[before];
    if (rewriter->trained[n] || op != &fv__op_conv2d || kernel[0] != 1 || kernel[1] != 1 ||
        !fv__rewriter_is_private(rewriter, before) || nodes[*depthwise].op != &fv__op_depthwise_conv2d) {
        return false;
    }
    while (source[before].op != &fv__op_depthwise_conv2d) { // through what was folded into it
        before = source[before].inputs[0];
    }
    before = source[before].inputs[0];
    *first = rewriter->out->node_of[before];
    return fv__rewriter_is_private(rewriter, before) && nodes[*first].op == &fv__op_conv2d &&
           nodes[*first].view.input_count == 3 && nodes[*depthwise].view.input_count == 3 &&
           fv__shape_elements(&nodes[*first].view.output) * sizeof(float) > LARGE;
}

static bool is_limit(fv__activation activation) {
    return activation == FV__ACTIVATION_linear || activation == FV__ACTIVATION_relu ||
           activation == FV__ACTIVATION_relu6;
}

// The last convolution of a block, or an ordinary layer. `attributes` and `inputs` are its own.
static fv_status add_linear(fv__rewriter *rewriter, int n, const char *name, const fv__op *op,
                            const linear_attributes *attributes, const int inputs[3], int *copy, fv_error *error) {
    int first, depthwise;
    if (rewriter->source->nodes[n].op == &fv__op_batch_norm &&
        ends_bottleneck(rewriter, n, op, inputs, &first, &depthwise)) {
        const fv__node *a = &rewriter->out->graph.nodes[first], *b = &rewriter->out->graph.nodes[depthwise];
        const fv__bottleneck_attributes block = {.first = *(const fv__conv2d_attributes *)a->view.attributes,
                                                 .depthwise = *(const fv__conv2d_attributes *)b->view.attributes,
                                                 .last = attributes->convolution};
        const int all[7] = {a->inputs[0], a->inputs[1], a->inputs[2], b->inputs[1], b->inputs[2], inputs[1], inputs[2]};
        if (is_limit(block.depthwise.activation) && block.last.stride[0] == 1 && block.last.stride[1] == 1) {
            return fv__rewriter_add(rewriter, name, &fv__op_bottleneck, &block, all, 7, copy, error);
        }
    }
    return fv__rewriter_add_biased(rewriter, name, op, attributes, inputs, copy, error);
}

fv_status fv__rewriter_fold(fv__rewriter *rewriter, int n, int *copy, fv_error *error) {
    const fv__node *node = &rewriter->source->nodes[n];
    const bool norm = node->op == &fv__op_batch_norm;
    int source;
    if (!norm && node->op != &fv__op_activation) {
        return FV_OK;
    }
    const int before = fv__rewriter_linear_before(rewriter, n, false, &source);
    if (before < 0) {
        return FV_OK;
    }
    const fv__node *linear = &rewriter->out->graph.nodes[before];
    const fv__op *op = linear->op;
    const char *name = rewriter->source->nodes[source].name;
    int inputs[3] = {linear->inputs[0], linear->inputs[1], fv__node_bias(linear)};
    linear_attributes attributes;
    memcpy(&attributes, linear->view.attributes, op->attributes_size);
    if (norm) {
        FV__TRY(fold_weights(rewriter, node, inputs, error));
    } else {
        const fv__activation activation = ((const fv__activation_attributes *)node->view.attributes)->activation;
        *(op == &fv__op_dense ? &attributes.dense.activation : &attributes.convolution.activation) = activation;
    }
    FV__TRY(add_linear(rewriter, n, name, op, &attributes, inputs, copy, error));
    note(rewriter, name, norm);
    return FV_OK;
}
