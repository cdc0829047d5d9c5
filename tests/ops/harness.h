// SPDX-License-Identifier: Apache-2.0
// One registry for the tests of every op: a case says the op, its shapes and a naive reference; the harness does the
// rest at every instruction-set level this machine has.
//
// For a case it checks that
//   - infer gives the expected shape (or refuses with the expected words);
//   - forward matches the reference, neither reads nor writes past any buffer (canaries; poisoned under ASan), needs
//     nothing from uninitialized memory, and gives the same bits at another alignment and one sample at a time;
//   - what `auxiliary` gives out matches the reference, and asking for it changes nothing;
//   - backward matches central differences of the reference in double, writes the gradients of samples, adds to those
//     of weights, accepts that any of them is unwanted, and reads only what backward_reads says;
//   - an op with slices gives the same bits when they are computed in ranges;
//   - an op that runs at batch cadence gives the same forward in two ranges of rows, and its tiles the same as backward.
//
// To add tests for an op: tests/ops/NAME.c with `const op_cases cases_NAME = {...}` (layer_norm and norm_l share
// normalized.c). A missing one fails to link.
#ifndef FOVEA_TESTS_OPS_HARNESS_H
#define FOVEA_TESTS_OPS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ops/op.h"

typedef struct op_case op_case;

// One sample as a reference sees it. All arrays are double; in[i] of a weight is the whole weight.
typedef struct reference_call {
    const op_case *test;
    const fv__op_node *node; // inferred
    const double *in[FV__MAX_INPUTS];
    double *out;
    double *auxiliary; // NULL: not asked for, or the op has none
    bool training;
    uint64_t seed, epoch, sample_id;
    const fv__target *target;
} reference_call;

typedef struct op_case_input {
    bool given;
    fv__shape shape;
    bool weight;   // no batch axis
    bool constant; // the op gives no gradient for it (a mask): d_in is always NULL
} op_case_input;

struct op_case {
    const char *name; // of the test, unique in its op: "ragged", "same padding, 3x3"
    const void *attributes;
    op_case_input inputs[FV__MAX_INPUTS]; // SAMPLE(...), WEIGHT(...), CONSTANT(...), in the op's order
    fv__shape output;                     // expected from infer: SHAPE(...) or SCALAR
    const char *refusal; // not NULL: infer must fail with a message that contains this; nothing else is run
    int samples;         // 0: 3
    bool training;       // fv__call.training
    double tolerance;    // relative to the largest value of the compared array; 0: 1e-5
    bool averages;       // the op divides its gradient by the batch (losses)

    // Values of input i (all samples), given as uniform in [-1, 1): change what the op needs otherwise. May be NULL.
    void (*prepare)(const op_case *test, int input, float *values, size_t count);
    // Anything more to check, after the rest passed; fails through cmocka's asserts. May be NULL.
    void (*check)(const op_case *test, const fv__op *op, const fv__kernels *kernels);
};

typedef struct op_cases {
    const op_case *cases;
    int count;
    void (*reference)(const reference_call *call); // writes `out` (and `auxiliary`) of one sample; NULL for views
} op_cases;

static inline int op_case_input_count(const op_case *test) {
    int count = 0;
    while (count < FV__MAX_INPUTS && test->inputs[count].given) {
        count++;
    }
    return count;
}

#define SHAPE(...)                                                                                                     \
    {                                                                                                                  \
        .rank = (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), .size = { __VA_ARGS__ }                             \
    }
#define SCALAR                                                                                                         \
    { .rank = 0 }
#define SAMPLE(...)                                                                                                    \
    { .given = true, .shape = SHAPE(__VA_ARGS__) }
#define WEIGHT(...)                                                                                                    \
    { .given = true, .shape = SHAPE(__VA_ARGS__), .weight = true }
#define WEIGHT_SCALAR                                                                                                  \
    { .given = true, .weight = true }
#define CONSTANT(...)                                                                                                  \
    { .given = true, .shape = SHAPE(__VA_ARGS__), .constant = true }
#define CONSTANT_WEIGHT(...)                                                                                           \
    { .given = true, .shape = SHAPE(__VA_ARGS__), .weight = true, .constant = true }
#define CASES(array, of_one_sample)                                                                                    \
    { .cases = (array), .count = (int)(sizeof(array) / sizeof *(array)), .reference = (of_one_sample) }

// For working on one op alone, compile with e.g. -D'OP_CASE_LIST(X)=X(dense)X(conv2d)'.
#ifndef OP_CASE_LIST
#define OP_CASE_LIST(X) FV__OP_LIST(X)
#endif

#define X(name) extern const op_cases cases_##name;
OP_CASE_LIST(X)
#undef X

// Runs a case of `cases` at one level; ends the test with a message if something is wrong.
void op_case_run(const op_cases *cases, const op_case *test, const fv__op *op, const fv__kernels *kernels);

#endif
