// SPDX-License-Identifier: Apache-2.0
// The kernels that no op runs, at every instruction-set level: optimizers against their formulas in double, sums of
// gradient slots, and that cutting an array into pieces changes no bits. Also what becomes of NaN and infinity.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/kernels.h"

enum { COUNT = 1037, STEPS = 5 };

typedef struct state {
    float weight[COUNT], first[COUNT], second[COUNT];
} state;

static float value(size_t i, int step) {
    return (float)sin(0.37 * (double)i + step) * (i % 7 == 0 ? 1e-6f : 1);
}

static state state_start(void) {
    state s = {0};
    for (size_t i = 0; i < COUNT; i++) {
        s.weight[i] = value(i, 100);
    }
    return s;
}

static void gradients(float *gradient, int step) {
    for (size_t i = 0; i < COUNT; i++) {
        gradient[i] = value(i, step);
    }
}

static void assert_close(const float *got, const double *expected) {
    for (size_t i = 0; i < COUNT; i++) {
        if (!(fabs((double)got[i] - expected[i]) <= 1e-5 * (fabs(expected[i]) + 1e-2))) {
            fail_msg("element %zu is %.9g instead of %.9g", i, (double)got[i], expected[i]);
        }
    }
}

// Runs `test` at every level.
static void each_level(void (*test)(const fv__kernels *)) {
    const fv__kernels *kernels;
    for (int level = 0; (kernels = fv__kernels_available(level)); level++) {
        test(kernels);
    }
}

static fv__adam_step adam_step(int t, float decay) {
    const double correction = sqrt(1 - pow(0.999, t)) / (1 - pow(0.9, t));
    return (fv__adam_step){.rate = (float)(1e-2 * correction),
                           .beta1 = 0.9,
                           .beta2 = 0.999,
                           .epsilon = 1e-7f,
                           .decay = decay,
                           .gradient_scale = 0.5f};
}

static void check_adam(const fv__kernels *kernels) {
    state whole = state_start(), pieces = whole;
    static double weight[COUNT], mean[COUNT], square[COUNT];
    float gradient[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        weight[i] = (double)whole.weight[i];
        mean[i] = square[i] = 0;
    }
    for (int t = 1; t <= STEPS; t++) {
        const fv__adam_step step = adam_step(t, 1e-3f);
        gradients(gradient, t);
        kernels->adam(&step, gradient, whole.weight, whole.first, whole.second, COUNT);
        for (size_t at = 0, n = 1; at < COUNT; at += n, n = n * 2 + 1) {
            n = COUNT - at < n ? COUNT - at : n;
            kernels->adam(&step, gradient + at, pieces.weight + at, pieces.first + at, pieces.second + at, n);
        }
        for (size_t i = 0; i < COUNT; i++) {
            const double g = (double)gradient[i] * 0.5;
            mean[i] = 0.9 * mean[i] + 0.1 * g;
            square[i] = 0.999 * square[i] + 0.001 * g * g;
            weight[i] -= 1e-3 * weight[i];
            weight[i] -= 1e-2 * sqrt(1 - pow(0.999, t)) / (1 - pow(0.9, t)) * mean[i] / (sqrt(square[i]) + 1e-7);
        }
    }
    assert_close(whole.weight, weight);
    assert_memory_equal(&whole, &pieces, sizeof whole);
}

static void check_sgd_of(const fv__kernels *kernels, double momentum, bool nesterov) {
    state whole = state_start(), pieces = whole;
    static double weight[COUNT], velocity[COUNT];
    float gradient[COUNT];
    const fv__sgd_step step = {.rate = 0.1f, .momentum = (float)momentum, .gradient_scale = 0.5f, .nesterov = nesterov};
    for (size_t i = 0; i < COUNT; i++) {
        weight[i] = (double)whole.weight[i];
        velocity[i] = 0;
    }
    for (int t = 1; t <= STEPS; t++) {
        gradients(gradient, t);
        kernels->sgd(&step, gradient, whole.weight, momentum > 0 ? whole.first : NULL, COUNT);
        for (size_t at = 0; at < COUNT; at += 53) {
            const size_t n = COUNT - at < 53 ? COUNT - at : 53;
            kernels->sgd(&step, gradient + at, pieces.weight + at, momentum > 0 ? pieces.first + at : NULL, n);
        }
        for (size_t i = 0; i < COUNT; i++) {
            const double change = 0.1 * 0.5 * (double)gradient[i];
            velocity[i] = momentum * velocity[i] - change;
            weight[i] += nesterov ? momentum * velocity[i] - change : velocity[i];
        }
    }
    assert_close(whole.weight, weight);
    assert_memory_equal(&whole, &pieces, sizeof whole);
}

static void check_sgd(const fv__kernels *kernels) {
    check_sgd_of(kernels, 0, false);
    check_sgd_of(kernels, 0.9, false);
    check_sgd_of(kernels, 0.9, true);
}

static void check_slots(const fv__kernels *kernels) {
    enum { SLOTS = 5, STRIDE = 2600, SUMMED = 2500 }; // more than a piece
    float *slots = malloc(SLOTS * STRIDE * sizeof *slots), *total = malloc(STRIDE * sizeof *total);
    assert_non_null(slots);
    assert_non_null(total);
    for (size_t i = 0; i < SLOTS * STRIDE; i++) {
        slots[i] = value(i, 3);
    }
    for (size_t i = 0; i < STRIDE; i++) {
        total[i] = value(i, 4);
    }
    kernels->sum_slots(total, slots, STRIDE, SLOTS, SUMMED);
    for (size_t i = 0; i < STRIDE; i++) {
        float expected = value(i, 4);
        for (size_t s = 0; s < SLOTS && i < SUMMED; s++) {
            expected += value(s * STRIDE + i, 3);
            assert_true(slots[s * STRIDE + i] == 0);
        }
        assert_true(total[i] == expected);
    }
    assert_true(slots[SUMMED] == value(SUMMED, 3));
    free(slots);
    free(total);
}

static void check_squares(const fv__kernels *kernels) {
    float x[COUNT];
    gradients(x, 0);
    for (size_t n = 0; n < COUNT; n += 1 + n / 3) {
        double expected = 0;
        for (size_t i = 0; i < n; i++) {
            expected += (double)x[i] * (double)x[i];
        }
        assert_true(fabs(kernels->sum_squares(x, n) - expected) <= 1e-12 * expected);
        assert_true(fabs(kernels->inner_product(x, x, n) - expected) <= 1e-12 * expected);
    }
}

static void check_columns(const fv__kernels *kernels) {
    enum { ROWS = 9, STRIDE = 300 };
    static float x[ROWS * STRIDE];
    float whole[STRIDE] = {0}, pieces[STRIDE] = {0};
    for (size_t i = 0; i < ROWS * STRIDE; i++) {
        x[i] = value(i, 1);
    }
    for (int columns = 1; columns < STRIDE; columns += 1 + columns / 5) {
        kernels->add_columns(x, STRIDE, whole, ROWS, columns);
        kernels->add_columns(x, STRIDE, pieces, 4, columns);
        kernels->add_columns(x + (ptrdiff_t)4 * STRIDE, STRIDE, pieces, ROWS - 4, columns);
        assert_memory_equal(whole, pieces, sizeof whole);
    }
}

#define TEST(name)                                                                                                     \
    static void test_##name(void **unused) {                                                                           \
        (void)unused;                                                                                                  \
        each_level(check_##name);                                                                                      \
    }
TEST(adam)
TEST(sgd)
TEST(slots)
TEST(squares)
TEST(columns)

// Every NaN stays one, whatever its bits.
static void not_a_number(void **unused) {
    (void)unused;
    static const uint32_t bits[] = {0x7fc00000, 0xffc00000, 0x7fffffff, 0x7f800001};
    const fv__kernels *kernels;
    for (int l = 0; (kernels = fv__kernels_available(l)); l++) {
        for (size_t b = 0; b < sizeof bits / sizeof *bits; b++) {
            float x[64] = {0}, y[64];
            memcpy(&x[5], &bits[b], sizeof x[5]);
            kernels->softmax_scores(x, y, 1, 40, 48, 0.3f);
            assert_true(isnan(y[0]) && isnan(y[5]) && isnan(y[39]));
            kernels->softmax_rows(x, y, 1, 40, 0.3f);
            assert_true(isnan(y[0]) && isnan(y[5]) && isnan(y[39]));
        }
    }
}

// The gradient of a GELU far out is that of ReLU.
static void gradients_far_out(void **unused) {
    (void)unused;
    static const float far[] = {-INFINITY, -1e30f, -100, 100, 1e30f, INFINITY}, ones[] = {1, 1, 1, 1, 1, 1};
    const fv__kernels *kernels;
    for (int l = 0; (kernels = fv__kernels_available(l)); l++) {
        for (int kind = FV__ACTIVATION_gelu, i = 0; i < 2; kind = FV__ACTIVATION_gelu_tanh, i++) {
            float dx[6];
            kernels->activate_backward((fv__activation)kind, ones, far, dx, 6);
            for (int n = 0; n < 6; n++) {
                assert_true(fabs((double)dx[n] - (n > 2)) < 1e-6);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(not_a_number), cmocka_unit_test(gradients_far_out),
                                       cmocka_unit_test(test_adam),    cmocka_unit_test(test_sgd),
                                       cmocka_unit_test(test_slots),   cmocka_unit_test(test_squares),
                                       cmocka_unit_test(test_columns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
