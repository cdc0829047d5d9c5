// SPDX-License-Identifier: Apache-2.0
// Dense layer: y = activation(x · W + b) over the last axis of x, each token (or pixel) alike.
//   dPre = dy ∘ activation'     dx = dPre · Wᵀ     dW += xᵀ · dPre     db += column sums of dPre
//
// At sample cadence W and Wᵀ are packed once a step and one call is one product over the tokens of all its samples. At
// batch cadence (the weights outweigh the activations) backward is cut into ranges of input features, each of which owns
// its columns of dx and its rows of dW, and forward reads W where it is, unless it is used more than once (without a
// backward, or for the many tokens of a sample) and so worth packing.
#include "ops/dense.h"
#include "ops/activated.h"
#include "ops/check.h"
#include "ops/product.h"

enum {
    TILE_FEATURES = 128, // about: few enough that threads get as many as each other
    MANY_TOKENS = 8      // rows enough for packing W to cost little
};

typedef struct dimensions {
    int tokens; // of one sample
    int in, out;
    fv__activation activation;
    bool packed; // `prepared` holds packed W, then packed Wᵀ
} dimensions;

static dimensions dimensions_of(const fv__op_node *node) {
    const fv__dense_attributes *attributes = node->attributes;
    dimensions d = {.tokens = 1,
                    .in = node->inputs[1].size[0],
                    .out = node->inputs[1].size[1],
                    .activation = attributes->activation,
                    .packed = node->cadence == FV__CADENCE_SAMPLE};
    for (int axis = 0; axis < node->inputs[0].rank - 1; axis++) {
        d.tokens *= node->inputs[0].size[axis];
    }
    return d;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    if (node->input_count != 2 && node->input_count != 3) {
        return fv__fail(error, FV_INVALID, "dense takes x, weights and, if wanted, a bias, not %d inputs",
                        node->input_count);
    }
    const fv__shape *x = &node->inputs[0], *weights = &node->inputs[1], *bias = &node->inputs[2];
    if (weights->rank != 2 || !node->input_is_weight[1]) {
        return fv__fail(error, FV_INVALID, "dense: the weights must be a weight of shape (in, out), not %s",
                        fv__shape_print(weights).text);
    }
    FV__TRY(fv__op_expect_sample(node, "dense", 0, "x", 1, FV__MAX_RANK, error));
    if (x->size[x->rank - 1] != weights->size[0]) {
        return fv__fail(error, FV_INVALID, "dense: the last axis of x %s must be the first of the weights %s",
                        fv__shape_print(x).text, fv__shape_print(weights).text);
    }
    if (node->input_count == 3 && (bias->rank != 1 || bias->size[0] != weights->size[1] || !node->input_is_weight[2])) {
        return fv__fail(error, FV_INVALID, "dense: the bias must be a weight of shape (%d), not %s", weights->size[1],
                        fv__shape_print(bias).text);
    }
    node->output = *x;
    node->output.size[x->rank - 1] = weights->size[1];
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    return FV__READS_INPUT(0) | FV__READS_INPUT(1) | fv__activated_reads(dimensions_of(node).activation);
}

static int tiles(const fv__op_node *node) {
    return (dimensions_of(node).in + TILE_FEATURES - 1) / TILE_FEATURES;
}

// Tiles of about equal width, whole cache lines.
static int tile_features(const fv__op_node *node) {
    int count = tiles(node);
    return ((dimensions_of(node).in + count - 1) / count + 15) / 16 * 16;
}

static size_t gradient_floats(const dimensions *d, int samples) {
    return d->activation == FV__ACTIVATION_linear ? 0 : (size_t)samples * (size_t)d->tokens * (size_t)d->out;
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    dimensions d = dimensions_of(node);
    size_t prepared = 0, saved = 0, scratch = 0;
    if (d.packed || (node->cadence == FV__CADENCE_BATCH && (!backward || d.tokens > MANY_TOKENS))) {
        prepared = kernels->packed_size(d.in, d.out);
    }
    if (backward) {
        saved = fv__activated_saves(d.activation) ? (size_t)d.tokens * (size_t)d.out : 0;
        scratch = gradient_floats(&d, samples);
        if (d.packed) {
            prepared += kernels->packed_size(d.out, d.in);
        } else {
            scratch += kernels->packed_size(d.out, tile_features(node));
        }
    }
    *needs = (fv__op_needs){prepared * sizeof(float), saved * sizeof(float), scratch * sizeof(float)};
}

static void prepare(const fv__call *call, bool backward) {
    dimensions d = dimensions_of(call->node);
    if (!call->prepared) {
        return;
    }
    float *packed = call->prepared;
    call->kernels->pack(d.in, d.out, call->in[1], d.out, 1, packed);
    if (backward && d.packed) {
        call->kernels->pack(d.out, d.in, call->in[1], 1, d.out, packed + call->kernels->packed_size(d.in, d.out));
    }
}

static fv__gemm product_of(const fv__call *call, const dimensions *d) {
    const fv__matrix weights = call->prepared ? fv__packed(call->prepared) : fv__by_row(call->in[1], d->out);
    fv__gemm product = fv__product(call->samples * d->tokens, d->in, d->out, fv__by_row(call->in[0], d->in), weights,
                                   call->out, d->out);
    product.bias = call->node->input_count == 3 ? call->in[2] : NULL;
    return product;
}

static void forward(const fv__call *call) {
    const dimensions d = dimensions_of(call->node);
    const fv__gemm product = product_of(call, &d);
    fv__activated_product(call->kernels, &product, d.activation, call->saved);
}

static int slices(const fv__op_node *node, const fv__kernels *kernels) {
    const dimensions d = dimensions_of(node);
    return fv__activated_slices(kernels, d.tokens, d.out);
}

static void forward_slices(const fv__call *call, int begin, int end) {
    const dimensions d = dimensions_of(call->node);
    const fv__gemm product = product_of(call, &d);
    fv__activated_product_slices(call->kernels, &product, d.activation, begin, end);
}

// The part of backward that belongs to the input features [first, first + width). `transposed`: Wᵀ of these features,
// packed, (out, width).
static void backward_features(const fv__call *call, const dimensions *d, const float *d_pre, const float *transposed,
                              int first, int width) {
    int rows = call->samples * d->tokens;
    if (call->d_in[0]) { // forward: y = x · W, so dx = dPre · Wᵀ
        fv__multiply(call->kernels, rows, d->out, width, fv__by_row(d_pre, d->out), fv__packed(transposed),
                     call->d_in[0] + first, d->in);
    }
    if (call->d_in[1]) { // and dW += xᵀ · dPre
        fv__multiply_add(call->kernels, width, rows, d->out, fv__by_column(call->in[0] + first, d->in),
                         fv__by_row(d_pre, d->out), call->d_in[1] + (ptrdiff_t)first * d->out, d->out, true);
    }
}

static void backward_tile(const fv__call *call, int tile) {
    dimensions d = dimensions_of(call->node);
    const fv__kernels *kernels = call->kernels;
    int width = tile_features(call->node), first = tile * width, rows = call->samples * d.tokens;
    width = d.in - first < width ? d.in - first : width;
    float *scratch = call->scratch, *transposed = scratch + gradient_floats(&d, call->samples);
    // Every tile computes dPre again: little next to its products, and tiles share nothing.
    const float *d_pre = fv__activated_gradient(kernels, d.activation, (size_t)rows * (size_t)d.out, call->d_out,
                                                call->out, call->saved, scratch);
    if (tile == 0 && call->node->input_count == 3 && call->d_in[2]) {
        kernels->add_columns(d_pre, d.out, call->d_in[2], rows, d.out);
    }
    if (call->d_in[0]) {
        kernels->pack(d.out, width, call->in[1] + (ptrdiff_t)first * d.out, 1, d.out, transposed);
    }
    backward_features(call, &d, d_pre, transposed, first, width);
}

static void backward(const fv__call *call) {
    dimensions d = dimensions_of(call->node);
    if (!d.packed) {
        for (int tile = 0; tile < tiles(call->node); tile++) {
            backward_tile(call, tile);
        }
        return;
    }
    int rows = call->samples * d.tokens;
    const float *d_pre = fv__activated_gradient(call->kernels, d.activation, (size_t)rows * (size_t)d.out, call->d_out,
                                                call->out, call->saved, call->scratch);
    if (call->node->input_count == 3 && call->d_in[2]) {
        call->kernels->add_columns(d_pre, d.out, call->d_in[2], rows, d.out);
    }
    const float *packed = call->prepared;
    backward_features(call, &d, d_pre, packed + call->kernels->packed_size(d.in, d.out), 0, d.in);
}

static double multiply_adds(const fv__op_node *node) {
    dimensions d = dimensions_of(node);
    return (double)d.tokens * d.in * d.out;
}

const fv__op fv__op_dense = {.name = "dense",
                             .attributes_size = sizeof(fv__dense_attributes),
                             .infer = infer,
                             .backward_reads = backward_reads,
                             .needs = needs,
                             .prepare = prepare,
                             .forward = forward,
                             .backward = backward,
                             .tiles = tiles,
                             .backward_tile = backward_tile,
                             .slices = slices,
                             .forward_slices = forward_slices,
                             .multiply_adds = multiply_adds};
