// SPDX-License-Identifier: Apache-2.0
// Transposed copies, a square of whole vectors at a time.
#include "kernels/kernels.h"
#include "kernels/vector.h"

// Eklundh's method: squares of half the size change places, then those inside them. Lane `l` of a pair of rows `half`
// apart comes from the upper one where bit `half` of l is clear, and keeps or changes its place accordingly.
#define UPPER(l, half) ((l) & (half) ? FV__LANES + (l) - (half) : (l))
#define LOWER(l, half) ((l) & (half) ? FV__LANES + (l) : (l) + (half))
#define EXCHANGE(square, half)                                                                                         \
    for (int i = 0; i < FV__LANES; i++) {                                                                              \
        if (!(i & (half))) {                                                                                           \
            const fv__v upper = square[i], lower = square[i + (half)];                                                 \
            square[i] = __builtin_shufflevector(upper, lower, FV__LANES_OF(UPPER, half));                              \
            square[i + (half)] = __builtin_shufflevector(upper, lower, FV__LANES_OF(LOWER, half));                     \
        }                                                                                                              \
    }

FV__VECTOR void transpose_square(fv__v square[FV__LANES]) {
#if FV__LANES >= 16
    EXCHANGE(square, 8)
#endif
#if FV__LANES >= 8
    EXCHANGE(square, 4)
#endif
    EXCHANGE(square, 2)
    EXCHANGE(square, 1)
}

// y (columns, width) = xᵀ; beyond `rows`, y is 0 up to `width`, a multiple of the vector.
static void transpose(const float *x, // (rows, columns), a row every `x_row` floats
                      ptrdiff_t x_row,
                      float *y, // (columns, width), a row every `y_row` floats
                      ptrdiff_t y_row, int rows, int columns, int width) {
    for (int i = 0; i < width; i += FV__LANES) {
        for (int j = 0; j < columns; j += FV__LANES) {
            // The last square is moved left until it ends with the row.
            const int count = columns < FV__LANES ? columns : FV__LANES,
                      from = j + count <= columns ? j : columns - count;
            fv__v square[FV__LANES];
            for (int k = 0; k < FV__LANES; k++) {
                const float *row = x + (i + k) * x_row + from;
                square[k] = i + k >= rows       ? (fv__v){0}
                            : count < FV__LANES ? fv__v_load_some(row, count, 0)
                                                : fv__v_load(row);
            }
            transpose_square(square);
            for (int k = 0; k < count; k++) {
                fv__v_store(y + (from + k) * y_row + i, square[k]);
            }
        }
    }
}

#undef UPPER
#undef LOWER
#undef EXCHANGE
