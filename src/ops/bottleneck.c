// SPDX-License-Identifier: Apache-2.0
// The three convolutions of an inverted residual block (Sandler et al. 2018) as one: any first, a depthwise one, and a
// 1×1 last,
//   y = last(depthwise(first(x)))
// The wide image between them is made and used up strip by strip of rows, and never leaves the core's cache. Rows that
// two strips share are moved, not computed again. There is no derivative: the algebra pass makes these of frozen
// layers.
//
// Inputs x, and kernel and bias of each of the three.
#include <math.h>
#include <string.h>

#include "ops/activated.h"
#include "ops/check.h"
#include "ops/conv2d_layout.h"
#include "ops/product.h"

enum { X, FIRST, FIRST_BIAS, DEPTHWISE, DEPTHWISE_BIAS, LAST, LAST_BIAS, INPUTS };
enum { STRIP_FLOATS = 64 * 1024 }; // of the wide image: about 256 KiB

// Everything that follows from the node.
typedef struct geometry {
    const fv__bottleneck_attributes *attributes;
    fv__conv2d_geometry first;
    fv__windows windows; // of the depthwise convolution on the first's output
    int filters;         // of the last
    int rows;            // of the output at a time
    size_t line;         // floats of a row of the wide image
} geometry;

static geometry geometry_of(const fv__op_node *node) {
    const fv__bottleneck_attributes *a = node->attributes;
    const fv__op_node first = {.attributes = &a->first, .inputs = {node->inputs[X], node->inputs[FIRST]}};
    geometry g = {
        .attributes = a, .first = fv__conv2d_geometry_of(&first), .filters = fv__shape_features(&node->inputs[LAST])};
    const fv__shape image = {.rank = 3, .size = {g.first.rows, g.first.columns, g.first.filters}};
    g.windows = fv__windows_over(&image, node->inputs[DEPTHWISE].size, a->depthwise.stride, a->depthwise.padding);
    g.line = (size_t)g.first.columns * (size_t)g.first.filters;
    const int fitting = (int)(STRIP_FLOATS / (g.line ? g.line : 1));
    const int rows = (fitting - g.windows.size[0]) / g.windows.stride[0] + 1;
    g.rows = fitting < g.windows.size[0] || rows < 1 ? 1 : rows < g.windows.rows ? rows : g.windows.rows;
    return g;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    static const char op[] = "bottleneck";
    FV__TRY(fv__op_expect_inputs(node, op, INPUTS, INPUTS, "x and three kernels with their biases", error));
    FV__TRY(fv__op_expect_sample(node, op, X, "x", 3, 3, error));
    const int in = node->inputs[X].size[2], wide = fv__shape_features(&node->inputs[FIRST]);
    const int *first = node->inputs[FIRST].size, *depthwise = node->inputs[DEPTHWISE].size;
    const int filters = fv__shape_features(&node->inputs[LAST]);
    FV__TRY(fv__op_expect_weight(node, op, FIRST, "the first kernel", (fv__shape){4, {first[0], first[1], in, wide}},
                                 error));
    FV__TRY(fv__op_expect_weight(node, op, FIRST_BIAS, "the first bias", (fv__shape){1, {wide}}, error));
    FV__TRY(fv__op_expect_weight(node, op, DEPTHWISE, "the depthwise kernel",
                                 (fv__shape){4, {depthwise[0], depthwise[1], wide, 1}}, error));
    FV__TRY(fv__op_expect_weight(node, op, DEPTHWISE_BIAS, "the depthwise bias", (fv__shape){1, {wide}}, error));
    FV__TRY(fv__op_expect_weight(node, op, LAST, "the last kernel", (fv__shape){4, {1, 1, wide, filters}}, error));
    FV__TRY(fv__op_expect_weight(node, op, LAST_BIAS, "the last bias", (fv__shape){1, {filters}}, error));
    const geometry g = geometry_of(node);
    if (g.first.rows < 1 || g.first.columns < 1 || g.windows.rows < 1 || g.windows.columns < 1) {
        return fv__fail(error, FV_INVALID, "%s: a kernel does not fit into the image %s", op,
                        fv__shape_print(&node->inputs[X]).text);
    }
    node->output = (fv__shape){.rank = 3, .size = {g.windows.rows, g.windows.columns, filters}};
    return FV_OK;
}

// Rows of the first's output that a strip reads, at most.
static size_t strip_floats(const geometry *g) {
    return (size_t)((g->rows - 1) * g->windows.stride[0] + g->windows.size[0]) * g->line;
}

static size_t middle_floats(const geometry *g) {
    return (size_t)g->rows * (size_t)g->windows.columns * (size_t)g->windows.channels;
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    const geometry g = geometry_of(node);
    (void)samples, (void)backward;
    needs->prepared = (fv__conv2d_cut_prepared(&g.first, kernels, false, NULL, NULL) +
                       kernels->packed_size(g.windows.channels, g.filters)) *
                      sizeof(float);
    needs->scratch =
        (fv__conv2d_padded_floats(&g.first) + fv__conv2d_lines(strip_floats(&g)) + middle_floats(&g)) * sizeof(float);
}

// The packed last kernel, which comes after what the first convolution prepares.
static float *last_weights(const fv__call *call, const geometry *g, fv__conv2d_prepared *first) {
    return (float *)call->prepared + fv__conv2d_cut_prepared(&g->first, call->kernels, false, call->prepared, first);
}

static void prepare(const fv__call *call, bool backward) {
    const geometry g = geometry_of(call->node);
    fv__conv2d_prepared first;
    float *last = last_weights(call, &g, &first);
    (void)backward;
    fv__conv2d_prepare(&g.first, call->kernels, false, call->in[FIRST], &first);
    call->kernels->pack(g.windows.channels, g.filters, call->in[LAST], g.filters, 1, last);
}

// Output rows begin … end-1, from a strip that begins with row `top` of the wide image and has `height` of them.
static void narrow_rows(const fv__call *call, const geometry *g, const float *weights, const float *strip, int top,
                        int height, int begin, int end, float *middle, float *out) {
    const fv__activation activation = g->attributes->depthwise.activation;
    fv__windows windows = g->windows;
    windows.height = height;
    windows.rows = end - begin;
    windows.before[0] = top + g->windows.before[0] - begin * g->windows.stride[0];
    call->kernels->depthwise(&windows, activation == FV__ACTIVATION_linear ? -INFINITY : 0,
                             activation == FV__ACTIVATION_relu6 ? 6 : INFINITY, strip, call->in[DEPTHWISE],
                             call->in[DEPTHWISE_BIAS], middle);
    const int pixels = (end - begin) * windows.columns;
    fv__gemm product =
        fv__product(pixels, windows.channels, g->filters, fv__by_row(middle, windows.channels), fv__packed(weights),
                    out + (ptrdiff_t)begin * windows.columns * g->filters, g->filters);
    product.bias = call->in[LAST_BIAS];
    fv__activated_product(call->kernels, &product, g->attributes->last.activation, NULL);
}

// Output rows first … last-1 of one sample.
static void forward_rows(const fv__call *call, const geometry *g, size_t sample, int first, int last) {
    const float *image = call->in[X] + sample * fv__shape_elements(&call->node->inputs[X]);
    float *out = call->out + sample * fv__shape_elements(&call->node->output);
    fv__conv2d_prepared parts;
    const float *weights = last_weights(call, g, &parts);
    float *padded = call->scratch, *strip = padded + fv__conv2d_padded_floats(&g->first);
    float *middle = strip + fv__conv2d_lines(strip_floats(g));
    const float *x = fv__conv2d_pad_image(&g->first, image, padded);
    const fv__windows *w = &g->windows;
    int top = 0, bottom = 0; // rows of the wide image in the strip
    for (int begin = first; begin < last; begin += g->rows) {
        const int end = begin + g->rows < last ? begin + g->rows : last;
        int from = begin * w->stride[0] - w->before[0], to = (end - 1) * w->stride[0] - w->before[0] + w->size[0];
        from = from > 0 ? from : 0;
        to = to < w->height ? to : w->height;
        const int kept = bottom > from ? bottom - from : 0;
        memmove(strip, strip + (size_t)(kept ? from - top : 0) * g->line, (size_t)kept * g->line * sizeof(float));
        const fv__gemm widening = fv__conv2d_product(&g->first, &parts, x, call->in[FIRST_BIAS], from + kept, to,
                                                     strip + (size_t)kept * g->line);
        fv__activated_product(call->kernels, &widening, g->first.activation, NULL);
        narrow_rows(call, g, weights, strip, from, to - from, begin, end, middle, out);
        top = from;
        bottom = to;
    }
}

static int slices(const fv__op_node *node, const fv__kernels *kernels) {
    (void)kernels;
    return node->output.size[0];
}

static void forward_slices(const fv__call *call, int begin, int end) {
    const geometry g = geometry_of(call->node);
    fv__conv2d_clear_border(&g.first, call->scratch);
    forward_rows(call, &g, 0, begin, end);
}

static void forward(const fv__call *call) {
    const geometry g = geometry_of(call->node);
    fv__conv2d_clear_border(&g.first, call->scratch);
    for (int sample = 0; sample < call->samples; sample++) {
        forward_rows(call, &g, (size_t)sample, 0, slices(call->node, call->kernels));
    }
}

static double multiply_adds(const fv__op_node *node) {
    const geometry g = geometry_of(node);
    const double pixels = (double)g.windows.rows * g.windows.columns;
    return (double)g.first.rows * g.first.columns * (double)fv__conv2d_kernel_floats(&g.first) +
           pixels * g.windows.channels * (g.windows.size[0] * g.windows.size[1] + g.filters);
}

const fv__op fv__op_bottleneck = {.name = "bottleneck",
                                  .attributes_size = sizeof(fv__bottleneck_attributes),
                                  .infer = infer,
                                  .needs = needs,
                                  .prepare = prepare,
                                  .forward = forward,
                                  .slices = slices,
                                  .forward_slices = forward_slices,
                                  .multiply_adds = multiply_adds};
