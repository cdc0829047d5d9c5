// SPDX-License-Identifier: Apache-2.0
// What is checked of every forward.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness_bench.h"

void check_close(const bench *b, const char *what, const float *got, const double *expected, size_t count) {
    const double tolerance = b->test->tolerance > 0 ? b->test->tolerance : 1e-5;
    double largest = 1e-30;
    for (size_t i = 0; i < count; i++) {
        largest = fabs(expected[i]) > largest ? fabs(expected[i]) : largest;
    }
    for (size_t i = 0; i < count; i++) {
        if (!(fabs((double)got[i] - expected[i]) <= tolerance * largest)) {
            broken(b, "%s[%zu] is %.9g instead of %.9g (the largest is %.3g)", what, i, (double)got[i], expected[i],
                   largest);
        }
    }
}

static void check_same_bits(const bench *b, const char *what, const guarded *first, const guarded *second) {
    if (memcmp(first->data, second->data, first->bytes) != 0) {
        size_t at = 0;
        while (first->data[at] == second->data[at]) {
            at++;
        }
        broken(b, "%s changes the bits of element %zu", what, at / sizeof(float));
    }
}

static const float *values(const guarded *array) {
    return (const float *)(const void *)array->data;
}

// Where training makes a difference, there must be none without it.
static void check_identity(const bench *b) {
    run r = run_open(b, 0, false, false);
    fv__call call = run_call(&r, 0, b->samples, 0);
    call.training = false;
    b->op->forward(&call);
    check_same_bits(b, "inference", &r.in[0], &r.out);
    run_close(&r);
}

// The slices of each sample in three ranges, the last first.
static void check_slices(const bench *b, const run *whole) {
    run parts = run_open(b, 0, false, true);
    const int slices = b->op->slices(&b->node, b->kernels), cuts[] = {0, slices / 3, slices - slices / 3, slices};
    for (int s = 0; s < b->samples; s++) {
        for (int i = 2; i >= 0; i--) {
            const fv__call call = run_call(&parts, s, 1, 0);
            scramble(&parts.scratch);
            b->op->forward_slices(&call, cuts[i], cuts[i + 1]);
            run_check_guards(&parts);
        }
    }
    check_same_bits(b, "forward in three ranges of slices", &whole->out, &parts.out);
    if (b->auxiliary) {
        check_same_bits(b, "auxiliary in three ranges of slices", &whole->auxiliary, &parts.auxiliary);
    }
    run_close(&parts);
}

void check_forward(const bench *b) {
    run whole = run_open(b, 0, true, true);
    run_forward(&whole, 0, b->samples);
    check_close(b, "output", values(&whole.out), b->out, b->out_count * (size_t)b->samples);
    if (b->auxiliary) {
        check_close(b, "auxiliary", values(&whole.auxiliary), b->auxiliary, b->auxiliary_count * (size_t)b->samples);
    }
    run single = run_open(b, sizeof(float), false, false);
    for (int s = b->samples - 1; s >= 0; s--) {
        run_forward(&single, s, 1);
    }
    check_same_bits(b, "one sample at a time, unaligned, for inference", &whole.out, &single.out);
    if (b->op->identity_in_inference) {
        check_identity(b);
    }
    if (b->op->slices) {
        check_slices(b, &whole);
    }
    run_close(&whole);
    run_close(&single);
}

// At batch cadence: rows in two ranges, and tiles in any order.
void check_batch_rate(const bench *b) {
    if (!b->op->tiles || b->node.cadence != FV__CADENCE_SAMPLE || b->samples < 2) {
        return;
    }
    bench batch = *b;
    batch.node.cadence = FV__CADENCE_BATCH;
    const uint32_t wants = bench_wants(b);
    run whole = run_open(&batch, 0, true, false), parts = run_open(&batch, 0, true, false);
    run_forward(&whole, 0, b->samples);
    run_forward(&parts, 0, 1);
    run_forward(&parts, 1, b->samples - 1);
    check_close(b, "output at batch cadence", values(&whole.out), b->out, b->out_count * (size_t)b->samples);
    check_same_bits(b, "forward in two ranges at batch cadence", &whole.out, &parts.out);
    run_backward(&whole, 0, b->samples, wants);
    for (int tile = b->op->tiles(&batch.node) - 1; tile >= 0; tile--) {
        const fv__call call = run_call(&parts, 0, b->samples, wants);
        b->op->backward_tile(&call, tile);
        run_check_guards(&parts);
    }
    for (int i = 0; i < b->node.input_count; i++) {
        if (wants >> i & 1) {
            char what[64];
            snprintf(what, sizeof what, "backward in tiles of input %d", i);
            check_same_bits(b, what, &whole.d_in[i], &parts.d_in[i]);
        }
    }
    run_close(&whole);
    run_close(&parts);
}
