// SPDX-License-Identifier: Apache-2.0
// The parts of attention that are not products: scores become weights and back, for a block of query rows.
//
// Scores of a block are (rows, stride): row i belongs to query i, column j < columns to key j, and stride is columns
// rounded up to whole vectors. The columns beyond hold any finite number in scores and 0 in weights and gradients.
#include "kernels/kernels.h"
#include "kernels/vector.h"

// Where the mask is 0, values become `replacement`, elsewhere they are multiplied by `factor`.
static void mask_scores(float *values, // (rows, stride)
                        const float *mask, ptrdiff_t mask_row, ptrdiff_t mask_column, int rows, int columns,
                        ptrdiff_t stride, float factor, float replacement) {
    for (int i = 0; i < rows; i++, values += stride, mask += mask_row) {
        if (mask_column == 1) {
            for (int j = 0; j < columns; j++) {
                values[j] = mask[j] != 0 ? values[j] * factor : replacement;
            }
        } else {
            for (int j = 0; j < columns; j++) {
                values[j] = mask[j * mask_column] != 0 ? values[j] * factor : replacement;
            }
        }
    }
}

// Several rows are taken together: each alone would wait for its maximum, its sum and its exponentials in turn.
enum { SOFTMAX_ROWS = 4 };

// weights = softmax(factor · scores) of `rows` rows, a constant where this is inlined, as `vectors` may be.
FV__VECTOR void softmax_scores_of(int rows, ptrdiff_t vectors, const float *scores, float *weights, fv__vi inside,
                                  ptrdiff_t stride, float factor) {
    const ptrdiff_t last = (vectors - 1) * FV__LANES;
    fv__v end[SOFTMAX_ROWS], largest[SOFTMAX_ROWS], sum[SOFTMAX_ROWS];
    float shift[SOFTMAX_ROWS];
    for (int i = 0; i < rows; i++) {
        const fv__v x = fv__v_load(scores + i * stride + last) * factor;
        largest[i] = end[i] = fv__v_select(inside, x, fv__v_all(-__builtin_inff()));
    }
    for (ptrdiff_t j = 0; j < last; j += FV__LANES) {
        for (int i = 0; i < rows; i++) {
            largest[i] = fv__v_max(largest[i], fv__v_load(scores + i * stride + j) * factor);
        }
    }
    for (int i = 0; i < rows; i++) {
        shift[i] = fv__v_largest(largest[i]);
    }
    for (int i = 0; i < rows; i++) {
        sum[i] = end[i] = fv__v_exp_of_negative(end[i] - shift[i]);
    }
    for (ptrdiff_t j = 0; j < last; j += FV__LANES) {
        for (int i = 0; i < rows; i++) {
            const fv__v e = fv__v_exp_of_negative(fv__v_load(scores + i * stride + j) * factor - shift[i]);
            sum[i] += e;
            fv__v_store(weights + i * stride + j, e);
        }
    }
    for (int i = 0; i < rows; i++) {
        const float share = 1 / fv__v_sum(sum[i]);
        float *row = weights + i * stride;
        for (ptrdiff_t j = 0; j < last; j += FV__LANES) {
            fv__v_store(row + j, fv__v_load(row + j) * share);
        }
        fv__v_store(row + last, end[i] * share);
    }
}

// weights = softmax(factor · scores) of each row; both may be the same.
static void softmax_scores(const float *scores, // (rows, stride)
                           float *weights,      // (rows, stride)
                           int rows, int columns, ptrdiff_t stride, float factor) {
    const ptrdiff_t vectors = stride / FV__LANES;
    const fv__vi inside = fv__v_first_lanes(columns - (int)(vectors - 1) * FV__LANES); // of the last vector
    int i = 0;
    for (; i + SOFTMAX_ROWS <= rows;
         i += SOFTMAX_ROWS, scores += SOFTMAX_ROWS * stride, weights += SOFTMAX_ROWS * stride) {
        if (vectors == 3) {
            softmax_scores_of(SOFTMAX_ROWS, 3, scores, weights, inside, stride, factor);
        } else {
            softmax_scores_of(SOFTMAX_ROWS, vectors, scores, weights, inside, stride, factor);
        }
    }
    for (; i < rows; i++, scores += stride, weights += stride) {
        softmax_scores_of(1, vectors, scores, weights, inside, stride, factor);
    }
}

// The gradient of the weights after dropout, `gradient`, becomes that of the scores:
//   dS = factor · (dropped ∘ gradient − weights · Σ dropped ∘ gradient)
// Without dropout, `dropped` is `weights`. Returns Σ dS · scores / factor, or 0 if `scores` is NULL.
static double softmax_scores_backward(const float *weights, // (rows, stride)
                                      const float *dropped, // (rows, stride)
                                      const float *scores,  // (rows, stride)
                                      float *gradient,      // (rows, stride)
                                      int rows, ptrdiff_t stride, float factor) {
    double along = 0;
    for (int i = 0; i < rows; i++) {
        fv__v sum = {0};
        for (ptrdiff_t j = 0; j < stride; j += FV__LANES) {
            sum += fv__v_load(dropped + j) * fv__v_load(gradient + j);
        }
        const float mean = fv__v_sum(sum);
        fv__v row_along = {0};
        for (ptrdiff_t j = 0; j < stride; j += FV__LANES) {
            const fv__v part = fv__v_load(dropped + j) * fv__v_load(gradient + j) - fv__v_load(weights + j) * mean;
            if (scores) {
                row_along += part * fv__v_load(scores + j);
            }
            fv__v_store(gradient + j, part * factor);
        }
        weights += stride;
        dropped += stride;
        gradient += stride;
        if (scores) {
            scores += stride;
            along += (double)fv__v_sum(row_along);
        }
    }
    return along;
}

// scores[i][j] = Σ (d) scale[d] · tanh(query[i][d] + keys[d][j]); no scale: ones.
static void additive_scores(const float *query, // (rows, depth), a row every `query_row` floats
                            ptrdiff_t query_row,
                            const float *keys,  // (depth, stride)
                            const float *scale, // (depth) or NULL
                            float *scores,      // (rows, stride)
                            int rows, int depth, ptrdiff_t stride) {
    for (int i = 0; i < rows; i++, query += query_row, scores += stride) {
        for (ptrdiff_t j = 0; j < stride; j += FV__LANES) {
            fv__v sum = {0};
            for (int d = 0; d < depth; d++) {
                sum += fv__v_tanh(fv__v_load(keys + d * stride + j) + query[d]) * (scale ? scale[d] : 1);
            }
            fv__v_store(scores + j, sum);
        }
    }
}

// With t = tanh(query[i][d] + keys[d][j]) and g = gradient[i][j]:
//   d_scale[d] += Σ g · t
//   d_query[i][d] = Σ (j) g · scale[d] · (1 − t²)
//   d_keys[d][j] += Σ (i) g · scale[d] · (1 − t²)
static void additive_scores_backward(const float *query, // (rows, depth), a row every `query_row` floats
                                     ptrdiff_t query_row,
                                     const float *keys,     // (depth, stride)
                                     const float *scale,    // (depth) or NULL
                                     const float *gradient, // (rows, stride), of the scores
                                     float *d_query,        // as query, or NULL
                                     float *d_keys,         // (depth, stride)
                                     float *d_scale,        // (depth) or NULL
                                     int rows, int depth, ptrdiff_t stride) {
    for (int d = 0; d < depth; d++, keys += stride, d_keys += stride) {
        const float factor = scale ? scale[d] : 1;
        fv__v scale_sum = {0};
        for (int i = 0; i < rows; i++) {
            const float q = query[i * query_row + d];
            fv__v query_sum = {0};
            for (ptrdiff_t j = 0; j < stride; j += FV__LANES) {
                const fv__v t = fv__v_tanh(fv__v_load(keys + j) + q), g = fv__v_load(gradient + i * stride + j);
                const fv__v inner = g * factor * (1 - t * t);
                scale_sum += g * t;
                query_sum += inner;
                fv__v_store(d_keys + j, fv__v_load(d_keys + j) + inner);
            }
            if (d_query) {
                d_query[i * query_row + d] = fv__v_sum(query_sum);
            }
        }
        if (d_scale) {
            d_scale[d] += fv__v_sum(scale_sum);
        }
    }
}
