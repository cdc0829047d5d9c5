// SPDX-License-Identifier: Apache-2.0
// Sums and inner products.
#include "kernels/kernels.h"
#include "kernels/vector.h"

// y[i] = a[i] + b[i]; y may be a or b.
static void add(const float *a, const float *b, float *y, size_t n) {
    size_t i = 0;
    for (; i + FV__LANES <= n; i += FV__LANES) {
        fv__v_store(y + i, fv__v_load(a + i) + fv__v_load(b + i));
    }
    for (; i < n; i++) {
        y[i] = a[i] + b[i];
    }
}

// A strip of `vectors` columns of add_columns, a constant: each column is one chain of sums, and several chains run at
// a time.
FV__VECTOR void add_strip(int vectors, const float *x, ptrdiff_t stride, float *out, int rows) {
    fv__v sum[8];
    for (int i = 0; i < vectors; i++) {
        sum[i] = fv__v_load(out + i * FV__LANES);
    }
    for (int m = 0; m < rows; m++) {
        for (int i = 0; i < vectors; i++) {
            sum[i] += fv__v_load(x + m * stride + i * FV__LANES);
        }
    }
    for (int i = 0; i < vectors; i++) {
        fv__v_store(out + i * FV__LANES, sum[i]);
    }
}

// out[n] += Σ x[m][n] over the rows m, added one after the other: cutting the rows over several calls changes no bits.
static void add_columns(const float *x, // (rows, columns), a row every `stride` floats
                        ptrdiff_t stride,
                        float *out, // (columns)
                        int rows, int columns) {
    int n = 0;
    for (; n + 8 * FV__LANES <= columns; n += 8 * FV__LANES) {
        add_strip(8, x + n, stride, out + n, rows);
    }
    for (; n + 4 * FV__LANES <= columns; n += 4 * FV__LANES) {
        add_strip(4, x + n, stride, out + n, rows);
    }
    for (; n + 2 * FV__LANES <= columns; n += 2 * FV__LANES) {
        add_strip(2, x + n, stride, out + n, rows);
    }
    for (; n + FV__LANES <= columns; n += FV__LANES) {
        add_strip(1, x + n, stride, out + n, rows);
    }
    for (; n < columns; n++) {
        float sum = out[n];
        for (int m = 0; m < rows; m++) {
            sum += x[m * stride + n];
        }
        out[n] = sum;
    }
}

// Σ x[i] · y[i] in FV__LANES double lanes, then the lanes in order.
static double inner_product(const float *x, const float *y, size_t n) {
    double sum[FV__LANES] = {0};
    size_t i = 0;
    for (; i + FV__LANES <= n; i += FV__LANES) {
        for (size_t lane = 0; lane < FV__LANES; lane++) {
            sum[lane] += (double)x[i + lane] * (double)y[i + lane];
        }
    }
    for (size_t lane = 0; i + lane < n; lane++) {
        sum[lane] += (double)x[i + lane] * (double)y[i + lane];
    }
    double total = 0;
    for (size_t lane = 0; lane < FV__LANES; lane++) {
        total += sum[lane];
    }
    return total;
}

static double sum_squares(const float *x, size_t n) {
    return inner_product(x, x, n);
}
