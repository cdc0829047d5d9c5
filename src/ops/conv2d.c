// SPDX-License-Identifier: Apache-2.0
// Convolution of NHWC images, as a product without im2col: a row of the left operand is a window of the image, found
// through a table of where windows begin; a segment is one row of the window, which lies in one piece.
//   forward           y[pixel][filter] = Σ (kh) Σ (kw, channel)  x[window(pixel)] · W
//   kernel gradient   dW[(kh, kw, channel)][filter] += Σ (output row) Σ (output column)  x · dy
//   input gradient    dy · Wᵀ gives what each output pixel adds to its window; a few output rows at a time are added
//   there
// Padding `same` is Keras's: max((⌈n/s⌉ - 1)·s + k - n, 0) in all, the smaller half before.
#include <limits.h>
#include <string.h>

#include "ops/activated.h"
#include "ops/conv2d_layout.h"
#include "ops/product.h"

static fv_status infer(fv__op_node *node, fv_error *error) {
    const fv__conv2d_attributes *attributes = node->attributes;
    const fv__shape *x = &node->inputs[0], *weights = &node->inputs[1], *bias = &node->inputs[2];
    if (node->input_count != 2 && node->input_count != 3) {
        return fv__fail(error, FV_INVALID, "conv2d takes x, a kernel and, if wanted, a bias, not %d inputs",
                        node->input_count);
    }
    if (x->rank != 3 || node->input_is_weight[0]) {
        return fv__fail(error, FV_INVALID, "conv2d needs an image (height, width, channels), not %s",
                        fv__shape_print(x).text);
    }
    if (weights->rank != 4 || weights->size[2] != x->size[2] || !node->input_is_weight[1]) {
        return fv__fail(error, FV_INVALID,
                        "conv2d: the kernel must be a weight of shape (height, width, %d, out), not %s", x->size[2],
                        fv__shape_print(weights).text);
    }
    if (node->input_count == 3 && (bias->rank != 1 || bias->size[0] != weights->size[3] || !node->input_is_weight[2])) {
        return fv__fail(error, FV_INVALID, "conv2d: the bias must be a weight of shape (%d), not %s", weights->size[3],
                        fv__shape_print(bias).text);
    }
    if (attributes->stride[0] < 1 || attributes->stride[1] < 1) {
        return fv__fail(error, FV_INVALID, "conv2d: strides must be at least 1, not (%d, %d)", attributes->stride[0],
                        attributes->stride[1]);
    }
    fv__conv2d_geometry g = fv__conv2d_geometry_of(node);
    if (g.rows < 1 || g.columns < 1) {
        return fv__fail(
            error, FV_INVALID,
            "conv2d: the kernel (%d, %d) does not fit into the image %s; use a smaller kernel or padding same",
            g.kernel[0], g.kernel[1], fv__shape_print(x).text);
    }
    // Offsets inside one image are 32 bits.
    if ((double)g.padded[0] * g.padded[1] * g.channels > INT_MAX || (double)g.rows * g.columns * g.filters > INT_MAX) {
        return fv__fail(error, FV_INVALID, "conv2d: an image of %s with %d filters is too large",
                        fv__shape_print(x).text, g.filters);
    }
    node->output = (fv__shape){.rank = 3, .size = {g.rows, g.columns, g.filters}};
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    return FV__READS_INPUT(0) | FV__READS_INPUT(1) | fv__activated_reads(fv__conv2d_geometry_of(node).activation);
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    fv__conv2d_geometry g = fv__conv2d_geometry_of(node);
    size_t saved = 0, scratch = fv__conv2d_padded_floats(&g);
    if (backward) {
        size_t gradient = g.activation == FV__ACTIVATION_linear ? 0 : fv__conv2d_output_floats(&g);
        scratch += fv__conv2d_padded_floats(&g) + fv__conv2d_spread_floats(&g) +
                   fv__conv2d_lines(gradient * (g.pointwise ? (size_t)samples : 1));
        saved = fv__activated_saves(g.activation) ? fv__conv2d_output_floats(&g) : 0;
    }
    size_t prepared = fv__conv2d_cut_prepared(&g, kernels, backward, NULL, NULL);
    *needs = (fv__op_needs){prepared * sizeof(float), saved * sizeof(float), scratch * sizeof(float)};
}

static void prepare(const fv__call *call, bool backward) {
    fv__conv2d_geometry g = fv__conv2d_geometry_of(call->node);
    fv__conv2d_prepared parts;
    fv__conv2d_cut_prepared(&g, call->kernels, backward, call->prepared, &parts);
    fv__conv2d_prepare(&g, call->kernels, backward, call->in[1], &parts);
}

// The product of output rows begin … end-1 of one sample; if pointwise, those of the samples after it follow.
static fv__gemm product_of(const fv__call *call, const fv__conv2d_geometry *g, size_t sample, int begin, int end) {
    const size_t image = (size_t)g->height * (size_t)g->width * (size_t)g->channels;
    const size_t row = (size_t)g->columns * (size_t)g->filters;
    fv__conv2d_prepared parts;
    fv__conv2d_cut_prepared(g, call->kernels, false, call->prepared, &parts);
    return fv__conv2d_product(g, &parts, fv__conv2d_pad_image(g, call->in[0] + sample * image, call->scratch),
                              call->node->input_count == 3 ? call->in[2] : NULL, begin, end,
                              call->out + sample * fv__conv2d_output_floats(g) + (size_t)begin * row);
}

static int slices(const fv__op_node *node, const fv__kernels *kernels) {
    const fv__conv2d_geometry g = fv__conv2d_geometry_of(node);
    return g.pointwise ? fv__activated_slices(kernels, g.rows * g.columns, g.filters) : g.rows;
}

static void forward_slices(const fv__call *call, int begin, int end) {
    const fv__conv2d_geometry g = fv__conv2d_geometry_of(call->node);
    if (g.pointwise) {
        const fv__gemm product = product_of(call, &g, 0, 0, g.rows);
        fv__activated_product_slices(call->kernels, &product, g.activation, begin, end);
    } else {
        fv__conv2d_clear_border(&g, call->scratch);
        const fv__gemm product = product_of(call, &g, 0, begin, end);
        fv__activated_product(call->kernels, &product, g.activation, NULL);
    }
}

static void forward(const fv__call *call) {
    const fv__conv2d_geometry g = fv__conv2d_geometry_of(call->node);
    fv__conv2d_clear_border(&g, call->scratch);
    for (int sample = 0; sample < (g.pointwise ? 1 : call->samples); sample++) {
        const fv__gemm product = product_of(call, &g, (size_t)sample, 0, g.pointwise ? call->samples * g.rows : g.rows);
        float *saved = call->saved;
        fv__activated_product(call->kernels, &product, g.activation,
                              saved ? saved + (size_t)sample * fv__conv2d_output_floats(&g) : NULL);
    }
}

// Forward: y[pixel] = Σ x[window(pixel)] · W + b, so dW += Σ x[window(pixel)]ᵀ · dy[pixel] and db += Σ dy[pixel], here of
// `images` images (more than one only if pointwise).
static void kernel_gradient(const fv__call *call, const fv__conv2d_geometry *g, const fv__conv2d_prepared *parts,
                            const float *x, const float *d_pre, int images) {
    if (call->node->input_count == 3 && call->d_in[2]) {
        call->kernels->add_columns(d_pre, g->filters, call->d_in[2], images * g->rows * g->columns, g->filters);
    }
    if (!call->d_in[1]) {
        return;
    }
    fv__gemm product = {.rows = g->kernel[0] * g->kernel[1] * g->channels,
                        .columns = g->filters,
                        .depth = g->columns,
                        .segments = images * g->rows,
                        .a = x,
                        .a_row = 1,
                        .a_depth = g->stride[1] * g->channels,
                        .a_segment = g->stride[0] * g->padded[1] * g->channels,
                        .a_rows = g->pointwise ? NULL : parts->kernel_places,
                        .b = d_pre,
                        .b_row = g->filters,
                        .c = call->d_in[1],
                        .c_row = g->filters,
                        .accumulate = true};
    call->kernels->gemm(&product);
}

// From the same line: what each output pixel adds to the gradient of its window, dy · Wᵀ, of `pixels` of them: (pixels,
// kh·kw·channels).
static void window_gradients(const fv__call *call, const fv__conv2d_geometry *g, const fv__conv2d_prepared *parts,
                             const float *d_pre, int pixels, float *windows) {
    int window = g->kernel[0] * g->kernel[1] * g->channels;
    fv__multiply(call->kernels, pixels, g->filters, window, fv__by_row(d_pre, g->filters),
                 fv__packed(parts->transposed), windows, window);
}

// Adds the windows of output pixels first … first+pixels-1 to the (padded) image gradient.
static void add_windows(const fv__call *call, const fv__conv2d_geometry *g, const fv__conv2d_prepared *parts, int first,
                        int pixels, const float *windows, float *d_image) {
    size_t run = (size_t)g->kernel[1] * (size_t)g->channels; // a row of a window lies in one piece
    for (int pixel = first; pixel < first + pixels; pixel++) {
        float *to = d_image + parts->windows[pixel];
        for (int row = 0; row < g->kernel[0]; row++, windows += run, to += g->padded[1] * g->channels) {
            call->kernels->add(windows, to, to, run);
        }
    }
}

// Takes the image out of the padded gradient.
static void crop_image(const fv__conv2d_geometry *g, const float *padded, float *d_x) {
    size_t row = (size_t)g->width * (size_t)g->channels;
    const float *from = padded + ((ptrdiff_t)g->before[0] * g->padded[1] + g->before[1]) * g->channels;
    for (int y = 0; y < g->height; y++, from += g->padded[1] * g->channels, d_x += row) {
        memcpy(d_x, from, row * sizeof(float));
    }
}

// dx of one image; `padded` and `windows` are scratch.
static void input_gradient(const fv__call *call, const fv__conv2d_geometry *g, const fv__conv2d_prepared *parts,
                           const float *d_pre, float *d_x, float *padded, float *windows) {
    bool pads = fv__conv2d_pads(g);
    float *d_image = pads ? padded : d_x;
    memset(d_image, 0, (size_t)g->padded[0] * (size_t)g->padded[1] * (size_t)g->channels * sizeof(float));
    int most = fv__conv2d_spread_rows(g) * g->columns;
    for (int first = 0; first < g->rows * g->columns; first += most) {
        int pixels = g->rows * g->columns - first < most ? g->rows * g->columns - first : most;
        window_gradients(call, g, parts, d_pre + (size_t)first * (size_t)g->filters, pixels, windows);
        add_windows(call, g, parts, first, pixels, windows, d_image);
    }
    if (pads) {
        crop_image(g, padded, d_x);
    }
}

static void backward(const fv__call *call) {
    fv__conv2d_geometry g = fv__conv2d_geometry_of(call->node);
    fv__conv2d_prepared parts;
    fv__conv2d_cut_prepared(&g, call->kernels, true, call->prepared, &parts);
    size_t image = (size_t)g.height * (size_t)g.width * (size_t)g.channels, output = fv__conv2d_output_floats(&g);
    float *padded = call->scratch, *d_padded = padded + fv__conv2d_padded_floats(&g);
    float *windows = d_padded + fv__conv2d_padded_floats(&g), *gradient = windows + fv__conv2d_spread_floats(&g);
    fv__conv2d_clear_border(&g, padded);
    int images = g.pointwise ? call->samples : 1; // at once
    for (int sample = 0; sample < call->samples; sample += images) {
        size_t offset = (size_t)sample * output;
        const float *saved = call->saved;
        const float *d_pre =
            fv__activated_gradient(call->kernels, g.activation, (size_t)images * output, call->d_out + offset,
                                   call->out ? call->out + offset : NULL, saved ? saved + offset : NULL, gradient);
        const float *x = call->in[0] + (size_t)sample * image;
        kernel_gradient(call, &g, &parts, call->d_in[1] ? fv__conv2d_pad_image(&g, x, padded) : x, d_pre, images);
        float *d_x = call->d_in[0] ? call->d_in[0] + (size_t)sample * image : NULL;
        if (d_x && g.pointwise) {
            window_gradients(call, &g, &parts, d_pre, images * g.rows * g.columns, d_x);
        } else if (d_x) {
            input_gradient(call, &g, &parts, d_pre, d_x, d_padded, windows);
        }
    }
}

static double multiply_adds(const fv__op_node *node) {
    fv__conv2d_geometry g = fv__conv2d_geometry_of(node);
    return (double)g.rows * g.columns * (double)fv__conv2d_kernel_floats(&g);
}

const fv__op fv__op_conv2d = {.name = "conv2d",
                              .attributes_size = sizeof(fv__conv2d_attributes),
                              .infer = infer,
                              .backward_reads = backward_reads,
                              .needs = needs,
                              .prepare = prepare,
                              .forward = forward,
                              .backward = backward,
                              .slices = slices,
                              .forward_slices = forward_slices,
                              .multiply_adds = multiply_adds,
                              .windows = fv__conv2d_windows};
