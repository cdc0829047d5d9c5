// SPDX-License-Identifier: Apache-2.0
// A product of two weights for each head, once a step. Where A and B both have a head's columns of their own, A being
// (rows, heads · inner) or for one row (heads · inner):
//   transposed:  Y (rows, heads · columns)   Y[:, h] = A[:, h] · B[:, h]ᵀ   with B (columns, heads · inner)
//   else:        Y (heads · rows, columns)   Y[h]    = A[:, h] · B[h]       with B (heads · inner, columns)
#include "ops/check.h"
#include "ops/product.h"
#include "ops/weight_products.h"

enum { A, B }; // inputs

typedef struct dimensions {
    int heads, rows, inner, columns;
    ptrdiff_t a_row, b_row, y_row;    // floats from one row to the next
    ptrdiff_t a_head, b_head, y_head; // and from one head to the next
    bool transposed;
} dimensions;

static dimensions dimensions_of(const fv__op_node *node) {
    const fv__head_product_attributes *attributes = node->attributes;
    const fv__shape *a = &node->inputs[A], *b = &node->inputs[B];
    const int row = a->size[a->rank - 1];
    dimensions d = {.heads = attributes->heads,
                    .rows = (int)(fv__shape_elements(a) / (size_t)row),
                    .inner = row / attributes->heads,
                    .columns = b->size[attributes->transposed ? 0 : 1],
                    .transposed = attributes->transposed};
    d.a_row = row;
    d.a_head = d.inner;
    d.b_row = d.transposed ? row : d.columns;
    d.b_head = d.transposed ? d.inner : (ptrdiff_t)d.inner * d.columns;
    d.y_row = d.transposed ? (ptrdiff_t)d.heads * d.columns : d.columns;
    d.y_head = d.transposed ? d.columns : (ptrdiff_t)d.rows * d.columns;
    return d;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    const fv__head_product_attributes *attributes = node->attributes;
    const fv__shape *a = &node->inputs[A], *b = &node->inputs[B];
    FV__TRY(fv__op_expect_inputs(node, "head_product", 2, 2, "two weights", error));
    const bool heads = a->rank >= 1 && a->rank <= 2 && a->size[a->rank - 1] % attributes->heads == 0;
    if (!heads || b->rank != 2 || b->size[attributes->transposed ? 1 : 0] != a->size[a->rank - 1] ||
        (a->rank == 1 && !attributes->transposed)) {
        return fv__fail(error, FV_INVALID, "head_product: %s and %s are not weights of %d heads each",
                        fv__shape_print(a).text, fv__shape_print(b).text, attributes->heads);
    }
    const dimensions d = dimensions_of(node);
    node->output = !d.transposed  ? (fv__shape){2, {d.heads * d.rows, d.columns}}
                   : a->rank == 1 ? (fv__shape){1, {d.heads * d.columns}}
                                  : (fv__shape){2, {d.rows, d.heads * d.columns}};
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    (void)node;
    return FV__READS_INPUT(A) | FV__READS_INPUT(B);
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    const dimensions d = dimensions_of(node);
    (void)samples;
    // B[h]ᵀ: of the forward if transposed, else of the backward
    needs->scratch = d.transposed ? kernels->packed_size(d.inner, d.columns) * sizeof(float)
                     : backward   ? kernels->packed_size(d.columns, d.inner) * sizeof(float)
                                  : 0;
}

static void forward(const fv__call *call) {
    const dimensions d = dimensions_of(call->node);
    for (int head = 0; head < d.heads; head++) {
        const float *b = call->in[B] + head * d.b_head;
        fv__matrix right = fv__by_row(b, d.b_row);
        if (d.transposed) {
            call->kernels->pack(d.inner, d.columns, b, 1, d.b_row, call->scratch);
            right = fv__packed(call->scratch);
        }
        fv__multiply(call->kernels, d.rows, d.inner, d.columns, fv__by_row(call->in[A] + head * d.a_head, d.a_row),
                     right, call->out + head * d.y_head, d.y_row);
    }
}

// Forward: Y[h] = A[:, h] · B[h], so dA[:, h] += dY[h] · B[h]ᵀ; if transposed, Y[:, h] = A[:, h] · B[:, h]ᵀ, so
// dA[:, h] += dY[:, h] · B[:, h].
static void backward_left(const fv__call *call, const dimensions *d, int head) {
    const float *b = call->in[B] + head * d->b_head;
    fv__matrix right = fv__by_row(b, d->b_row);
    if (!d->transposed) {
        call->kernels->pack(d->columns, d->inner, b, 1, d->b_row, call->scratch);
        right = fv__packed(call->scratch);
    }
    fv__multiply_add(call->kernels, d->rows, d->columns, d->inner, fv__by_row(call->d_out + head * d->y_head, d->y_row),
                     right, call->d_in[A] + head * d->a_head, d->a_row, true);
}

// From the same lines: dB[h] += A[:, h]ᵀ · dY[h], or, if transposed, dB[:, h] += dY[:, h]ᵀ · A[:, h].
static void backward_right(const fv__call *call, const dimensions *d, int head) {
    const float *a = call->in[A] + head * d->a_head, *d_y = call->d_out + head * d->y_head;
    float *d_b = call->d_in[B] + head * d->b_head;
    if (d->transposed) {
        fv__multiply_add(call->kernels, d->columns, d->rows, d->inner, fv__by_column(d_y, d->y_row),
                         fv__by_row(a, d->a_row), d_b, d->b_row, true);
    } else {
        fv__multiply_add(call->kernels, d->inner, d->rows, d->columns, fv__by_column(a, d->a_row),
                         fv__by_row(d_y, d->y_row), d_b, d->b_row, true);
    }
}

static void backward(const fv__call *call) {
    const dimensions d = dimensions_of(call->node);
    for (int head = 0; head < d.heads; head++) {
        if (call->d_in[A]) {
            backward_left(call, &d, head);
        }
        if (call->d_in[B]) {
            backward_right(call, &d, head);
        }
    }
}

static double multiply_adds(const fv__op_node *node) {
    const dimensions d = dimensions_of(node);
    return (double)d.heads * d.rows * d.inner * d.columns;
}

const fv__op fv__op_head_product = {
    .name = "head_product",
    .attributes_size = sizeof(fv__head_product_attributes),
    .infer = infer,
    .backward_reads = backward_reads,
    .needs = needs,
    .forward = forward,
    .backward = backward,
    .multiply_adds = multiply_adds,
};
