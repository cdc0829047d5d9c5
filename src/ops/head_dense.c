// SPDX-License-Identifier: Apache-2.0
// A dense layer of which each head has its own columns and its own input:
//   y[h] = x[h] · W[h] + b[h]     dx[h] = dy[h] · W[h]ᵀ     dW[h] += x[h]ᵀ · dy[h]     db += dy
// where W[h] are the columns of head h of W (in, heads · out). Backward is cut into ranges of one head's input
// features, each of which owns its columns of dx and its part of dW.
#include "ops/check.h"
#include "ops/product.h"

enum { X, WEIGHTS, BIAS }; // inputs

enum { TILE_FEATURES = 256 }; // about

typedef struct dimensions {
    int heads, in, out; // features of a head
    int row;            // of W and y: heads · out
} dimensions;

static dimensions dimensions_of(const fv__op_node *node) {
    const int heads = node->inputs[X].size[0], row = node->inputs[WEIGHTS].size[1];
    return (dimensions){.heads = heads, .in = node->inputs[X].size[1], .out = row / heads, .row = row};
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    FV__TRY(fv__op_expect_inputs(node, "head_dense", 2, 3, "x, weights and perhaps a bias", error));
    FV__TRY(fv__op_expect_sample(node, "head_dense", X, "x", 2, 2, error));
    const fv__shape *x = &node->inputs[X], *weights = &node->inputs[WEIGHTS];
    if (!node->input_is_weight[WEIGHTS] || weights->rank != 2 || weights->size[0] != x->size[1] ||
        weights->size[1] % x->size[0]) {
        return fv__fail(error, FV_INVALID,
                        "head_dense: next to x %s the weights must be a weight of shape (%d, a multiple of %d), not %s",
                        fv__shape_print(x).text, x->size[1], x->size[0], fv__shape_print(weights).text);
    }
    if (node->input_count == 3) {
        FV__TRY(fv__op_expect_weight(node, "head_dense", BIAS, "the bias", (fv__shape){1, {weights->size[1]}}, error));
    }
    node->output = (fv__shape){.rank = 1, .size = {weights->size[1]}};
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    (void)node;
    return FV__READS_INPUT(X) | FV__READS_INPUT(WEIGHTS);
}

static int tiles_of_head(const dimensions *d) {
    return (d->in + TILE_FEATURES - 1) / TILE_FEATURES;
}

// Tiles of about equal width, whole cache lines.
static int tile_features(const dimensions *d) {
    const int count = tiles_of_head(d);
    return ((d->in + count - 1) / count + 15) / 16 * 16;
}

static int tiles(const fv__op_node *node) {
    const dimensions d = dimensions_of(node);
    return d.heads * tiles_of_head(&d);
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    const dimensions d = dimensions_of(node);
    (void)samples;
    needs->scratch = backward ? kernels->packed_size(d.out, tile_features(&d)) * sizeof(float) : 0; // W[h]ᵀ
}

static void forward(const fv__call *call) {
    const dimensions d = dimensions_of(call->node);
    for (int head = 0; head < d.heads; head++) {
        const ptrdiff_t column = (ptrdiff_t)head * d.out;
        fv__gemm product = fv__product(call->samples, d.in, d.out,
                                       fv__by_row(call->in[X] + (ptrdiff_t)head * d.in, (ptrdiff_t)d.heads * d.in),
                                       fv__by_row(call->in[WEIGHTS] + column, d.row), call->out + column, d.row);
        product.bias = call->node->input_count == 3 ? call->in[BIAS] + column : NULL;
        call->kernels->gemm(&product);
    }
}

static void backward_tile(const fv__call *call, int tile) {
    const dimensions d = dimensions_of(call->node);
    const fv__kernels *kernels = call->kernels;
    const int head = tile / tiles_of_head(&d), first = tile % tiles_of_head(&d) * tile_features(&d);
    const int width = d.in - first < tile_features(&d) ? d.in - first : tile_features(&d);
    const ptrdiff_t column = (ptrdiff_t)head * d.out, x_row = (ptrdiff_t)d.heads * d.in;
    const ptrdiff_t feature = (ptrdiff_t)head * d.in + first, weight = (ptrdiff_t)first * d.row + column;
    if (tile == 0 && call->node->input_count == 3 && call->d_in[BIAS]) {
        kernels->add_columns(call->d_out, d.row, call->d_in[BIAS], call->samples, d.row);
    }
    if (call->d_in[X]) { // forward: y[h] = x[h] · W[h], so dx[h] = dy[h] · W[h]ᵀ
        kernels->pack(d.out, width, call->in[WEIGHTS] + weight, 1, d.row, call->scratch);
        fv__multiply(kernels, call->samples, d.out, width, fv__by_row(call->d_out + column, d.row),
                     fv__packed(call->scratch), call->d_in[X] + feature, x_row);
    }
    if (call->d_in[WEIGHTS]) { // and dW[h] += x[h]ᵀ · dy[h]
        fv__multiply_add(kernels, width, call->samples, d.out, fv__by_column(call->in[X] + feature, x_row),
                         fv__by_row(call->d_out + column, d.row), call->d_in[WEIGHTS] + weight, d.row, true);
    }
}

static void backward(const fv__call *call) {
    for (int tile = 0; tile < tiles(call->node); tile++) {
        backward_tile(call, tile);
    }
}

static double multiply_adds(const fv__op_node *node) {
    const dimensions d = dimensions_of(node);
    return (double)d.heads * d.in * d.out;
}

const fv__op fv__op_head_dense = {
    .name = "head_dense",
    .infer = infer,
    .backward_reads = backward_reads,
    .needs = needs,
    .forward = forward,
    .backward = backward,
    .tiles = tiles,
    .backward_tile = backward_tile,
    .multiply_adds = multiply_adds,
};
