// Softmax over the columns of each row, and over the rows (tokens) of each column:
//   y = exp(x − max) / Σ exp(x − max),   dx = y · (dy − Σ dy · y).
#include "kernels/kernels.h"
#include "kernels/vector.h"

// A row of any length as whole vectors: `fill` stands for what is beyond its end.
FV__VECTOR fv__v row_load(const float *row, int i, int count, float fill) {
    return i + FV__LANES <= count ? fv__v_load(row + i) : fv__v_load_some(row + i, count - i, fill);
}

FV__VECTOR void row_store(float *row, int i, int count, fv__v x) {
    if (i + FV__LANES <= count) {
        fv__v_store(row + i, x);
    } else {
        fv__v_store_some(row + i, x, count - i);
    }
}

// y = softmax(scale · x) of each row; scale > 0, y may be x.
static void softmax_rows(const float *x, // (rows, columns)
                         float *y,       // (rows, columns)
                         int rows, int columns, float scale) {
    for (int row = 0; row < rows; row++, x += columns, y += columns) {
        fv__v largest = fv__v_all(-__builtin_inff());
        for (int i = 0; i < columns; i += FV__LANES) {
            largest = fv__v_max(largest, row_load(x, i, columns, -__builtin_inff()));
        }
        const float shift = fv__v_largest(largest) * scale;
        fv__v sum = {0};
        for (int i = 0; i < columns; i += FV__LANES) {
            const fv__v e = fv__v_exp(row_load(x, i, columns, -__builtin_inff()) * scale - shift);
            sum += e;
            row_store(y, i, columns, e);
        }
        const float share = 1 / fv__v_sum(sum);
        for (int i = 0; i < columns; i += FV__LANES) {
            row_store(y, i, columns, row_load(y, i, columns, 0) * share);
        }
    }
}

// dx = scale · y · (dy − Σ dy · y) of each row; dx may be dy.
static void softmax_rows_backward(const float *dy, // (rows, columns)
                                  const float *y,  // (rows, columns)
                                  float *dx,       // (rows, columns)
                                  int rows, int columns, float scale) {
    for (int row = 0; row < rows; row++, dy += columns, y += columns, dx += columns) {
        fv__v sum = {0};
        for (int i = 0; i < columns; i += FV__LANES) {
            sum += row_load(dy, i, columns, 0) * row_load(y, i, columns, 0);
        }
        const float mean = fv__v_sum(sum);
        for (int i = 0; i < columns; i += FV__LANES) {
            const fv__v d = row_load(dy, i, columns, 0), p = row_load(y, i, columns, 0);
            row_store(dx, i, columns, p * (d - mean) * scale);
        }
    }
}

// Columns are taken in blocks whose largest values and sums stay in L1 while the rows stream by.
enum { SOFTMAX_BLOCK = 256 };

FV__VECTOR void softmax_tokens_block(const float *x, float *y, int tokens, int features, int block) {
    float largest[SOFTMAX_BLOCK], sum[SOFTMAX_BLOCK];
    memcpy(largest, x, sizeof *x * (size_t)block);
    memset(sum, 0, sizeof *sum * (size_t)block);
    for (int token = 1; token < tokens; token++) {
        const float *from = x + (ptrdiff_t)token * features;
        for (int i = 0; i < block; i += FV__LANES) {
            row_store(largest, i, block, fv__v_max(row_load(largest, i, block, 0), row_load(from, i, block, 0)));
        }
    }
    for (int token = 0; token < tokens; token++) {
        const float *from = x + (ptrdiff_t)token * features;
        float *to = y + (ptrdiff_t)token * features;
        for (int i = 0; i < block; i += FV__LANES) {
            const fv__v e = fv__v_exp(row_load(from, i, block, 0) - row_load(largest, i, block, 0));
            row_store(sum, i, block, row_load(sum, i, block, 0) + e);
            row_store(to, i, block, e);
        }
    }
    for (int i = 0; i < block; i++) {
        sum[i] = 1 / sum[i];
    }
    for (int token = 0; token < tokens; token++) {
        float *to = y + (ptrdiff_t)token * features;
        for (int i = 0; i < block; i += FV__LANES) {
            row_store(to, i, block, row_load(to, i, block, 0) * row_load(sum, i, block, 0));
        }
    }
}

// y = softmax of each column over the rows; y may be x.
static void softmax_tokens(const float *x, // (tokens, features)
                           float *y,       // (tokens, features)
                           int tokens, int features) {
    for (int i = 0; i < features; i += SOFTMAX_BLOCK) {
        softmax_tokens_block(x + i, y + i, tokens, features,
                             features - i < SOFTMAX_BLOCK ? features - i : SOFTMAX_BLOCK);
    }
}

FV__VECTOR void softmax_tokens_block_backward(const float *dy, const float *y, float *dx, int tokens, int features,
                                              int block) {
    float mean[SOFTMAX_BLOCK];
    memset(mean, 0, sizeof *mean * (size_t)block);
    for (int token = 0; token < tokens; token++) {
        const ptrdiff_t at = (ptrdiff_t)token * features;
        for (int i = 0; i < block; i += FV__LANES) {
            const fv__v term = row_load(dy + at, i, block, 0) * row_load(y + at, i, block, 0);
            row_store(mean, i, block, row_load(mean, i, block, 0) + term);
        }
    }
    for (int token = 0; token < tokens; token++) {
        const ptrdiff_t at = (ptrdiff_t)token * features;
        for (int i = 0; i < block; i += FV__LANES) {
            const fv__v centred = row_load(dy + at, i, block, 0) - row_load(mean, i, block, 0);
            row_store(dx + at, i, block, row_load(y + at, i, block, 0) * centred);
        }
    }
}

// dx may be dy.
static void softmax_tokens_backward(const float *dy, // (tokens, features)
                                    const float *y,  // (tokens, features)
                                    float *dx,       // (tokens, features)
                                    int tokens, int features) {
    for (int i = 0; i < features; i += SOFTMAX_BLOCK) {
        softmax_tokens_block_backward(dy + i, y + i, dx + i, tokens, features,
                                      features - i < SOFTMAX_BLOCK ? features - i : SOFTMAX_BLOCK);
    }
}
