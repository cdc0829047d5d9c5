// SPDX-License-Identifier: Apache-2.0
// gemm and pack at every level this machine has, against a naive product in double precision: random shapes with all
// tails, tables of rows, segments, transposes, and every finish; guard numbers around c; the promise about bits.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "kernels/kernels.h"
#include "kernels/vector.h"

enum { GUARDS = 70 }; // more than the widest tile
static const float GUARD = 12345.5f;
static uint32_t state = 1;

static int draw(int below) {
    state = state * 1664525u + 1013904223u;
    return (int)((state >> 8) % (uint32_t)below);
}

static float draw_float(void) {
    return (float)draw(2001) / 1000.0f - 1.0f;
}

static float *draw_floats(size_t count) {
    float *x = malloc(count * sizeof *x + !count); // exact size: AddressSanitizer sees every step outside
    for (size_t i = 0; i < count; i++) {
        x[i] = draw_float();
    }
    return x;
}

typedef struct problem {
    fv__gemm g;
    float *a, *b, *packed, *c, *before, *bias;
    int32_t *table;
    size_t c_size;
} problem;

// The operand a: plain, transposed, or windows (a table of rows into overlapping segments).
static void draw_left(problem *p, int kind) {
    fv__gemm *g = &p->g;
    ptrdiff_t total = (ptrdiff_t)g->depth * g->segments;
    ptrdiff_t size;
    if (kind == 0) {
        g->a_row = total + draw(3);
        g->a_depth = 1;
        g->a_segment = g->depth;
        size = (g->rows - 1) * g->a_row + total;
    } else if (kind == 1) {
        g->a_row = 1;
        g->a_depth = g->rows + draw(3);
        g->a_segment = g->depth * g->a_depth;
        size = (total - 1) * g->a_depth + g->rows;
    } else {
        g->a_depth = kind == 2 ? 1 : 1 + draw(4);
        g->a_segment = g->depth * g->a_depth + draw(9);
        p->table = malloc((size_t)g->rows * sizeof *p->table + 1);
        int farthest = 0;
        for (int m = 0; m < g->rows; m++) {
            bool runs = kind == 3 && m % 40; // neighbours in runs, as the channels in a gradient of a convolution
            p->table[m] = runs ? p->table[m - 1] + 1 : draw(500);
            farthest = p->table[m] > farthest ? p->table[m] : farthest;
        }
        g->a_rows = p->table;
        size = farthest + (g->segments - 1) * g->a_segment + (g->depth - 1) * g->a_depth + 1;
    }
    p->a = draw_floats(size > 0 ? (size_t)size : 0);
    g->a = p->a;
}

static problem draw_problem(const fv__kernels *kernels, int rows, int columns, int depth, int segments) {
    problem p = {.g = {.rows = rows, .columns = columns, .depth = depth, .segments = segments}};
    fv__gemm *g = &p.g;
    size_t total = (size_t)depth * (size_t)segments;
    draw_left(&p, draw(4));
    ptrdiff_t b_row = columns + draw(4);
    p.b = draw_floats(total ? (total - 1) * (size_t)b_row + (size_t)columns : 0);
    g->b = p.b;
    g->b_row = b_row;
    g->c_row = columns + draw(5);
    p.c_size = (size_t)(rows - 1) * (size_t)g->c_row + (size_t)columns + 2 * GUARDS;
    p.c = draw_floats(p.c_size);
    for (size_t i = 0; i < p.c_size; i++) {
        ptrdiff_t at = (ptrdiff_t)i - GUARDS;
        if (at < 0 || i >= p.c_size - GUARDS || at % g->c_row >= columns) {
            p.c[i] = GUARD;
        }
    }
    g->c = p.c + GUARDS;
    p.before = memcpy(malloc(p.c_size * sizeof(float)), p.c, p.c_size * sizeof(float));
    g->accumulate = draw(2);
    g->relu = draw(2);
    g->ceiling = g->relu && draw(2) ? 0.5f : 0;
    g->bias = draw(2) ? p.bias = draw_floats((size_t)columns) : NULL;
    p.packed = malloc(kernels->packed_size((int)total, columns) * sizeof(float) + 1);
    return p;
}

static void release(problem *p) {
    float *all[] = {p->a, p->b, p->packed, p->c, p->before, p->bias};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
    free(p->table);
}

static void restore(const problem *p) {
    memcpy(p->c, p->before, p->c_size * sizeof(float));
}

static void check(const problem *p, const char *level) {
    const fv__gemm *g = &p->g;
    const float *before = p->before + GUARDS;
    for (int m = 0; m < g->rows; m++) {
        for (int n = 0; n < g->columns; n++) {
            double sum = g->accumulate ? (double)before[m * g->c_row + n] : 0.0, size = fabs(sum) + 1;
            ptrdiff_t row = g->a_rows ? g->a_rows[m] : m * g->a_row;
            for (int s = 0; s < g->segments; s++) {
                for (int k = 0; k < g->depth; k++) {
                    double term = (double)g->a[row + s * g->a_segment + k * g->a_depth] *
                                  (double)p->b[((ptrdiff_t)s * g->depth + k) * p->g.b_row + n];
                    sum += term;
                    size += fabs(term);
                }
            }
            sum += g->bias ? (double)g->bias[n] : 0.0;
            sum = g->relu && sum < 0 ? 0 : sum;
            sum = g->ceiling > 0 && sum > (double)g->ceiling ? (double)g->ceiling : sum;
            double got = (double)g->c[m * g->c_row + n];
            if (!(fabs(got - sum) <= 1e-6 * size)) {
                fail_msg("%s: c[%d][%d] of %d x %d, %d x %d terms: %.9g, not %.9g", level, m, n, g->rows, g->columns,
                         g->segments, g->depth, got, sum);
            }
        }
    }
    for (size_t i = 0; i < p->c_size; i++) {
        ptrdiff_t at = (ptrdiff_t)i - GUARDS;
        if (at < 0 || i >= p->c_size - GUARDS || at % g->c_row >= g->columns) {
            assert_true(p->c[i] == GUARD);
        }
    }
}

// The same bits with b packed, and with the rows, the columns or the sum split over calls.
static void check_bits(const problem *p, const fv__kernels *kernels) {
    fv__gemm g = p->g;
    size_t bytes = p->c_size * sizeof(float);
    float *expected = memcpy(malloc(bytes), p->c, bytes);
    int total = g.depth * g.segments;

    kernels->pack(total, g.columns, g.b, g.b_row, 1, p->packed);
    g.b = p->packed;
    g.b_row = 0;
    restore(p);
    kernels->gemm(&g);
    assert_memory_equal(p->c, expected, bytes);

    restore(p); // packed, rows in two calls, columns in two calls at a panel's edge
    int rows = draw(p->g.rows + 1), columns = draw(g.columns / kernels->panel_columns + 1) * kernels->panel_columns;
    for (int part = 0; part < 4; part++) {
        int m = part & 1 ? rows : 0, n = part & 2 ? columns : 0;
        fv__gemm split = g;
        split.rows = part & 1 ? g.rows - rows : rows;
        split.columns = part & 2 ? g.columns - columns : columns;
        split.a += g.a_rows ? 0 : m * g.a_row;
        split.a_rows = g.a_rows ? g.a_rows + m : NULL;
        split.b += kernels->packed_size(total, n);
        split.c += m * g.c_row + n;
        split.bias = g.bias ? g.bias + n : NULL;
        if (split.rows && split.columns) {
            kernels->gemm(&split);
        }
    }
    assert_memory_equal(p->c, expected, bytes);

    restore(p); // plain, the sum in two calls
    fv__gemm begin = p->g, end = p->g;
    begin.segments = draw(p->g.segments + 1);
    end.segments -= begin.segments;
    begin.bias = NULL;
    begin.relu = false;
    end.a += begin.segments ? begin.segments * end.a_segment : 0;
    end.b += (ptrdiff_t)begin.segments * end.depth * end.b_row;
    end.accumulate = true;
    if (end.segments && begin.segments) {
        kernels->gemm(&begin);
        kernels->gemm(&end);
        assert_memory_equal(p->c, expected, bytes);
    }
    free(expected);
}

static void check_shape(const fv__kernels *kernels, int rows, int columns, int depth, int segments) {
    problem p = draw_problem(kernels, rows, columns, depth, segments);
    kernels->gemm(&p.g);
    check(&p, kernels->level);
    check_bits(&p, kernels);
    release(&p);
}

static void random_shapes(void **unused) {
    (void)unused;
    const fv__kernels *kernels;
    for (int i = 0; (kernels = fv__kernels_available(i)); i++) {
        for (int round = 0; round < 1500; round++) {
            check_shape(kernels, 1 + draw(round % 5 ? 30 : 130), 1 + draw(round % 7 ? 70 : 200), 1 + draw(40),
                        1 + draw(4));
        }
        for (int columns = 1; columns <= 2 * kernels->panel_columns + 1; columns++) {
            check_shape(kernels, 1 + draw(14), columns, 1 + draw(9), 1 + draw(3));
        }
        for (int rows = 1; rows <= 60; rows++) {
            check_shape(kernels, rows, 1 + draw(kernels->panel_columns), 1 + draw(9), 1 + draw(3));
        }
        for (int round = 0; round < 40; round++) { // several stretches of the sum
            check_shape(kernels, 1 + draw(30), 1 + draw(80), 1 + draw(900), 1 + draw(3));
        }
        check_shape(kernels, 3, 5, 4000, 1);
    }
}

static void empty_sum(void **unused) {
    (void)unused;
    const fv__kernels *kernels;
    for (int i = 0; (kernels = fv__kernels_available(i)); i++) {
        for (int round = 0; round < 50; round++) {
            int depth = draw(2);
            problem p = draw_problem(kernels, 1 + draw(20), 1 + draw(100), depth, depth ? 0 : draw(3));
            kernels->gemm(&p.g);
            check(&p, kernels->level);
            p.g.columns = 0;
            kernels->gemm(&p.g);
            p.g.rows = 0;
            kernels->gemm(&p.g);
            release(&p);
        }
    }
}

static void packing_a_transpose(void **unused) {
    (void)unused;
    const fv__kernels *kernels;
    for (int i = 0; (kernels = fv__kernels_available(i)); i++) {
        for (int round = 0; round < 100; round++) {
            int depth = 1 + draw(50), columns = 1 + draw(150);
            size_t bytes = kernels->packed_size(depth, columns) * sizeof(float);
            assert_true(bytes >= (size_t)(depth * columns) * sizeof(float));
            float *b = draw_floats((size_t)(depth * columns)), *transposed = draw_floats((size_t)(depth * columns));
            for (int k = 0; k < depth; k++) {
                for (int n = 0; n < columns; n++) {
                    transposed[n * depth + k] = b[k * columns + n];
                }
            }
            float *packed = malloc(bytes), *same = malloc(bytes);
            kernels->pack(depth, columns, b, columns, 1, packed);
            kernels->pack(depth, columns, transposed, 1, depth, same);
            assert_memory_equal(packed, same, bytes);
            free(packed);
            free(same);
            free(b);
            free(transposed);
        }
    }
}

static void packing_a_transpose_with_columns_of_zeros(void **unused) {
    (void)unused;
    const fv__kernels *kernels;
    for (int i = 0; (kernels = fv__kernels_available(i)); i++) {
        for (int round = 0; round < 100; round++) {
            const int depth = 1 + draw(50), columns = 1 + draw(150);
            const int whole = (columns + kernels->lanes - 1) / kernels->lanes * kernels->lanes;
            float *a = draw_floats((size_t)depth), *transposed = draw_floats((size_t)(depth * columns));
            float *packed = malloc(kernels->packed_size(depth, whole) * sizeof *packed),
                  *c = draw_floats((size_t)whole);
            kernels->pack_transposed(depth, columns, transposed, depth, packed);
            kernels->gemm(&(fv__gemm){
                .rows = 1, .columns = whole, .depth = depth, .segments = 1, .a = a, .a_depth = 1, .b = packed, .c = c});
            for (int n = 0; n < whole; n++) {
                double sum = 0;
                for (int k = 0; n < columns && k < depth; k++) {
                    sum += (double)a[k] * (double)transposed[n * depth + k];
                }
                assert_true(fabs((double)c[n] - sum) <= 1e-6 * depth);
            }
            free(a);
            free(transposed);
            free(packed);
            free(c);
        }
    }
}

static void nan_passes_relu(void **unused) {
    (void)unused;
    const fv__kernels *kernels;
    for (int i = 0; (kernels = fv__kernels_available(i)); i++) {
        float a[3] = {NAN, -1, 2}, b[5] = {1, 2, 3, 4, 5}, c[15];
        fv__gemm g = {.rows = 3, .columns = 5, .depth = 1, .segments = 1, .a = a, .a_row = 1, .a_depth = 1, .b = b};
        g.b_row = g.c_row = 5;
        g.c = c;
        g.relu = true;
        kernels->gemm(&g);
        assert_true(isnan(c[0]) && isnan(c[4]) && c[5] == 0 && c[9] == 0 && c[10] == 2 && c[14] == 10);
    }
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double normal_cdf(double x) {
    return erfc(-x / sqrt(2)) / 2;
}

static double gelu(double x) {
    return x * normal_cdf(x);
}

static double gelu_tanh(double x) {
    return x * sigmoid(2 * sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x));
}

// exp and the distribution function are no kernels themselves: here as this file is compiled; sigmoid and GELU show
// them at every level.
enum { EXP = FV__ACTIVATION_COUNT, NORMAL_CDF };

static void apply(const fv__kernels *kernels, int function, size_t count, const float *x, float *y) {
    if (function < FV__ACTIVATION_COUNT) {
        kernels->activate((fv__activation)function, x, y, count);
        return;
    }
    for (size_t i = 0; i < count; i += FV__LANES) {
        int here = count - i < FV__LANES ? (int)(count - i) : FV__LANES;
        fv__v lanes = fv__v_load_some(x + i, here, 0);
        fv__v_store_some(y + i, function == EXP ? fv__v_exp(lanes) : fv__v_normal_cdf(lanes), here);
    }
}

// The functions, with the errors vector.h states: in units in the last place where the result is not denormal.
static void elementary_functions(void **unused) {
    (void)unused;
    static const struct {
        int function;
        double (*exact)(double);
        double lowest, highest, ulps, absolute; // absolute: allowed instead
    } cases[] = {
        {EXP, exp, -87.3, 88.72, 1.5, 0},
        {EXP, exp, -200, -87.3, 0, 3e-45},
        {FV__ACTIVATION_sigmoid, sigmoid, -87.3, 200, 2.5, 0},
        {FV__ACTIVATION_tanh, tanh, -100, 100, 2, 0},
        {FV__ACTIVATION_tanh, tanh, -1, 1, 2, 0},
        {NORMAL_CDF, normal_cdf, -12.9, 50, 7, 0},
        {FV__ACTIVATION_gelu, gelu, -12.9, 50, 8, 0},
        {FV__ACTIVATION_gelu, gelu, -100, -12.9, 0, 1e-37},
        {FV__ACTIVATION_gelu_tanh, gelu_tanh, -1, 50, 4, 0},
        {FV__ACTIVATION_gelu_tanh, gelu_tanh, -100, -1, 0, 2e-7},
    };
    enum { COUNT = 400003 };
    float *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y);
    const fv__kernels *kernels;
    for (int level = 0; (kernels = fv__kernels_available(level)); level++) {
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
            double worst = 0, worst_x = 0, low = cases[c].lowest, high = cases[c].highest;
            for (int i = 0; i < COUNT; i++) {
                x[i] = (float)(low + (high - low) * i / (COUNT - 1));
            }
            apply(kernels, cases[c].function, COUNT, x, y);
            for (int i = 0; i < COUNT; i++) {
                double exact = cases[c].exact((double)x[i]), error = fabs((double)y[i] - exact);
                int exponent;
                frexp(exact, &exponent);
                error /= cases[c].absolute > 0 ? cases[c].absolute : ldexp(cases[c].ulps, exponent - 24);
                if (!(error <= worst)) {
                    worst = error;
                    worst_x = (double)x[i];
                }
            }
            if (getenv("FOVEA_TEST_VERBOSE")) {
                print_message("%s: case %zu, function %d: %.2f of the bound, at %.9g\n", kernels->level, c,
                              cases[c].function, worst, worst_x);
            }
            if (!(worst <= 1)) {
                fail_msg("%s: function %d is off at %.9g: %.2f of the bound", kernels->level, cases[c].function,
                         worst_x, worst);
            }
        }
        // Limits: minus infinity, far left, zero, far right, infinity. Then NaN.
        static const float ends[5] = {-INFINITY, -1e30f, 0, 1e30f, INFINITY};
        static const float expected[][5] = {
            [EXP] = {0, 0, 1, INFINITY, INFINITY},
            [FV__ACTIVATION_sigmoid] = {0, 0, 0.5f, 1, 1},
            [FV__ACTIVATION_tanh] = {-1, -1, 0, 1, 1},
            [NORMAL_CDF] = {0, 0, 0.5f, 1, 1},
            [FV__ACTIVATION_gelu] = {0, 0, 0, 1e30f, INFINITY},
            [FV__ACTIVATION_gelu_tanh] = {0, 0, 0, 1e30f, INFINITY},
            [FV__ACTIVATION_relu6] = {0, 0, 0, 6, 6},
        };
        for (int f = FV__ACTIVATION_gelu; f <= NORMAL_CDF; f++) {
            apply(kernels, f, 5, ends, y);
            for (int i = 0; i < 5; i++) {
                if (!(y[i] == expected[f][i] || fabsf(y[i] - expected[f][i]) < 1e-7f)) {
                    fail_msg("%s: function %d of %g is %g", kernels->level, f, (double)ends[i], (double)y[i]);
                }
            }
            float nans[3] = {NAN, -NAN, 1};
            apply(kernels, f, 3, nans, nans);
            assert_true(isnan(nans[0]) && isnan(nans[1]) && !isnan(nans[2]));
        }
    }
    free(x);
    free(y);
}

static void selecting_a_level(void **unused) {
    (void)unused;
    const fv__kernels *kernels;
    fv_error error;
    char *old = getenv("FOVEA_ISA");
    old = old ? strdup(old) : NULL;
    unsetenv("FOVEA_ISA");
    assert_int_equal(fv__kernels_select(NULL, &kernels, &error), FV_OK);
    assert_ptr_equal(kernels, fv__kernels_available(0));
    setenv("FOVEA_ISA", "baseline", 1);
    assert_int_equal(fv__kernels_select(NULL, &kernels, &error), FV_OK);
    assert_string_equal(kernels->level, "baseline");
    assert_int_equal(kernels->lanes, 4);
    for (int i = 0; fv__kernels_available(i); i++) {
        assert_int_equal(fv__kernels_select(fv__kernels_available(i)->level, &kernels, &error), FV_OK);
        assert_ptr_equal(kernels, fv__kernels_available(i));
    }
    assert_int_equal(fv__kernels_select("vax", &kernels, &error), FV_UNSUPPORTED);
    assert_non_null(strstr(error.message, "vax"));
    assert_non_null(strstr(error.message, "baseline"));
    setenv("FOVEA_ISA", "avx9000", 1);
    assert_int_equal(fv__kernels_select(NULL, &kernels, NULL), FV_UNSUPPORTED);
    old ? setenv("FOVEA_ISA", old, 1) : unsetenv("FOVEA_ISA");
    free(old);
}

static void machine(void **unused) {
    (void)unused;
    assert_true(fv__cpu_threads() >= 1);
    setenv("OMP_NUM_THREADS", "1,2", 1);
    assert_int_equal(fv__cpu_threads(), 1);
    setenv("OMP_NUM_THREADS", "many", 1);
    int threads = fv__cpu_threads();
    unsetenv("OMP_NUM_THREADS");
    assert_int_equal(fv__cpu_threads(), threads);
    assert_true(*fv__cpu_name());
    volatile float tiny = 1e-40f;
    unsigned mode = fv__cpu_enter_flush_denormals();
#if defined __x86_64__
    assert_true(tiny * 0.5f == 0);
#endif
    fv__cpu_leave_flush_denormals(mode);
    assert_true(tiny * 0.5f != 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_shapes),       cmocka_unit_test(empty_sum),
        cmocka_unit_test(packing_a_transpose), cmocka_unit_test(packing_a_transpose_with_columns_of_zeros),
        cmocka_unit_test(nan_passes_relu),     cmocka_unit_test(elementary_functions),
        cmocka_unit_test(selecting_a_level),   cmocka_unit_test(machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
