// SPDX-License-Identifier: Apache-2.0
// A product of two weights. It runs once a step, so that a chain of linear layers costs the samples one product only.
#include "ops/check.h"
#include "ops/product.h"
#include "ops/weight_products.h"

static fv_status infer(fv__op_node *node, fv_error *error) {
    const fv__weight_product_attributes *a = node->attributes;
    FV__TRY(fv__op_expect_inputs(node, "weight_product", 2, 3, "two weights and perhaps an offset", error));
    const size_t left = (size_t)a->rows * (size_t)a->inner, block = (size_t)a->inner * (size_t)a->columns;
    const size_t out = (size_t)a->rows * (size_t)a->columns * (size_t)(a->sum_blocks ? 1 : a->blocks);
    if (fv__shape_elements(&node->inputs[0]) != left ||
        fv__shape_elements(&node->inputs[1]) != block * (size_t)a->blocks || fv__shape_elements(&a->shape) != out ||
        (node->input_count == 3 && fv__shape_elements(&node->inputs[2]) != (size_t)a->columns)) {
        return fv__fail(error, FV_INVALID, "weight_product: %s and %s are not (%d, %d) and (%d, %d, %d)",
                        fv__shape_print(&node->inputs[0]).text, fv__shape_print(&node->inputs[1]).text, a->rows,
                        a->inner, a->blocks, a->inner, a->columns);
    }
    node->output = a->shape;
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    (void)node;
    return FV__READS_INPUT(0) | FV__READS_INPUT(1);
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    const fv__weight_product_attributes *a = node->attributes;
    (void)samples;
    needs->scratch = backward ? kernels->packed_size(a->columns, a->inner) * sizeof(float) : 0; // X[h]ᵀ
}

// Where block h of the output begins.
static ptrdiff_t output_at(const fv__weight_product_attributes *a, int h) {
    return a->sum_blocks ? 0 : (ptrdiff_t)h * a->rows * a->columns;
}

static void forward(const fv__call *call) {
    const fv__weight_product_attributes *a = call->node->attributes;
    for (int h = 0; h < a->blocks; h++) {
        bool again = a->sum_blocks && h > 0;
        fv__gemm product = fv__product(a->rows, a->inner, a->columns, fv__by_row(call->in[0], a->inner),
                                       fv__by_row(call->in[1] + (ptrdiff_t)h * a->inner * a->columns, a->columns),
                                       call->out + output_at(a, h), a->columns);
        product.accumulate = again;
        product.bias = call->node->input_count == 3 && !again ? call->in[2] : NULL;
        call->kernels->gemm(&product);
    }
}

// Forward: y[h] = A · X[h], so dA += Σ_h dY[h] · X[h]ᵀ
static void backward_left(const fv__call *call, int h) {
    const fv__weight_product_attributes *a = call->node->attributes;
    const float *block = call->in[1] + (ptrdiff_t)h * a->inner * a->columns;
    call->kernels->pack(a->columns, a->inner, block, 1, a->columns, call->scratch);
    fv__multiply_add(call->kernels, a->rows, a->columns, a->inner,
                     fv__by_row(call->d_out + output_at(a, h), a->columns), fv__packed(call->scratch), call->d_in[0],
                     a->inner, true);
}

// and dX[h] += Aᵀ · dY[h]
static void backward_right(const fv__call *call, int h) {
    const fv__weight_product_attributes *a = call->node->attributes;
    fv__multiply_add(call->kernels, a->inner, a->rows, a->columns, fv__by_column(call->in[0], a->inner),
                     fv__by_row(call->d_out + output_at(a, h), a->columns),
                     call->d_in[1] + (ptrdiff_t)h * a->inner * a->columns, a->columns, true);
}

static void backward(const fv__call *call) {
    const fv__weight_product_attributes *a = call->node->attributes;
    for (int h = 0; h < a->blocks; h++) {
        if (call->d_in[0]) {
            backward_left(call, h);
        }
        if (call->d_in[1]) {
            backward_right(call, h);
        }
    }
    if (call->node->input_count == 3 && call->d_in[2]) {
        int rows = a->rows * (a->sum_blocks ? 1 : a->blocks);
        call->kernels->add_columns(call->d_out, a->columns, call->d_in[2], rows, a->columns);
    }
}

static double multiply_adds(const fv__op_node *node) {
    const fv__weight_product_attributes *a = node->attributes;
    return (double)a->rows * a->inner * a->blocks * a->columns;
}

const fv__op fv__op_weight_product = {
    .name = "weight_product",
    .attributes_size = sizeof(fv__weight_product_attributes),
    .infer = infer,
    .backward_reads = backward_reads,
    .needs = needs,
    .forward = forward,
    .backward = backward,
    .multiply_adds = multiply_adds,
};
