// SPDX-License-Identifier: Apache-2.0
// Shapes, memory and tables of a convolution.
#include "ops/conv2d_layout.h"

#include <string.h>

fv__windows fv__conv2d_windows_of(const fv__op_node *node) {
    const fv__conv2d_attributes *attributes = node->attributes;
    return fv__windows_over(&node->inputs[0], node->inputs[1].size, attributes->stride, attributes->padding);
}

void fv__conv2d_windows(const fv__op_node *node, fv__windows *windows) {
    *windows = fv__conv2d_windows_of(node);
}

static int padded_size(int size, int windows, int window, int stride, fv__padding padding) {
    const int needed = (windows - 1) * stride + window;
    return padding == FV__PADDING_SAME && needed > size ? needed : size;
}

fv__conv2d_geometry fv__conv2d_geometry_of(const fv__op_node *node) {
    const fv__conv2d_attributes *attributes = node->attributes;
    const fv__windows w = fv__conv2d_windows_of(node);
    return (fv__conv2d_geometry){
        .height = w.height,
        .width = w.width,
        .channels = w.channels,
        .kernel = {w.size[0], w.size[1]},
        .stride = {w.stride[0], w.stride[1]},
        .rows = w.rows,
        .columns = w.columns,
        .filters = node->inputs[1].size[3],
        .before = {w.before[0], w.before[1]},
        .padded = {padded_size(w.height, w.rows, w.size[0], w.stride[0], attributes->padding),
                   padded_size(w.width, w.columns, w.size[1], w.stride[1], attributes->padding)},
        .activation = attributes->activation,
        .pointwise = w.size[0] == 1 && w.size[1] == 1 && w.stride[0] == 1 && w.stride[1] == 1};
}

size_t fv__conv2d_lines(size_t count) {
    return (count + 15) / 16 * 16;
}

bool fv__conv2d_pads(const fv__conv2d_geometry *g) {
    return g->padded[0] != g->height || g->padded[1] != g->width;
}

size_t fv__conv2d_padded_floats(const fv__conv2d_geometry *g) {
    return fv__conv2d_pads(g) ? fv__conv2d_lines((size_t)g->padded[0] * (size_t)g->padded[1] * (size_t)g->channels) : 0;
}

size_t fv__conv2d_output_floats(const fv__conv2d_geometry *g) {
    return (size_t)g->rows * (size_t)g->columns * (size_t)g->filters;
}

const float *fv__conv2d_pad_image(const fv__conv2d_geometry *g, const float *image, float *padded) {
    if (!fv__conv2d_pads(g)) {
        return image;
    }
    size_t row = (size_t)g->width * (size_t)g->channels;
    float *to = padded + ((ptrdiff_t)g->before[0] * g->padded[1] + g->before[1]) * g->channels;
    for (int y = 0; y < g->height; y++) {
        memcpy(to + (ptrdiff_t)y * g->padded[1] * g->channels, image + (size_t)y * row, row * sizeof(float));
    }
    return padded;
}

int fv__conv2d_spread_rows(const fv__conv2d_geometry *g) {
    enum { PIXELS = 48 }; // whose windows stay near the core
    int rows = PIXELS / g->columns;
    return rows < 1 ? 1 : rows < g->rows ? rows : g->rows;
}

size_t fv__conv2d_spread_floats(const fv__conv2d_geometry *g) {
    size_t window = (size_t)g->kernel[0] * (size_t)g->kernel[1] * (size_t)g->channels;
    return g->pointwise ? 0 : fv__conv2d_lines((size_t)fv__conv2d_spread_rows(g) * (size_t)g->columns * window);
}

size_t fv__conv2d_kernel_floats(const fv__conv2d_geometry *g) {
    return (size_t)g->kernel[0] * (size_t)g->kernel[1] * (size_t)g->channels * (size_t)g->filters;
}

size_t fv__conv2d_cut_prepared(const fv__conv2d_geometry *g, const fv__kernels *kernels, bool backward, void *memory,
                               fv__conv2d_prepared *parts) {
    size_t sizes[4] = {kernels->packed_size(g->kernel[0] * g->kernel[1] * g->channels, g->filters),
                       g->pointwise ? 0 : (size_t)g->rows * (size_t)g->columns};
    if (backward) {
        sizes[2] = kernels->packed_size(g->filters, g->kernel[0] * g->kernel[1] * g->channels);
        sizes[3] = g->pointwise ? 0 : (size_t)g->kernel[0] * (size_t)g->kernel[1] * (size_t)g->channels;
    }
    size_t begin[4], end = 0;
    for (int i = 0; i < 4; i++) {
        begin[i] = end;
        end += fv__conv2d_lines(sizes[i]);
    }
    if (parts) {
        float *floats = memory;
        int32_t *integers = memory;
        *parts = (fv__conv2d_prepared){floats + begin[0], integers + begin[1], floats + begin[2], integers + begin[3]};
    }
    return end;
}

// table[i·columns + j] = i·row + j·column.
static void fill_grid(int32_t *table, int rows, int columns, int row, int column) {
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            *table++ = i * row + j * column;
        }
    }
}

void fv__conv2d_prepare(const fv__conv2d_geometry *g, const fv__kernels *kernels, bool backward, const float *weights,
                        const fv__conv2d_prepared *parts) {
    int taps = g->kernel[0] * g->kernel[1];
    kernels->pack(taps * g->channels, g->filters, weights, g->filters, 1, parts->weights);
    if (backward) {
        kernels->pack(g->filters, taps * g->channels, weights, 1, g->filters, parts->transposed);
    }
    if (g->pointwise) {
        return;
    }
    fill_grid(parts->windows, g->rows, g->columns, g->stride[0] * g->padded[1] * g->channels,
              g->stride[1] * g->channels);
    if (backward) {
        fill_grid(parts->kernel_places, g->kernel[0], g->kernel[1] * g->channels, g->padded[1] * g->channels, 1);
    }
}

void fv__conv2d_clear_border(const fv__conv2d_geometry *g, float *padded) {
    if (fv__conv2d_pads(g)) {
        memset(padded, 0, fv__conv2d_padded_floats(g) * sizeof(float));
    }
}

fv__gemm fv__conv2d_product(const fv__conv2d_geometry *g, const fv__conv2d_prepared *parts, const float *x,
                            const float *bias, int begin, int end, float *out) {
    const ptrdiff_t skipped = (ptrdiff_t)begin * g->columns;
    return (fv__gemm){.rows = (end - begin) * g->columns,
                      .columns = g->filters,
                      .depth = g->kernel[1] * g->channels,
                      .segments = g->kernel[0],
                      .a = g->pointwise ? x + skipped * g->channels : x,
                      .a_row = g->channels,
                      .a_depth = 1,
                      .a_segment = g->padded[1] * g->channels,
                      .a_rows = g->pointwise ? NULL : parts->windows + skipped,
                      .b = parts->weights,
                      .c = out,
                      .c_row = g->filters,
                      .bias = bias};
}
