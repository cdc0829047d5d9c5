// SPDX-License-Identifier: Apache-2.0
// Two convolutions with nothing between them are one, whose kernel is
//   K[s p + i, s q + j, c, o] = Σ_m A[i, j, c, m] · B[p, q, m, o]
// for a first kernel A that moves by s. Row i of A, one product for each (p, q): its (j, c) are neighbours in K too.
#include <string.h>

#include "ops/check.h"
#include "ops/product.h"
#include "ops/weight_products.h"

typedef struct sizes {
    int ah, aw, in, middle; // of A
    int bh, bw, out;        // of B
    int sh, sw;             // strides of A
    int kw;                 // width of K
} sizes;

static sizes sizes_of(const fv__op_node *node) {
    const fv__convolution_product_attributes *attributes = node->attributes;
    const int *a = node->inputs[0].size, *b = node->inputs[1].size;
    return (sizes){a[0],
                   a[1],
                   a[2],
                   a[3],
                   b[0],
                   b[1],
                   b[3],
                   attributes->stride[0],
                   attributes->stride[1],
                   (b[1] - 1) * attributes->stride[1] + a[1]};
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    FV__TRY(fv__op_expect_inputs(node, "convolution_product", 2, 2, "two kernels", error));
    const fv__shape *a = &node->inputs[0], *b = &node->inputs[1];
    if (a->rank != 4 || b->rank != 4 || a->size[3] != b->size[2]) {
        return fv__fail(error, FV_INVALID, "convolution_product: %s and %s are not kernels that follow each other",
                        fv__shape_print(a).text, fv__shape_print(b).text);
    }
    const sizes s = sizes_of(node);
    node->output = (fv__shape){4, {(s.bh - 1) * s.sh + s.ah, s.kw, s.in, s.out}};
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    (void)node;
    return FV__READS_INPUT(0) | FV__READS_INPUT(1);
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    const sizes s = sizes_of(node);
    (void)samples;
    needs->scratch = backward ? kernels->packed_size(s.out, s.middle) * sizeof(float) : 0; // B[p, q]ᵀ
}

// Row i of A under tap (p, q) of B, in K.
static ptrdiff_t kernel_at(const sizes *s, int p, int q, int i) {
    return ((ptrdiff_t)(p * s->sh + i) * s->kw + (ptrdiff_t)q * s->sw) * s->in * s->out;
}

static void forward(const fv__call *call) {
    const sizes s = sizes_of(call->node);
    memset(call->out, 0, fv__shape_elements(&call->node->output) * sizeof(float));
    for (int tap = 0; tap < s.bh * s.bw; tap++) {
        for (int i = 0; i < s.ah; i++) {
            fv__multiply_add(call->kernels, s.aw * s.in, s.middle, s.out,
                             fv__by_row(call->in[0] + (ptrdiff_t)i * s.aw * s.in * s.middle, s.middle),
                             fv__by_row(call->in[1] + (ptrdiff_t)tap * s.middle * s.out, s.out),
                             call->out + kernel_at(&s, tap / s.bw, tap % s.bw, i), s.out, true);
        }
    }
}

// Forward: K += A[i] · B[p, q] at tap (p, q), so dA[i] += dK · B[p, q]ᵀ
static void backward_first(const fv__call *call, const sizes *s, int tap, int i) {
    fv__multiply_add(call->kernels, s->aw * s->in, s->out, s->middle,
                     fv__by_row(call->d_out + kernel_at(s, tap / s->bw, tap % s->bw, i), s->out),
                     fv__packed(call->scratch), call->d_in[0] + (ptrdiff_t)i * s->aw * s->in * s->middle, s->middle,
                     true);
}

// and dB[p, q] += A[i]ᵀ · dK
static void backward_second(const fv__call *call, const sizes *s, int tap, int i) {
    fv__multiply_add(call->kernels, s->middle, s->aw * s->in, s->out,
                     fv__by_column(call->in[0] + (ptrdiff_t)i * s->aw * s->in * s->middle, s->middle),
                     fv__by_row(call->d_out + kernel_at(s, tap / s->bw, tap % s->bw, i), s->out),
                     call->d_in[1] + (ptrdiff_t)tap * s->middle * s->out, s->out, true);
}

static void backward(const fv__call *call) {
    const sizes s = sizes_of(call->node);
    for (int tap = 0; tap < s.bh * s.bw; tap++) {
        const float *second = call->in[1] + (ptrdiff_t)tap * s.middle * s.out;
        call->kernels->pack(s.out, s.middle, second, 1, s.out, call->scratch);
        for (int i = 0; i < s.ah; i++) {
            if (call->d_in[0]) {
                backward_first(call, &s, tap, i);
            }
            if (call->d_in[1]) {
                backward_second(call, &s, tap, i);
            }
        }
    }
}

static double multiply_adds(const fv__op_node *node) {
    const sizes s = sizes_of(node);
    return (double)s.ah * s.aw * s.in * s.middle * s.bh * s.bw * s.out;
}

const fv__op fv__op_convolution_product = {
    .name = "convolution_product",
    .attributes_size = sizeof(fv__convolution_product_attributes),
    .infer = infer,
    .backward_reads = backward_reads,
    .needs = needs,
    .forward = forward,
    .backward = backward,
    .multiply_adds = multiply_adds,
};
