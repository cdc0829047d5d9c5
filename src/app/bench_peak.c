// SPDX-License-Identifier: Apache-2.0
// What the times of a benchmark are compared with: the rate that the matrix kernel reaches on this machine in the same
// minute.
#include "app/bench.h"
#include "base/clock.h"
#include "base/memory.h"

// One product whose operands fit into a core's own cache; a try takes a few milliseconds, so that some stay
// undisturbed.
enum { ROWS = 192, COLUMNS = 256, DEPTH = 256, REPEATS = 50, TRIES = 60 };

typedef struct product {
    const fv__kernels *kernels;
    float *a, *packed, *c; // a set for each worker
    size_t a_size, packed_size, c_size;
} product;

static void multiply(void *context, int index, int worker) {
    const product *p = context;
    (void)index;
    size_t w = (size_t)worker;
    const fv__gemm gemm = {.rows = ROWS,
                           .columns = COLUMNS,
                           .depth = DEPTH,
                           .segments = 1,
                           .a = p->a + w * p->a_size,
                           .a_row = DEPTH,
                           .a_depth = 1,
                           .b = p->packed + w * p->packed_size,
                           .c = p->c + w * p->c_size,
                           .c_row = COLUMNS};
    for (int i = 0; i < REPEATS; i++) {
        p->kernels->gemm(&gemm);
    }
}

double fv__bench_peak(const fv__kernels *kernels, int threads) {
    product p = {.kernels = kernels,
                 .a_size = (size_t)ROWS * DEPTH,
                 .packed_size = kernels->packed_size(DEPTH, COLUMNS),
                 .c_size = (size_t)ROWS * COLUMNS};
    double best = 0;
    fv__pool *pool = NULL;
    p.a = fv__alloc_array((size_t)threads, p.a_size * sizeof(float));
    p.packed = fv__alloc_array((size_t)threads, p.packed_size * sizeof(float));
    p.c = fv__alloc_array((size_t)threads, p.c_size * sizeof(float));
    if (p.a && p.packed && p.c && fv__pool_create(threads, &pool, NULL) == FV_OK) {
        for (size_t i = 0; i < (size_t)threads * p.a_size; i++) {
            p.a[i] = (float)(i % 17) * 0.01f;
        }
        for (int i = 0; i < TRIES; i++) {
            double begin = fv__seconds();
            fv__pool_run(pool, threads, multiply, &p);
            double rate = (double)ROWS * COLUMNS * DEPTH * REPEATS * threads / (fv__seconds() - begin);
            best = i > 0 && rate > best ? rate : best; // the first try warms up
        }
    }
    fv__pool_destroy(pool);
    fv__free(p.a);
    fv__free(p.packed);
    fv__free(p.c);
    return best;
}
