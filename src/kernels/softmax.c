// SPDX-License-Identifier: Apache-2.0
// Softmax over the columns of each row, and over the rows (tokens) of each column:
//   y = exp(x − max) / Σ exp(x − max),   dx = y · (dy − Σ dy · y).
#include "kernels/kernels.h"
#include "kernels/vector.h"

// y = softmax(scale · x) of each row; scale > 0, y may be x. What is left of a row beyond whole vectors stays in a
// register, filled up with the first value.
static void softmax_rows(const float *x, // (rows, columns)
                         float *y,       // (rows, columns)
                         int rows, int columns, float scale) {
    const int whole = columns / FV__LANES * FV__LANES, rest = columns - whole;
    const fv__vi inside = fv__v_first_lanes(rest);
    for (int row = 0; row < rows; row++, x += columns, y += columns) {
        fv__v end = rest ? fv__v_load_some(x + whole, rest, x[0]) : fv__v_all(x[0]), largest = end;
        for (int i = 0; i < whole; i += FV__LANES) {
            largest = fv__v_max(largest, fv__v_load(x + i));
        }
        const float shift = fv__v_largest(largest) * scale;
        fv__v sum = {0};
        for (int i = 0; i < whole; i += FV__LANES) {
            const fv__v e = fv__v_exp_of_negative(fv__v_load(x + i) * scale - shift);
            sum += e;
            fv__v_store(y + i, e);
        }
        if (rest) {
            end = (fv__v)((fv__vi)fv__v_exp_of_negative(end * scale - shift) & inside);
            sum += end;
        }
        const float share = 1 / fv__v_sum(sum);
        for (int i = 0; i < whole; i += FV__LANES) {
            fv__v_store(y + i, fv__v_load(y + i) * share);
        }
        if (rest) {
            fv__v_store_some(y + whole, end * share, rest);
        }
    }
}

// dx = scale · y · (dy − Σ dy · y) of each row; dx may be dy.
static void softmax_rows_backward(const float *dy, // (rows, columns)
                                  const float *y,  // (rows, columns)
                                  float *dx,       // (rows, columns)
                                  int rows, int columns, float scale) {
    const int whole = columns / FV__LANES * FV__LANES, rest = columns - whole;
    for (int row = 0; row < rows; row++, dy += columns, y += columns, dx += columns) {
        fv__v end = {0}, end_y = {0}, sum = {0};
        if (rest) {
            end = fv__v_load_some(dy + whole, rest, 0);
            end_y = fv__v_load_some(y + whole, rest, 0);
        }
        for (int i = 0; i < whole; i += FV__LANES) {
            sum += fv__v_load(dy + i) * fv__v_load(y + i);
        }
        const float mean = fv__v_sum(sum + end * end_y);
        for (int i = 0; i < whole; i += FV__LANES) {
            fv__v_store(dx + i, fv__v_load(y + i) * (fv__v_load(dy + i) - mean) * scale);
        }
        if (rest) {
            fv__v_store_some(dx + whole, end_y * (end - mean) * scale, rest);
        }
    }
}

// Columns are taken in blocks whose largest values and sums stay in L1 while the rows stream by. Only the last block
// may end inside a vector.
enum { SOFTMAX_BLOCK = 256 };

static void softmax_tokens_block(const float *x, float *y, int tokens, int features, int block) {
    fv__v largest[SOFTMAX_BLOCK / FV__LANES], sum[SOFTMAX_BLOCK / FV__LANES];
    const int vectors = block / FV__LANES, whole = vectors * FV__LANES, rest = block - whole;
    const int end = vectors % (SOFTMAX_BLOCK / FV__LANES); // of the rest, if there is one
    for (int v = 0; v < SOFTMAX_BLOCK / FV__LANES; v++) {
        largest[v] = fv__v_all(-__builtin_inff());
        sum[v] = (fv__v){0};
    }
    for (int token = 0; token < tokens; token++) {
        const float *from = x + (ptrdiff_t)token * features;
        for (int v = 0; v < vectors; v++) {
            largest[v] = fv__v_max(largest[v], fv__v_load(from + v * FV__LANES));
        }
        if (rest) {
            largest[end] = fv__v_max(largest[end], fv__v_load_some(from + whole, rest, 0));
        }
    }
    for (int token = 0; token < tokens; token++) {
        const float *from = x + (ptrdiff_t)token * features;
        float *to = y + (ptrdiff_t)token * features;
        for (int v = 0; v < vectors; v++) {
            const fv__v e = fv__v_exp_of_negative(fv__v_load(from + v * FV__LANES) - largest[v]);
            sum[v] += e;
            fv__v_store(to + v * FV__LANES, e);
        }
        if (rest) {
            const fv__v e = fv__v_exp_of_negative(fv__v_load_some(from + whole, rest, 0) - largest[end]);
            sum[end] += e;
            fv__v_store_some(to + whole, e, rest);
        }
    }
    for (int v = 0; v < vectors + (rest > 0); v++) {
        sum[v] = 1 / sum[v];
    }
    for (int token = 0; token < tokens; token++) {
        float *to = y + (ptrdiff_t)token * features;
        for (int v = 0; v < vectors; v++) {
            fv__v_store(to + v * FV__LANES, fv__v_load(to + v * FV__LANES) * sum[v]);
        }
        if (rest) {
            fv__v_store_some(to + whole, fv__v_load_some(to + whole, rest, 0) * sum[end], rest);
        }
    }
}

// y = softmax of each column over the rows; y may be x.
static void softmax_tokens(const float *x, // (tokens, features)
                           float *y,       // (tokens, features)
                           int tokens, int features) {
    for (int i = 0; i < features; i += SOFTMAX_BLOCK) {
        const int block = features - i < SOFTMAX_BLOCK ? features - i : SOFTMAX_BLOCK;
        softmax_tokens_block(x + i, y + i, tokens, features, block);
    }
}

static void softmax_tokens_block_backward(const float *dy, const float *y, float *dx, int tokens, int features,
                                          int block) {
    fv__v mean[SOFTMAX_BLOCK / FV__LANES];
    const int vectors = block / FV__LANES, whole = vectors * FV__LANES, rest = block - whole;
    const int end = vectors % (SOFTMAX_BLOCK / FV__LANES);
    memset(mean, 0, sizeof mean);
    for (int token = 0; token < tokens; token++) {
        const ptrdiff_t at = (ptrdiff_t)token * features;
        for (int v = 0; v < vectors; v++) {
            mean[v] += fv__v_load(dy + at + v * FV__LANES) * fv__v_load(y + at + v * FV__LANES);
        }
        if (rest) {
            mean[end] += fv__v_load_some(dy + at + whole, rest, 0) * fv__v_load_some(y + at + whole, rest, 0);
        }
    }
    for (int token = 0; token < tokens; token++) {
        const ptrdiff_t at = (ptrdiff_t)token * features;
        for (int v = 0; v < vectors; v++) {
            const fv__v centred = fv__v_load(dy + at + v * FV__LANES) - mean[v];
            fv__v_store(dx + at + v * FV__LANES, fv__v_load(y + at + v * FV__LANES) * centred);
        }
        if (rest) {
            const fv__v centred = fv__v_load_some(dy + at + whole, rest, 0) - mean[end];
            fv__v_store_some(dx + at + whole, fv__v_load_some(y + at + whole, rest, 0) * centred, rest);
        }
    }
}

// dx may be dy.
static void softmax_tokens_backward(const float *dy, // (tokens, features)
                                    const float *y,  // (tokens, features)
                                    float *dx,       // (tokens, features)
                                    int tokens, int features) {
    for (int i = 0; i < features; i += SOFTMAX_BLOCK) {
        const int block = features - i < SOFTMAX_BLOCK ? features - i : SOFTMAX_BLOCK;
        softmax_tokens_block_backward(dy + i, y + i, dx + i, tokens, features, block);
    }
}
