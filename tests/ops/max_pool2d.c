// SPDX-License-Identifier: Apache-2.0
// Largest values of windows, with Keras's padding.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/pooling.h"
#include "reference.h"

static double largest(const fv__max_pool2d_attributes *a, const reference_call *call, int row, int column, int c) {
    const int height = call->node->inputs[0].size[0], width = call->node->inputs[0].size[1];
    const int top = reference_window(height, a->size[0], a->stride[0], a->padding, row);
    const int left = reference_window(width, a->size[1], a->stride[1], a->padding, column);
    double best = -HUGE_VAL;
    for (int i = top; i < top + a->size[0]; i++) {
        for (int j = left; j < left + a->size[1]; j++) {
            if (i >= 0 && i < height && j >= 0 && j < width) {
                best = fmax(best, call->in[0][(i * width + j) * call->node->output.size[2] + c]);
            }
        }
    }
    return best;
}

static void reference(const reference_call *call) {
    const fv__max_pool2d_attributes *a = call->test->attributes;
    const int *size = call->node->output.size;
    double *out = call->out;
    for (int row = 0; row < size[0]; row++) {
        for (int column = 0; column < size[1]; column++) {
            for (int c = 0; c < size[2]; c++) {
                *out++ = reference_activation(a->activation, largest(a, call, row, column, c));
            }
        }
    }
}

// All values below 0: padding would win if it counted as 0.
static void negative(const op_case *test, int input, float *values, size_t count) {
    (void)test, (void)input;
    for (size_t i = 0; i < count; i++) {
        values[i] -= 1.5f;
    }
}

// The first of equal cells wins, and what is not a number is not lost.
static void check_ties(const op_case *test, const fv__op *op, const fv__kernels *kernels) {
    (void)test, (void)op;
    const fv__windows w = {
        .height = 2, .width = 2, .channels = 17, .rows = 1, .columns = 1, .size = {2, 2}, .stride = {2, 2}};
    float x[4][17], y[17];
    uint8_t winner[17];
    for (int c = 0; c < 17; c++) {
        for (int cell = 0; cell < 4; cell++) {
            x[cell][c] = cell == 0 ? 1 : 2;
        }
        x[2][c] = c == 5 || c == 16 ? NAN : x[2][c];
    }
    kernels->max_pool2d(&w, FV__ACTIVATION_relu, &x[0][0], y, winner);
    for (int c = 0; c < 17; c++) {
        const bool lost = c == 5 || c == 16;
        assert_true(lost ? isnan(y[c]) : y[c] == 2);
        assert_int_equal(winner[c], lost ? 2 : 1);
    }
}

#define CASE(label, kind, pad, kh, kw, sh, sw, rows, columns, ...)                                                     \
    {                                                                                                                  \
        .name = label " " #kind " " #__VA_ARGS__,                                                                      \
        .attributes = &(fv__max_pool2d_attributes){.size = {kh, kw},                                                   \
                                                   .stride = {sh, sw},                                                 \
                                                   .padding = FV__PADDING_##pad,                                       \
                                                   .activation = FV__ACTIVATION_##kind},                               \
        .inputs = {SAMPLE(__VA_ARGS__)}, .output = SHAPE(rows, columns, LAST(__VA_ARGS__)), .samples = 2               \
    }
#define LAST(height, width, channels) channels
#define REFUSED(label, words, kh, kw, sh, sw, ...)                                                                     \
    {                                                                                                                  \
        .name = label, .attributes = &(fv__max_pool2d_attributes){.size = {kh, kw}, .stride = {sh, sw}},               \
        .inputs = {SAMPLE(__VA_ARGS__)}, .refusal = words                                                              \
    }

static const op_case cases[] = {
    CASE("2x2", linear, VALID, 2, 2, 2, 2, 3, 3, 6, 6, 32),
    CASE("2x2", relu, VALID, 2, 2, 2, 2, 3, 3, 7, 7, 10),
    CASE("2x2", tanh, VALID, 2, 2, 2, 2, 2, 2, 4, 4, 17),
    CASE("2x2", sigmoid, VALID, 2, 2, 2, 2, 2, 2, 4, 5, 3),
    CASE("2x2", gelu, VALID, 2, 2, 2, 2, 2, 2, 5, 4, 5),
    CASE("2x2", gelu_tanh, SAME, 2, 2, 2, 2, 3, 2, 5, 4, 7),
    CASE("2x2 same", linear, SAME, 2, 2, 2, 2, 4, 4, 7, 7, 33),
    CASE("2x2 same", relu, SAME, 2, 2, 2, 2, 7, 7, 13, 13, 1),
    CASE("3x3 same", linear, SAME, 3, 3, 2, 2, 3, 4, 5, 8, 31),
    CASE("3x3 stride 1", relu, SAME, 3, 3, 1, 1, 4, 5, 4, 5, 17),
    CASE("3x2 stride 2x3", linear, VALID, 3, 2, 2, 3, 3, 2, 7, 7, 5),
    CASE("2x2 stride 3", linear, VALID, 2, 2, 3, 3, 2, 3, 6, 8, 16),
    CASE("window larger than the image, same", linear, SAME, 5, 4, 1, 2, 2, 2, 2, 3, 7),
    CASE("16x16", linear, VALID, 16, 16, 1, 1, 1, 2, 16, 17, 3),
    {.name = "padding never wins",
     .attributes = &(fv__max_pool2d_attributes){.size = {3, 3}, .stride = {2, 2}, .padding = FV__PADDING_SAME},
     .inputs = {SAMPLE(5, 5, 19)},
     .output = SHAPE(3, 3, 19),
     .prepare = negative,
     .check = check_ties},
    REFUSED("window too large", "does not fit into an image of shape (4, 4, 3)", 5, 2, 1, 1, 4, 4, 3),
    REFUSED("stride 0", "stride 0 along the width", 2, 2, 2, 0, 4, 4, 3),
    REFUSED("size 0", "size 0 and stride 1 along the height", 0, 2, 1, 1, 4, 4, 3),
    REFUSED("too many cells", "more than 256 cells", 17, 16, 1, 1, 40, 40, 3),
    {.name = "tokens",
     .attributes = &(fv__max_pool2d_attributes){.size = {2, 2}, .stride = {2, 2}},
     .inputs = {SAMPLE(36, 64)},
     .refusal = "(36, 64) of rank 2, but rank 3 fits"},
};
const op_cases cases_max_pool2d = CASES(cases, reference);
