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

// out[n] += Σ x[m][n] over the rows m, added one after the other: cutting the rows over several calls changes no bits.
static void add_columns(const float *x, // (rows, columns), a row every `stride` floats
                        ptrdiff_t stride,
                        float *out, // (columns)
                        int rows, int columns) {
    enum { BLOCK = 8 };
    int n = 0;
    for (; n + BLOCK * FV__LANES <= columns; n += BLOCK * FV__LANES) {
        fv__v sum[BLOCK];
        for (int i = 0; i < BLOCK; i++) {
            sum[i] = fv__v_load(out + n + i * FV__LANES);
        }
        for (int m = 0; m < rows; m++) {
            for (int i = 0; i < BLOCK; i++) {
                sum[i] += fv__v_load(x + m * stride + n + i * FV__LANES);
            }
        }
        for (int i = 0; i < BLOCK; i++) {
            fv__v_store(out + n + i * FV__LANES, sum[i]);
        }
    }
    for (; n + FV__LANES <= columns; n += FV__LANES) {
        fv__v sum = fv__v_load(out + n);
        for (int m = 0; m < rows; m++) {
            sum += fv__v_load(x + m * stride + n);
        }
        fv__v_store(out + n, sum);
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
