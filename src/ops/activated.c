// SPDX-License-Identifier: Apache-2.0
// Products with an activation after them.
#include "ops/activated.h"

enum { BLOCK_FLOATS = 8192 }; // 32 KiB: activated before they leave the first-level cache

bool fv__activated_saves(fv__activation activation) {
    return activation == FV__ACTIVATION_gelu || activation == FV__ACTIVATION_gelu_tanh;
}

uint32_t fv__activated_reads(fv__activation activation) {
    return activation == FV__ACTIVATION_linear || fv__activated_saves(activation) ? 0 : FV__READS_OUTPUT;
}

void fv__activated_product(const fv__kernels *kernels, const fv__gemm *product, fv__activation activation,
                           float *saved) {
    fv__gemm g = *product;
    g.relu = activation == FV__ACTIVATION_relu || activation == FV__ACTIVATION_relu6;
    g.ceiling = activation == FV__ACTIVATION_relu6 ? 6 : 0;
    if (activation == FV__ACTIVATION_linear || g.relu) {
        kernels->gemm(&g);
        return;
    }
    int block = BLOCK_FLOATS / g.columns / 24 * 24; // whole tiles
    block = block > 0 ? block : 24;
    bool saves = saved && fv__activated_saves(activation);
    for (int m = 0; m < product->rows; m += block) {
        const ptrdiff_t offset = m * g.c_row;
        g.rows = product->rows - m < block ? product->rows - m : block;
        g.a = product->a_rows ? product->a : product->a + m * product->a_row;
        g.a_rows = product->a_rows ? product->a_rows + m : NULL;
        g.c = (saves ? saved : product->c) + offset;
        kernels->gemm(&g);
        const bool whole = g.c_row == g.columns; // rows lie one after the other
        const size_t count = (size_t)g.columns * (size_t)(whole ? g.rows : 1);
        for (ptrdiff_t row = 0; row < (whole ? 1 : g.rows); row++) {
            kernels->activate(activation, g.c + row * g.c_row, product->c + offset + row * g.c_row, count);
        }
    }
}

// What the product does for rows begin … end-1 and columns first … last-1, `first` at the begin of a panel.
static fv__gemm part_of(const fv__kernels *kernels, const fv__gemm *product, int begin, int end, int first, int last) {
    fv__gemm part = *product;
    part.rows = end - begin;
    part.columns = last - first;
    part.a += begin * part.a_row;
    part.b += product->b_row ? (size_t)first : kernels->packed_size(product->depth, first);
    part.c += begin * part.c_row + first;
    part.bias = product->bias ? product->bias + first : NULL;
    return part;
}

int fv__activated_slices(const fv__kernels *kernels, int rows, int columns) {
    const int panels = (columns + kernels->panel_columns - 1) / kernels->panel_columns;
    return columns > rows ? (rows > 1 ? 2 : 1) * panels : rows;
}

void fv__activated_product_slices(const fv__kernels *kernels, const fv__gemm *product, fv__activation activation,
                                  int begin, int end) {
    const int rows = product->rows, columns = product->columns, width = kernels->panel_columns;
    if (columns <= rows) {
        const fv__gemm part = part_of(kernels, product, begin, end, 0, columns);
        fv__activated_product(kernels, &part, activation, NULL);
        return;
    }
    const int halves = rows > 1 ? 2 : 1;
    for (int slice = begin, next; slice < end; slice = next) { // a panel, or what of it is ours
        const int panel = slice / halves, half = slice % halves;
        next = (panel + 1) * halves < end ? (panel + 1) * halves : end;
        const int first = panel * width, last = columns - first < width ? columns : first + width;
        const fv__gemm part =
            part_of(kernels, product, rows * half / halves, rows * (half + next - slice) / halves, first, last);
        fv__activated_product(kernels, &part, activation, NULL);
    }
}

const float *fv__activated_gradient(const fv__kernels *kernels, fv__activation activation, size_t count,
                                    const float *d_out, const float *out, const float *saved, float *scratch) {
    if (activation == FV__ACTIVATION_linear) {
        return d_out;
    }
    kernels->activate_backward(activation, d_out, fv__activated_saves(activation) ? saved : out, scratch, count);
    return scratch;
}
