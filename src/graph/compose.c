// Linear layers with nothing between them are one: dense(dense(x, A), B) = dense(x, A·B), and two convolutions are one
// with a larger kernel. The weights are multiplied once a step instead of the activations, and gradients flow back
// through the product exactly.
//
// A view between two dense layers makes heads: where it splits the features of the first, B works on each head
// (A·B head by head); where it joins tokens, A worked on each head (A times each head's rows of B).
#include <string.h>

#include "graph/rewrite_internal.h"
#include "ops/convolution.h"
#include "ops/dense.h"
#include "ops/products.h"
#include "ops/tokens.h"

static const fv__node *node_at(const fv__walk *walk, int n) {
    return &walk->out->graph.nodes[n];
}

static const fv__shape *shape_at(const fv__walk *walk, int n) {
    return fv__graph_shape(&walk->out->graph, n);
}

// The node of the new graph that computes what source node n reads, if that is a private `op` seen through private
// views; -1 otherwise.
static int linear_before(const fv__walk *walk, int n, const fv__op *op) {
    int source = walk->source->nodes[n].inputs[0];
    int copy = walk->out->node_of[source];
    while (walk->source->nodes[source].op->view && fv__walk_is_private(walk, source)) {
        source = walk->source->nodes[source].inputs[0];
    }
    while (node_at(walk, copy)->op->view) {
        copy = node_at(walk, copy)->inputs[0];
    }
    bool found =
        walk->source->nodes[source].op == op && fv__walk_is_private(walk, source) && node_at(walk, copy)->op == op;
    return found ? copy : -1;
}

static void note(fv__walk *walk, int node, const char *first, const char *second, double before, double after) {
    if (strcmp(first, second) == 0) {
        fv__walk_note(walk, node, "two linear layers of %s are one" FV__NOTE_GAIN, second, after * 1e-6, before * 1e-6);
    } else {
        fv__walk_note(walk, node, "%s and %s are one layer" FV__NOTE_GAIN, first, second, after * 1e-6, before * 1e-6);
    }
}

// Y = A · X (+ offset), nodes of the new graph; offset may be -1.
static fv_status multiply(fv__walk *walk, const char *name, fv__weight_product_attributes attributes, int a, int x,
                          int offset, int *node, fv_error *error) {
    int inputs[3] = {a, x, offset};
    return fv__walk_add(walk, name, &fv__op_weight_product, &attributes, inputs, offset >= 0 ? 3 : 2, node, error);
}

static fv_status view(fv__walk *walk, const char *name, int input, const fv__shape *shape, int *node, fv_error *error) {
    *node = input;
    if (fv__shape_equal(shape_at(walk, input), shape)) {
        return FV_OK;
    }
    return fv__walk_add(walk, name, &fv__op_reshape, &(fv__reshape_attributes){*shape}, &input, 1, node, error);
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

static bool find_dense_pair(const fv__walk *walk, int n, dense_pair *pair) {
    const fv__node *second = &walk->source->nodes[n];
    int before = linear_before(walk, n, &fv__op_dense);
    if (before < 0) {
        return false;
    }
    const fv__node *first = node_at(walk, before);
    if (((const fv__dense_attributes *)first->view.attributes)->activation != FV__ACTIVATION_linear) {
        return false;
    }
    *pair = (dense_pair){.name = first->name,
                         .x = first->inputs[0],
                         .a = first->inputs[1],
                         .a_bias = first->view.input_count == 3 ? first->inputs[2] : -1,
                         .b = walk->out->node_of[second->inputs[1]],
                         .b_bias = second->view.input_count == 3 ? walk->out->node_of[second->inputs[2]] : -1,
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
static fv_status multiply_dense(fv__walk *walk, const char *name, const dense_pair *pair, int *weight, int *bias,
                                fv_error *error) {
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
    fv_status status = multiply(walk, name, product, pair->a, pair->b, -1, weight, error);
    *bias = pair->b_bias;
    if (!status && pair->a_bias >= 0) {
        status = multiply(walk, name, offset, pair->a_bias, pair->b, pair->b_bias, bias, error);
    }
    return status;
}

static fv_status compose_dense(fv__walk *walk, int n, const void *attributes, int *copy, fv_error *error) {
    const fv__node *second = &walk->source->nodes[n];
    dense_pair pair;
    if (!find_dense_pair(walk, n, &pair)) {
        return FV_OK;
    }
    double rows = (double)fv__shape_elements(shape_at(walk, pair.x)) / pair.in;
    double before = rows * pair.in * pair.middle + fv__node_multiply_adds(second);
    double after = rows * pair.in * pair.out * (pair.splits ? pair.heads : 1);
    double cost = (double)pair.in * pair.middle * pair.out * (pair.splits ? 1 : pair.heads);
    if (!fv__walk_pays(walk, before - after, cost)) {
        return FV_OK;
    }
    int inputs[3];
    fv__shape joined = second->view.inputs[0];
    joined.size[joined.rank - 1] = pair.heads * pair.in;
    fv_status status = multiply_dense(walk, second->name, &pair, &inputs[1], &inputs[2], error);
    inputs[0] = pair.x;
    if (!status && !pair.splits) {
        status = view(walk, second->name, pair.x, &joined, &inputs[0], error);
    }
    int dense = -1;
    if (!status) {
        status =
            fv__walk_add(walk, second->name, &fv__op_dense, attributes, inputs, inputs[2] >= 0 ? 3 : 2, &dense, error);
    }
    if (!status) {
        status = view(walk, second->name, dense, &second->view.output, copy, error);
    }
    if (!status) {
        note(walk, *copy, pair.name, second->name, before, after);
    }
    return status;
}

// Whether a convolution and the one that reads its image, as it is, are one with strides that stay within reason.
static bool are_one_convolution(const fv__node *first, const fv__node *second) {
    enum { MOST = 1 << 12 };
    const fv__conv2d_attributes *a = first->view.attributes, *b = second->view.attributes;
    return a->activation == FV__ACTIVATION_linear && a->padding == FV__PADDING_VALID &&
           b->padding == FV__PADDING_VALID && fv__shape_equal(&first->view.output, &second->view.inputs[0]) &&
           a->stride[0] * b->stride[0] <= MOST && a->stride[1] * b->stride[1] <= MOST;
}

static fv_status compose_conv2d(fv__walk *walk, int n, const void *attributes, int *copy, fv_error *error) {
    const fv__node *second = &walk->source->nodes[n];
    fv__conv2d_attributes joined = *(const fv__conv2d_attributes *)attributes;
    int before = linear_before(walk, n, &fv__op_conv2d);
    if (before < 0 || !are_one_convolution(node_at(walk, before), second)) {
        return FV_OK;
    }
    const fv__node first = *node_at(walk, before); // a copy: adding nodes moves them
    const fv__conv2d_attributes *moves = first.view.attributes;
    const fv__shape *a = &first.view.inputs[1], *b = &second->view.inputs[1];
    fv__convolution_product_attributes product = {{moves->stride[0], moves->stride[1]}};
    double height = (b->size[0] - 1) * moves->stride[0] + a->size[0];
    double width = (b->size[1] - 1) * moves->stride[1] + a->size[1];
    double out = (double)fv__shape_elements(&second->view.output);
    double separate = fv__node_multiply_adds(&first) + fv__node_multiply_adds(second);
    double together = out * height * width * a->size[2];
    double cost = (double)fv__shape_elements(a) * b->size[0] * b->size[1] * b->size[3];
    if (!fv__walk_pays(walk, separate - together, cost)) {
        return FV_OK;
    }
    int kernels[2] = {first.inputs[1], walk->out->node_of[second->inputs[1]]};
    int inputs[3] = {first.inputs[0], -1, second->view.input_count == 3 ? walk->out->node_of[second->inputs[2]] : -1};
    fv_status status =
        fv__walk_add(walk, second->name, &fv__op_convolution_product, &product, kernels, 2, &inputs[1], error);
    if (!status && first.view.input_count == 3) { // the first's bias passes every tap of the second
        fv__weight_product_attributes offset = {.rows = 1,
                                                .inner = b->size[2],
                                                .blocks = b->size[0] * b->size[1],
                                                .columns = b->size[3],
                                                .sum_blocks = true,
                                                .shape = {1, {b->size[3]}}};
        status = multiply(walk, second->name, offset, first.inputs[2], kernels[1], inputs[2], &inputs[2], error);
    }
    joined.stride[0] *= moves->stride[0];
    joined.stride[1] *= moves->stride[1];
    if (!status) {
        status = fv__walk_add(walk, second->name, &fv__op_conv2d, &joined, inputs, inputs[2] >= 0 ? 3 : 2, copy, error);
    }
    if (!status) {
        note(walk, *copy, first.name, second->name, separate, together);
    }
    return status;
}

fv_status fv__walk_compose(fv__walk *walk, int n, const void *attributes, int *copy, fv_error *error) {
    const fv__op *op = walk->source->nodes[n].op;
    *copy = -1;
    return op == &fv__op_dense    ? compose_dense(walk, n, attributes, copy, error)
           : op == &fv__op_conv2d ? compose_conv2d(walk, n, attributes, copy, error)
                                  : FV_OK;
}
