// Products with an activation behind them.
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
        size_t offset = (size_t)m * (size_t)g.columns;
        g.rows = product->rows - m < block ? product->rows - m : block;
        g.a = product->a_rows ? product->a : product->a + m * product->a_row;
        g.a_rows = product->a_rows ? product->a_rows + m : NULL;
        g.c = (saves ? saved : product->c) + offset;
        kernels->gemm(&g);
        kernels->activate(activation, g.c, product->c + offset, (size_t)g.rows * (size_t)g.columns);
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
