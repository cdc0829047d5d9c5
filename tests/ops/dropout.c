// SPDX-License-Identifier: Apache-2.0
// Dropout: the draws, what is left outside training, and how many are kept.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernels/draw.h"
#include "ops/pointwise.h"
#include "reference.h"

static void reference(const reference_call *call) {
    const float rate = ((const fv__dropout_attributes *)call->test->attributes)->rate;
    for (size_t i = 0; i < fv__shape_elements(&call->node->output); i++) {
        const bool kept = !call->training || reference_keeps(call, rate, (uint32_t)i);
        const double scale = call->training ? 1 / (1 - (double)rate) : 1;
        call->out[i] = kept ? call->in[0][i] * scale : 0;
    }
}

enum { DRAWS = 1 << 18 };

// Among many draws, neighbours, distant ones and those of related keys must look independent.
static void check_independence(const uint32_t first[2], const uint32_t second[2], uint32_t distance, double rate) {
    const uint32_t threshold = fv__draw_threshold((float)rate);
    double kept = 0, both = 0;
    for (uint32_t i = 0; i < DRAWS; i++) {
        const bool one = fv__draw(i, first[0], first[1]) >= threshold;
        const bool other = fv__draw(i + distance, second[0], second[1]) >= threshold;
        kept += one;
        both += one && other;
    }
    const double keep = 1 - rate, deviation = sqrt(DRAWS * keep * rate);
    assert_true(fabs(kept - DRAWS * keep) < 4.5 * deviation);
    // Pairs that share an element vary together.
    const double pair = keep * keep, variance = DRAWS * (pair * (1 - pair) + 2 * (pair * keep - pair * pair));
    assert_true(fabs(both - DRAWS * pair) < 4.5 * sqrt(variance));
}

static void check_draws(const op_case *test, const fv__op *op, const fv__kernels *kernels) {
    (void)test, (void)op, (void)kernels;
    const uint32_t keys[][2] = {{0, 0}, {0, 1}, {0x80000000u, 7}, {5, 5}, {0xdeadbeefu, 0x01234567u}};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        for (uint32_t distance = 1; distance <= 4096; distance *= 2) {
            check_independence(keys[k], keys[k], distance, 0.2);
            check_independence(keys[k], keys[k], distance, 0.5);
        }
        for (size_t other = 0; other < k; other++) {
            check_independence(keys[other], keys[k], 0, 0.5);
        }
    }
}

// The kernel in pieces draws what it draws at once.
static void check_positions(const op_case *test, const fv__op *op, const fv__kernels *kernels) {
    (void)test, (void)op;
    enum { COUNT = 1001, CUT = 403 };
    static float x[COUNT], whole[COUNT], pieces[COUNT];
    const uint32_t key[2] = {3, 4};
    for (int i = 0; i < COUNT; i++) {
        x[i] = 1;
    }
    kernels->dropout(x, whole, COUNT, 0.3f, key, 0);
    kernels->dropout(x, pieces, CUT, 0.3f, key, 0);
    kernels->dropout(x + CUT, pieces + CUT, COUNT - CUT, 0.3f, key, CUT);
    assert_memory_equal(whole, pieces, sizeof whole);
    double sum = 0;
    for (int i = 0; i < COUNT; i++) {
        sum += (double)whole[i];
    }
    assert_true(fabs(sum / COUNT - 1) < 0.08); // four deviations
}

#define CASE(label, rate, on, more, ...)                                                                               \
    {                                                                                                                  \
        .name = label " " #rate " " #__VA_ARGS__, .attributes = &(fv__dropout_attributes){rate},                       \
        .inputs = {SAMPLE(__VA_ARGS__)}, .output = SHAPE(__VA_ARGS__), .training = on, .check = more                   \
    }

static const op_case cases[] = {
    CASE("training", 0.2f, true, check_draws, 5, 7),
    CASE("training", 0.5f, true, check_positions, 3, 33),
    CASE("training", 0.9f, true, NULL, 256),
    CASE("training", 0, true, NULL, 17),
    CASE("inference", 0.5f, false, NULL, 31),
    {.name = "rate 1",
     .attributes = &(fv__dropout_attributes){1},
     .inputs = {SAMPLE(3)},
     .refusal = "rate is 1, but must be"},
    {.name = "negative rate",
     .attributes = &(fv__dropout_attributes){-0.5f},
     .inputs = {SAMPLE(3)},
     .refusal = "rate is -0.5, but must be"},
};
const op_cases cases_dropout = CASES(cases, reference);
