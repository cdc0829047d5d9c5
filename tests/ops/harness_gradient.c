// SPDX-License-Identifier: Apache-2.0
// Backward against central differences of the reference in double, as KANN does it: where the slope changes within the
// step (a kink of a ReLU), by so much it may be off.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness_bench.h"

enum { ELEMENTS = 48, DIRECTIONS = 3 }; // checked of each input
#define STEP 1e-5
#define ROUNDING 1e-7 // what is left in float where terms as large as d_out cancel

// Σ d_out · reference over the samples first … last, with `in` instead of the bench's values.
static double objective(const bench *b, double *const in[], int first, int last, double *out) {
    double sum = 0;
    for (int s = first; s <= last; s++) {
        bench_reference(b, in, s, out, NULL);
        for (size_t i = 0; i < b->out_count; i++) {
            sum += out[i] * b->d_out[(size_t)s * b->out_count + i];
        }
    }
    return b->test->averages ? sum / b->samples : sum;
}

typedef struct slope {
    double central, bend; // bend: how much the slopes on both sides differ
} slope;

// The derivative of the objective when input i moves along `direction` (all its samples).
static slope directional(const bench *b, int i, const double *direction, size_t count, int first, int last) {
    double *in[FV__MAX_INPUTS];
    memcpy(in, b->in, sizeof in);
    in[i] = malloc(count * sizeof(double));
    double *out = malloc(b->out_count * sizeof(double));
    double value[3] = {0};
    for (int side = -1; side <= 1 && in[i] && out; side++) {
        for (size_t j = 0; j < count; j++) {
            in[i][j] = b->in[i][j] + side * STEP * direction[j];
        }
        value[side + 1] = objective(b, in, first, last, out);
    }
    free(in[i]);
    free(out);
    return (slope){.central = (value[2] - value[0]) / (2 * STEP),
                   .bend = fabs(value[2] - 2 * value[1] + value[0]) / STEP};
}

// `what` tells how the gradients were made. Gradients of weights started at GRADIENT_BEFORE.
static void check_gradient(const bench *b, int i, const float *gradient, const char *what) {
    const bool weight = b->node.input_is_weight[i];
    const size_t count = b->in_count[i] * (size_t)(weight ? 1 : b->samples);
    const double before = weight ? (double)GRADIENT_BEFORE : 0;
    const double tolerance = b->test->tolerance > 0 ? b->test->tolerance : 1e-5;
    double *direction = calloc(count, sizeof *direction);
    double largest = before;
    for (size_t j = 0; j < count; j++) {
        if (!isfinite(gradient[j])) {
            broken(b, "%s: gradient of input %d, element %zu is %g", what, i, j, (double)gradient[j]);
        }
        largest = fmax(largest, fabs((double)gradient[j] - before));
    }
    const size_t stride = count / ELEMENTS + 1;
    for (size_t j = 0; j < count; j += stride) {
        const int first = weight ? 0 : (int)(j / b->in_count[i]), last = weight ? b->samples - 1 : first;
        direction[j] = 1;
        const slope expected = directional(b, i, direction, count, first, last);
        direction[j] = 0;
        const double got = (double)gradient[j] - before;
        if (!(fabs(got - expected.central) <= tolerance * largest + expected.bend + ROUNDING)) {
            broken(b, "%s: gradient of input %d, element %zu is %.9g instead of %.9g (largest %.3g, bend %.3g)", what,
                   i, j, got, expected.central, largest, expected.bend);
        }
    }
    uint64_t state = 99;
    for (int d = 0; d < DIRECTIONS; d++) {
        double got = 0, size = 0;
        for (size_t j = 0; j < count; j++) {
            direction[j] = bench_random(&state);
            got += ((double)gradient[j] - before) * direction[j];
            size += fabs(direction[j]);
        }
        const slope expected = directional(b, i, direction, count, 0, b->samples - 1);
        if (!(fabs(got - expected.central) <=
              tolerance * largest * sqrt(size) + expected.bend + ROUNDING * sqrt(size))) {
            broken(b, "%s: gradient of input %d along a direction is %.9g instead of %.9g (bend %.3g)", what, i, got,
                   expected.central, expected.bend);
        }
    }
    free(direction);
}

// Asking for one gradient alone, or for none, changes nothing.
static void check_unwanted(const bench *b, const run *all, uint32_t wants) {
    run r = run_open(b, 0, true, false);
    run_forward(&r, 0, b->samples);
    run_backward(&r, 0, b->samples, 0);
    for (int i = 0; i < b->node.input_count; i++) {
        if (wants >> i & 1) {
            run_clear_gradients(&r);
            run_backward(&r, 0, b->samples, 1u << i);
            if (memcmp(r.d_in[i].data, all->d_in[i].data, r.d_in[i].bytes) != 0) {
                broken(b, "the gradient of input %d has other bits when it is asked for alone", i);
            }
        }
    }
    run_close(&r);
}

void check_backward(const bench *b) {
    const uint32_t wants = bench_wants(b);
    run r = run_open(b, 0, true, false), single = run_open(b, sizeof(float), true, false);
    if (b->op->passes_gradient) {
        for (int i = 0; i < b->node.input_count; i++) {
            check_gradient(b, i, (const float *)(const void *)r.d_out.data, "passing on");
        }
    } else if (b->op->backward) {
        run_forward(&r, 0, b->samples);
        run_backward(&r, 0, b->samples, wants);
        for (int s = 0; s < b->samples; s++) {
            run_forward(&single, s, 1);
            run_backward(&single, s, 1, wants);
        }
        for (int i = 0; i < b->node.input_count; i++) {
            if (wants >> i & 1) {
                check_gradient(b, i, (const float *)(const void *)r.d_in[i].data, "all samples");
                check_gradient(b, i, (const float *)(const void *)single.d_in[i].data, "one sample at a time");
            }
            const bool bits = !b->node.input_is_weight[i] && wants >> i & 1;
            if (bits && memcmp(r.d_in[i].data, single.d_in[i].data, r.d_in[i].bytes) != 0) {
                broken(b, "one sample at a time, unaligned, changes the bits of the gradient of input %d", i);
            }
        }
        check_unwanted(b, &r, wants);
    }
    run_close(&r);
    run_close(&single);
}
