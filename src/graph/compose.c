// SPDX-License-Identifier: Apache-2.0
// Linear layers with nothing between them are one: dense(dense(x, A), B) = dense(x, A·B), and two convolutions are one
// with a larger kernel. The weights are multiplied once a step instead of the activations, and gradients flow back
// through the product exactly.
//
// A view between two dense layers makes heads: where it splits the features of the first, B works on each head
// (A·B head by head); where it joins tokens, A worked on each head (A times each head's rows of B).
#include <string.h>

#include "graph/rewrite_internal.h"
#include "ops/tokens.h"
#include "ops/weight_products.h"

static const fv__node *node_at(const fv__rewriter *rewriter, int n) {
    return &rewriter->out->graph.nodes[n];
}

static const fv__shape *shape_at(const fv__rewriter *rewriter, int n) {
    return fv__graph_shape(&rewriter->out->graph, n);
}

// The linear layer before source node n, of the same op and perhaps before views; -1: there is none.
static int same_before(const fv__rewriter *rewriter, int n) {
    int source;
    const fv__op *op = rewriter->source->nodes[n].op;
    const int copy = fv__rewriter_linear_before(rewriter, n, true, &source);
    return copy >= 0 && node_at(rewriter, copy)->op == op && rewriter->source->nodes[source].op == op ? copy : -1;
}

static void note(fv__rewriter *rewriter, int node, const char *first, const char *second, double before, double after) {
    if (strcmp(first, second) == 0) {
        fv__rewriter_note(rewriter, node, "two linear layers of %s are one" FV__NOTE_GAIN, second, after * 1e-6,
                          before * 1e-6);
    } else {
        fv__rewriter_note(rewriter, node, "%s and %s are one layer" FV__NOTE_GAIN, first, second, after * 1e-6,
                          before * 1e-6);
    }
}

// Y = A · X (+ offset), nodes of the new graph; offset may be -1.
static fv_status multiply(fv__rewriter *rewriter, const char *name, fv__weight_product_attributes attributes, int a,
                          int x, int offset, int *node, fv_error *error) {
    return fv__rewriter_add_biased(rewriter, name, &fv__op_weight_product, &attributes, (const int[]){a, x, offset},
                                   node, error);
}

static fv_status view(fv__rewriter *rewriter, const char *name, int input, const fv__shape *shape, int *node,
                      fv_error *error) {
    *node = input;
    if (fv__shape_equal(shape_at(rewriter, input), shape)) {
        return FV_OK;
    }
    return fv__rewriter_add(rewriter, name, &fv__op_reshape, &(fv__reshape_attributes){*shape}, &input, 1, node, error);
}

// Two dense layers, nodes of the new graph: the first as it is there, the second as its source and weights.
typedef struct dense_pair {
    const char *name;           // of the first
    int x, a, a_bias;           // the first's input and weights; bias -1: none
    int b, b_bias;              // the second's
    int in, middle, inner, out; // A is (in, middle), B is (inner, out)
    int heads;
    bool splits; // middle = heads * inner; otherwise inner = heads * middle
} dense_pair;

static bool find_dense_pair(const fv__rewriter *rewriter, int n, dense_pair *pair) {
    const fv__node *second = &rewriter->source->nodes[n];
    const int before = same_before(rewriter, n);
    if (before < 0) {
        return false;
    }
    const fv__node *first = node_at(rewriter, before);
    *pair = (dense_pair){.name = first->name,
                         .x = first->inputs[0],
                         .a = first->inputs[1],
                         .a_bias = fv__node_bias(first),
                         .b = rewriter->out->node_of[second->inputs[1]],
                         .b_bias = fv__rewriter_bias_of(rewriter, second),
                         .in = first->view.inputs[1].size[0],
                         .middle = first->view.inputs[1].size[1],
                         .inner = second->view.inputs[1].size[0],
                         .out = second->view.inputs[1].size[1]};
    pair->splits = pair->middle % pair->inner == 0;
    pair->heads = pair->splits ? pair->middle / pair->inner : pair->inner / pair->middle;
    // A bias of B alone would have to be repeated for each head.
    bool repeats = pair->splits && pair->heads > 1 && pair->a_bias < 0 && pair->b_bias >= 0;
    return (pair->splits || pair->inner % pair->middle == 0) && !repeats;
}

// A·B, and the bias that goes with it (-1: none).
static fv_status multiply_dense(fv__rewriter *rewriter, const char *name, const dense_pair *pair, int *weight,
                                int *bias, fv_error *error) {
    fv__weight_product_attributes product = {.inner = pair->inner, .blocks = 1, .columns = pair->out};
    fv__weight_product_attributes offset = product;
    if (pair->splits) {
        product.rows = pair->in * pair->heads;
        product.shape = (fv__shape){2, {pair->in, pair->heads * pair->out}};
        offset.rows = pair->heads;
        offset.shape = (fv__shape){1, {pair->heads * pair->out}};
    } else {
        product.inner = offset.inner = pair->middle;
        product.blocks = offset.blocks = pair->heads;
        product.rows = pair->in;
        product.shape = (fv__shape){2, {pair->heads * pair->in, pair->out}};
        offset.rows = 1;
        offset.sum_blocks = true;
        offset.shape = (fv__shape){1, {pair->out}};
    }
    FV__TRY(multiply(rewriter, name, product, pair->a, pair->b, -1, weight, error));
    *bias = pair->b_bias;
    return pair->a_bias < 0 ? FV_OK
                            : multiply(rewriter, name, offset, pair->a_bias, pair->b, pair->b_bias, bias, error);
}

static fv_status compose_dense(fv__rewriter *rewriter, int n, const void *attributes, int *copy, fv_error *error) {
    const fv__node *second = &rewriter->source->nodes[n];
    dense_pair pair;
    if (!find_dense_pair(rewriter, n, &pair)) {
        return FV_OK;
    }
    double rows = (double)fv__shape_elements(shape_at(rewriter, pair.x)) / pair.in;
    double before = rows * pair.in * pair.middle + fv__node_multiply_adds(second);
    double after = rows * pair.in * pair.out * (pair.splits ? pair.heads : 1);
    double cost = (double)pair.in * pair.middle * pair.out * (pair.splits ? 1 : pair.heads);
    if (!fv__rewriter_pays(rewriter, before - after, cost)) {
        return FV_OK;
    }
    int inputs[3] = {pair.x, -1, -1}, dense;
    fv__shape joined = second->view.inputs[0];
    joined.size[joined.rank - 1] = pair.heads * pair.in;
    FV__TRY(multiply_dense(rewriter, second->name, &pair, &inputs[1], &inputs[2], error));
    if (!pair.splits) {
        FV__TRY(view(rewriter, second->name, pair.x, &joined, &inputs[0], error));
    }
    FV__TRY(fv__rewriter_add_biased(rewriter, second->name, &fv__op_dense, attributes, inputs, &dense, error));
    FV__TRY(view(rewriter, second->name, dense, &second->view.output, copy, error));
    note(rewriter, *copy, pair.name, second->name, before, after);
    return FV_OK;
}

// Whether a convolution and the one that reads its image, as it is, are one with strides that stay within reason.
static bool are_one_convolution(const fv__node *first, const fv__node *second) {
    enum { MOST = 1 << 12 };
    const fv__conv2d_attributes *a = first->view.attributes, *b = second->view.attributes;
    return a->padding == FV__PADDING_VALID && b->padding == FV__PADDING_VALID &&
           fv__shape_equal(&first->view.output, &second->view.inputs[0]) && a->stride[0] * b->stride[0] <= MOST &&
           a->stride[1] * b->stride[1] <= MOST;
}

static fv_status compose_conv2d(fv__rewriter *rewriter, int n, const void *attributes, int *copy, fv_error *error) {
    const fv__node *second = &rewriter->source->nodes[n];
    fv__conv2d_attributes joined = *(const fv__conv2d_attributes *)attributes;
    const int before = same_before(rewriter, n);
    if (before < 0 || !are_one_convolution(node_at(rewriter, before), second)) {
        return FV_OK;
    }
    const fv__node first = *node_at(rewriter, before); // a copy: adding nodes moves them
    const fv__conv2d_attributes *moves = first.view.attributes;
    const fv__shape *a = &first.view.inputs[1], *b = &second->view.inputs[1];
    fv__convolution_product_attributes product = {{moves->stride[0], moves->stride[1]}};
    double height = (b->size[0] - 1) * moves->stride[0] + a->size[0];
    double width = (b->size[1] - 1) * moves->stride[1] + a->size[1];
    double out = (double)fv__shape_elements(&second->view.output);
    double separate = fv__node_multiply_adds(&first) + fv__node_multiply_adds(second);
    double together = out * height * width * a->size[2];
    double cost = (double)fv__shape_elements(a) * b->size[0] * b->size[1] * b->size[3];
    if (!fv__rewriter_pays(rewriter, separate - together, cost)) {
        return FV_OK;
    }
    const int kernels[2] = {first.inputs[1], rewriter->out->node_of[second->inputs[1]]};
    int inputs[3] = {first.inputs[0], -1, fv__rewriter_bias_of(rewriter, second)};
    FV__TRY(
        fv__rewriter_add(rewriter, second->name, &fv__op_convolution_product, &product, kernels, 2, &inputs[1], error));
    if (fv__node_bias(&first) >= 0) { // the first's bias passes every tap of the second
        const fv__weight_product_attributes offset = {.rows = 1,
                                                      .inner = b->size[2],
                                                      .blocks = b->size[0] * b->size[1],
                                                      .columns = b->size[3],
                                                      .sum_blocks = true,
                                                      .shape = {1, {b->size[3]}}};
        FV__TRY(multiply(rewriter, second->name, offset, first.inputs[2], kernels[1], inputs[2], &inputs[2], error));
    }
    joined.stride[0] *= moves->stride[0];
    joined.stride[1] *= moves->stride[1];
    FV__TRY(fv__rewriter_add_biased(rewriter, second->name, &fv__op_conv2d, &joined, inputs, copy, error));
    note(rewriter, *copy, first.name, second->name, separate, together);
    return FV_OK;
}

fv_status fv__rewriter_compose(fv__rewriter *rewriter, int n, const void *attributes, int *copy, fv_error *error) {
    const fv__op *op = rewriter->source->nodes[n].op;
    if (op == &fv__op_dense) {
        return compose_dense(rewriter, n, attributes, copy, error);
    }
    return op == &fv__op_conv2d ? compose_conv2d(rewriter, n, attributes, copy, error) : FV_OK;
}
