// SPDX-License-Identifier: Apache-2.0
// Compares gemm with LIBXSMM and OpenBLAS at the shapes of the recipes, on one core. Neither is a dependency of the
// library: they take part where CMake finds them.
//
//   gemm [part of a shape's name]      FOVEA_ISA=x86-64-v3 LIBXSMM_TARGET=hsw gemm: the same for AVX2
//
// The contestants take turns, so that noise of the machine meets all; figures are GFLOP/s, best (and median) of the
// turns; ratios compare the best. LIBXSMM gets what suits it: b in panels of 64 columns, row blocks dividing the rows,
// kernels made beforehand, and a written out as a plain matrix, which is not counted: for windows and transposes our
// time includes reaching them. OpenBLAS does not know FOVEA_ISA: OPENBLAS_CORETYPE=Haswell makes it use AVX2.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "kernels/kernels.h"

#ifdef HAVE_LIBXSMM
#include <libxsmm.h>
#endif
#ifdef HAVE_OPENBLAS
#include <cblas.h>
void openblas_set_num_threads(int threads);
#endif

enum { TURNS = 25 };

typedef enum left { PLAIN, TRANSPOSED, WINDOWS, TRANSPOSED_WINDOWS } left;

typedef struct shape {
    const char *name;
    int rows, columns, depth, segments;
    left left;
    int width, channels; // of the image the windows lie in; rows are the positions of windows (or their elements)
    bool packed;
} shape;

static const shape shapes[] = {
    // name, rows, columns, depth, segments, left, image width, channels, b packed
    {"eanet query", 256, 256, 64, 1, PLAIN, 0, 0, true},
    {"eanet output", 256, 64, 256, 1, PLAIN, 0, 0, true},
    {"eanet mlp", 256, 64, 64, 1, PLAIN, 0, 0, true},
    {"eanet mlp, 4 samples", 1024, 64, 64, 1, PLAIN, 0, 0, true},
    {"eanet mlp gradient", 64, 64, 256, 1, TRANSPOSED, 0, 0, false},
    {"mnist conv2", 169, 64, 64, 2, WINDOWS, 14, 32, true},
    {"mnist conv3", 36, 192, 128, 2, WINDOWS, 7, 64, true},
    {"mnist query", 36, 192, 192, 1, PLAIN, 0, 0, true},
    {"mnist query, 4 samples", 144, 192, 192, 1, PLAIN, 0, 0, true},
    {"mnist output", 36, 32, 192, 1, PLAIN, 0, 0, true},
    {"mnist dense", 128, 256, 1152, 1, PLAIN, 0, 0, true},
    {"mnist dense input gradient", 128, 1152, 256, 1, PLAIN, 0, 0, true},
    {"mnist dense gradient", 1152, 256, 128, 1, TRANSPOSED, 0, 0, false},
    {"mnist query gradient", 192, 192, 144, 1, TRANSPOSED, 0, 0, false},
    {"mnist scores", 36, 36, 24, 1, PLAIN, 0, 0, true},
    {"mnist values", 36, 24, 36, 1, PLAIN, 0, 0, false},
    {"classes", 128, 10, 256, 1, PLAIN, 0, 0, true},
    {"fashion conv2", 576, 64, 96, 3, WINDOWS, 26, 32, true},
    {"fashion conv2 gradient", 288, 64, 24, 24, TRANSPOSED_WINDOWS, 26, 32, false},
    {"fashion dense", 64, 128, 9216, 1, PLAIN, 0, 0, true},
    {"fashion dense gradient", 9216, 128, 64, 1, TRANSPOSED, 0, 0, false},
    {"fashion projection", 144, 32, 64, 1, PLAIN, 0, 0, true},
    {"fashion scores", 144, 144, 32, 1, PLAIN, 0, 0, true},
    {"fashion values", 144, 64, 144, 1, PLAIN, 0, 0, false},
    {"vit scores", 256, 256, 64, 1, PLAIN, 0, 0, true},
    {"vit values", 256, 64, 256, 1, PLAIN, 0, 0, false},
    {"memory", 256, 16, 16, 1, PLAIN, 0, 0, true},
    {"cats-dogs query", 49, 1280, 1280, 1, PLAIN, 0, 0, true},
    {"mobilenet 24 from 144", 3136, 24, 144, 1, PLAIN, 0, 0, true},
    {"mobilenet 144 from 24", 3136, 144, 24, 1, PLAIN, 0, 0, true},
    {"mobilenet 320 from 960", 49, 320, 960, 1, PLAIN, 0, 0, true},
    {"cats-dogs query, 16 samples", 784, 1280, 1280, 1, PLAIN, 0, 0, true},
    {"cats-dogs query gradient", 128, 1280, 1568, 1, TRANSPOSED, 0, 0, false},
    {"one image, dense", 1, 1280, 1280, 1, PLAIN, 0, 0, true},
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *numbers(size_t count) {
    float *x = fv__alloc_array(count, sizeof *x);
    if (!x) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)rand() / (float)RAND_MAX - 0.5f;
    }
    return x;
}

// One product with its operands for every contestant.
typedef struct bout {
    const shape *shape;
    const fv__kernels *kernels;
    fv__gemm g;
    float *a, *b, *packed, *c;
    int32_t *table;
    float *dense_a; // (rows, terms): a written out
    float *panels;  // b in panels of 64 columns, each (terms, width)
    float *other_c;
    int terms;
#ifdef HAVE_LIBXSMM
    libxsmm_smmfunction full, rest; // panels of 64 columns, last panel
    int block;                      // rows of a call
#endif
} bout;

static void run_ours(bout *b) {
    b->kernels->gemm(&b->g);
}

#ifdef HAVE_LIBXSMM
// LIBXSMM is column-major: it sees c^T = b^T a^T, its m are our columns.
static libxsmm_smmfunction xsmm_kernel(const bout *b, int columns) {
    libxsmm_blasint panel = columns, terms = b->terms, all = b->shape->columns;
    float one = 1, zero = 0;
    int flags = LIBXSMM_GEMM_FLAG_NONE;
    return libxsmm_smmdispatch(columns, b->block, b->terms, &panel, &terms, &all, &one, &zero, &flags, NULL);
}

static void run_xsmm(bout *b) {
    const shape *s = b->shape;
    for (int m = 0; m < s->rows; m += b->block) {
        for (int n = 0; n < s->columns; n += 64) {
            libxsmm_smmfunction f = s->columns - n < 64 ? b->rest : b->full;
            f(b->panels + (ptrdiff_t)n * b->terms, b->dense_a + (ptrdiff_t)m * b->terms,
              b->other_c + (ptrdiff_t)m * s->columns + n);
        }
    }
}
#endif

#ifdef HAVE_OPENBLAS
static void run_openblas(bout *b) {
    const shape *s = b->shape;
    if (s->left == TRANSPOSED) {
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, s->rows, s->columns, b->terms, 1, b->a, s->rows, b->b,
                    s->columns, 0, b->other_c, s->columns);
    } else {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, s->rows, s->columns, b->terms, 1, b->dense_a, b->terms,
                    b->b, s->columns, 0, b->other_c, s->columns);
    }
}
#endif

// The rows of windows: the positions of an image, without those where a window would not fit.
static void place_left(bout *b) {
    const shape *s = b->shape;
    fv__gemm *g = &b->g;
    b->table = fv__alloc_array((size_t)s->rows, sizeof *b->table);
    size_t size = (size_t)s->rows * (size_t)b->terms;
    int line = s->width * s->channels;
    g->a_row = b->terms;
    g->a_depth = 1;
    g->a_segment = s->depth;
    if (s->left == TRANSPOSED) {
        g->a_row = 1;
        g->a_depth = s->rows;
        g->a_segment = (ptrdiff_t)s->depth * s->rows;
    } else if (s->left == WINDOWS) {
        int across = s->width - s->depth / s->channels + 1;
        for (int m = 0; m < s->rows; m++) {
            b->table[m] = m / across * line + m % across * s->channels;
        }
        g->a_rows = b->table;
        g->a_segment = line;
        size = (size_t)(s->rows / across + s->segments + 1) * (size_t)line;
    } else if (s->left == TRANSPOSED_WINDOWS) { // row: an element of a 3-wide window, term: a position
        for (int m = 0; m < s->rows; m++) {
            b->table[m] = m / (3 * s->channels) * line + m % (3 * s->channels);
        }
        g->a_rows = b->table;
        g->a_depth = s->channels;
        g->a_segment = line;
        size = (size_t)(s->segments + 3) * (size_t)line;
    }
    b->a = numbers(size);
    g->a = b->a;
}

static void prepare(bout *b, const shape *s, const fv__kernels *kernels) {
    *b = (bout){.shape = s, .kernels = kernels, .terms = s->depth * s->segments};
    b->g = (fv__gemm){.rows = s->rows, .columns = s->columns, .depth = s->depth, .segments = s->segments};
    size_t n = (size_t)s->columns, terms = (size_t)b->terms, rows = (size_t)s->rows;
    place_left(b);
    b->b = numbers(terms * n);
    b->c = numbers(rows * n);
    b->other_c = numbers(rows * n);
    b->packed = numbers(kernels->packed_size(b->terms, s->columns));
    kernels->pack(b->terms, s->columns, b->b, s->columns, 1, b->packed);
    b->g.b = s->packed ? b->packed : b->b;
    b->g.b_row = s->packed ? 0 : s->columns;
    b->g.c = b->c;
    b->g.c_row = s->columns;
    b->dense_a = numbers(rows * terms);
    for (int m = 0; m < s->rows; m++) {
        ptrdiff_t row = b->g.a_rows ? b->g.a_rows[m] : m * b->g.a_row;
        for (int t = 0; t < b->terms; t++) {
            b->dense_a[m * b->terms + t] = b->a[row + t / s->depth * b->g.a_segment + t % s->depth * b->g.a_depth];
        }
    }
    b->panels = numbers(terms * n);
    for (int j = 0; j < s->columns; j += 64) {
        int width = s->columns - j < 64 ? s->columns - j : 64;
        for (int t = 0; t < b->terms; t++) {
            memcpy(b->panels + (ptrdiff_t)j * b->terms + t * width, b->b + t * s->columns + j,
                   (size_t)width * sizeof(float));
        }
    }
#ifdef HAVE_LIBXSMM
    b->block = s->rows > 128 ? 64 : s->rows;
    while (s->rows % b->block) {
        b->block--;
    }
    b->full = s->columns >= 64 ? xsmm_kernel(b, 64) : NULL;
    b->rest = s->columns % 64 ? xsmm_kernel(b, s->columns % 64) : NULL;
#endif
}

static void release(bout *b) {
    float *all[] = {b->a, b->b, b->packed, b->c, b->dense_a, b->panels, b->other_c};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        fv__free(all[i]);
    }
    fv__free(b->table);
}

typedef struct contestant {
    const char *name;
    void (*run)(bout *b);
    double seconds[TURNS];
} contestant;

static contestant contestants[] = {
    {"fovea", run_ours, {0}},
#ifdef HAVE_LIBXSMM
    {"libxsmm", run_xsmm, {0}},
#endif
#ifdef HAVE_OPENBLAS
    {"openblas", run_openblas, {0}},
#endif
};
enum { CONTESTANTS = sizeof contestants / sizeof *contestants };

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void compete(bout *b) {
    double operations = 2.0 * b->shape->rows * b->shape->columns * b->terms;
    int repeats = (int)(1.5e8 / operations) + 1;
    for (int turn = -1; turn < TURNS; turn++) { // the first warms up
        for (int i = 0; i < CONTESTANTS; i++) {
            double start = now();
            for (int r = 0; r < repeats; r++) {
                contestants[i].run(b);
            }
            contestants[i].seconds[turn < 0 ? 0 : turn] = (now() - start) / repeats;
        }
    }
    printf("%-28s %5d %5d %5d", b->shape->name, b->shape->rows, b->shape->columns, b->terms);
    double ours = 0;
    for (int i = 0; i < CONTESTANTS; i++) {
        double *seconds = contestants[i].seconds;
        qsort(seconds, TURNS, sizeof *seconds, ascending);
        double best = operations / seconds[0] * 1e-9;
        printf("   %6.1f (%6.1f)", best, operations / seconds[TURNS / 2] * 1e-9);
        if (i == 0) {
            ours = best;
        } else {
            printf(" %5.2f", ours / best);
        }
    }
    puts("");
}

// The most this core can do: a product whose operands stay in the first-level cache.
static double peak(const fv__kernels *kernels) {
    bout b;
    const shape s = {"peak", 48, 64, 96, 1, PLAIN, 0, 0, true};
    prepare(&b, &s, kernels);
    double best = 0;
    for (int turn = 0; turn < 100; turn++) {
        double start = now();
        for (int r = 0; r < 200; r++) {
            kernels->gemm(&b.g);
        }
        double rate = 200 * 2.0 * 48 * 64 * 96 / (now() - start) * 1e-9;
        best = rate > best ? rate : best;
    }
    release(&b);
    return best;
}

int main(int count, char **arguments) {
    const fv__kernels *kernels;
    fv_error error;
    if (fv__kernels_select(NULL, &kernels, &error) != FV_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
#ifdef HAVE_OPENBLAS
    openblas_set_num_threads(1);
#endif
    printf("%s, %s, %.1f GFLOP/s from the first-level cache\n", fv__cpu_name(), kernels->level, peak(kernels));
    printf("%-28s %5s %5s %5s", "best (median) GFLOP/s", "rows", "cols", "terms");
    for (int i = 0; i < CONTESTANTS; i++) {
        printf("   %*s", i ? -21 : -15, contestants[i].name);
    }
    puts("");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (count < 2 || strstr(shapes[i].name, arguments[1])) {
            bout b;
            prepare(&b, &shapes[i], kernels);
            compete(&b);
            release(&b);
        }
    }
    return 0;
}
