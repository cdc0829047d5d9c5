// SPDX-License-Identifier: Apache-2.0
// Inside the harness: one case set up at one level (harness_bench.c), the arrays and calls of a run
// (harness_run.c), and what is checked of them (harness_forward.c, harness_gradient.c).
#ifndef FOVEA_TESTS_OPS_BENCH_H
#define FOVEA_TESTS_OPS_BENCH_H

#include "harness.h"

// An array between canaries.
typedef struct guarded {
    unsigned char *block, *data;
    size_t bytes;
} guarded;

// The case, its values, and what the reference makes of them.
typedef struct bench {
    const op_cases *cases;
    const op_case *test;
    const fv__op *op;
    const fv__kernels *kernels;
    fv__op_node node;
    int samples;
    size_t in_count[FV__MAX_INPUTS], out_count, auxiliary_count; // of one sample, or of a weight
    double *in[FV__MAX_INPUTS];                                  // (samples, in_count)
    double *out, *auxiliary;                                     // (samples, …), the reference's
    double *d_out;                                               // (samples, out_count)
    uint64_t *sample_ids;
    fv__target *targets;
} bench;

// Everything an op reads and writes, as float.
typedef struct run {
    const bench *bench;
    fv__op_needs needs;
    bool backward;
    guarded in[FV__MAX_INPUTS], d_in[FV__MAX_INPUTS], out, d_out, prepared, saved, scratch, auxiliary, unread;
} run;

enum { SEED = 42, EPOCH = 3 };

// Cleared and aligned; ends the test if there is none.
void *obtain(size_t size);

// What the gradients of weights start from.
#define GRADIENT_BEFORE 0.5f

_Noreturn void broken(const bench *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

// False if the case is about infer alone.
bool bench_open(bench *b, const op_cases *cases, const op_case *test, const fv__op *op, const fv__kernels *kernels);
void bench_close(bench *b);
// The reference's output for one sample of the values in `in`.
void bench_reference(const bench *b, double *const in[], int sample, double *out, double *auxiliary);
double bench_random(uint64_t *state); // [-1, 1)

// `shift`: bytes by which activations and weights are off their alignment. Prepared, if the op wants that.
run run_open(const bench *b, int shift, bool backward, bool with_auxiliary);
void run_close(run *r);
// The call for samples first … first + samples - 1. Gradients that nobody `wants` (a bit for each input) are NULL.
fv__call run_call(const run *r, int first, int samples, uint32_t wants);
void run_forward(const run *r, int first, int samples);
// Writes the bits of `wants`; inputs and output that the op does not announce to read are not there.
void run_backward(const run *r, int first, int samples, uint32_t wants);
// d_in as before any backward.
void run_clear_gradients(const run *r);
// Nothing may have been written around any array.
void run_check_guards(const run *r);
void scramble(const guarded *array);

// Bit i: the op gives a gradient for input i.
uint32_t bench_wants(const bench *b);
// The largest difference from `expected`, relative to the largest of those, must be within the case's tolerance.
void check_close(const bench *b, const char *what, const float *got, const double *expected, size_t count);

void check_forward(const bench *b);
void check_backward(const bench *b);
void check_batch_rate(const bench *b);

#endif
