// SPDX-License-Identifier: Apache-2.0
// Columns scaled and shifted, each by its own numbers: what a batch norm with fixed statistics does.
#include "kernels/kernels.h"
#include "kernels/vector.h"

// y (= or +=) x · scale + shift; y may be x.
static void scale_columns(const float *x,     // (rows, columns)
                          const float *scale, // (columns)
                          const float *shift, // (columns) or NULL
                          float *y,           // (rows, columns)
                          int rows, int columns, bool accumulate) {
    const int whole = columns / FV__LANES * FV__LANES;
    for (int row = 0; row < rows; row++, x += columns, y += columns) {
        for (int n = 0; n < whole; n += FV__LANES) {
            const fv__v before = accumulate ? fv__v_load(y + n) : shift ? fv__v_load(shift + n) : (fv__v){0};
            fv__v_store(y + n, fv__v_load(x + n) * fv__v_load(scale + n) + before);
        }
        for (int n = whole; n < columns; n++) {
            y[n] = x[n] * scale[n] + (accumulate ? y[n] : shift ? shift[n] : 0);
        }
    }
}

// dscale[n] += factor[n] · Σ dy[row][n] · (x[row][n] − mean[n]) over the rows.
static void scale_columns_backward(const float *dy,     // (rows, columns)
                                   const float *x,      // (rows, columns)
                                   const float *mean,   // (columns) or NULL: 0
                                   const float *factor, // (columns)
                                   float *dscale,       // (columns)
                                   int rows, int columns) {
    const int whole = columns / FV__LANES * FV__LANES;
    for (int row = 0; row < rows; row++, dy += columns, x += columns) {
        for (int n = 0; n < whole; n += FV__LANES) {
            const fv__v centred = fv__v_load(x + n) - (mean ? fv__v_load(mean + n) : (fv__v){0});
            const fv__v d = fv__v_load(dy + n) * fv__v_load(factor + n);
            fv__v_store(dscale + n, fv__v_load(dscale + n) + d * centred);
        }
        for (int n = whole; n < columns; n++) {
            dscale[n] += dy[n] * factor[n] * (x[n] - (mean ? mean[n] : 0));
        }
    }
}
