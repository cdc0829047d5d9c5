// SPDX-License-Identifier: Apache-2.0
// Normalizing rows by their own mean and deviation:
//   layer norm (Ba et al. 2016):  y = (x − mean) / √(variance + ε) · gamma + beta
//   NormL:                        y = (x − mean) / (deviation + ε) · gamma + beta
// with the population variance. With centred = x − mean, factor = 1/√(variance + ε) or 1/(deviation + ε), u = dy ·
// gamma:
//   dx = factor · (u − Σu/n − centred · curvature · Σ(u · centred))
// where curvature = factor²/n or factor/(n · deviation): the derivative of the factor is all that distinguishes the
// two. Where the deviation is 0, its derivative counts as 0. A row of equal values has deviation exactly 0, because the
// mean is taken of the differences from the first value.
#include "kernels/kernels.h"
#include "kernels/vector.h"

// What backward needs of a row besides x.
enum { NORM_MEAN, NORM_FACTOR, NORM_CURVATURE, NORM_STATISTICS };

// Row statistics. `end` holds what is left of the row beyond `whole` floats, filled up with the first value or with the
// mean, so that the lanes beyond add nothing.
FV__VECTOR float row_mean(const float *x, int whole, fv__v end, int n) {
    const float shift = x[0];
    fv__v sum = end - shift;
    for (int i = 0; i < whole; i += FV__LANES) {
        sum += fv__v_load(x + i) - shift;
    }
    return shift + fv__v_sum(sum) / (float)n;
}

FV__VECTOR float row_variance(const float *x, int whole, fv__v end, int n, float mean) {
    fv__v sum = (end - mean) * (end - mean);
    for (int i = 0; i < whole; i += FV__LANES) {
        const fv__v centred = fv__v_load(x + i) - mean;
        sum += centred * centred;
    }
    return fv__v_sum(sum) / (float)n;
}

FV__VECTOR fv__v row_end(const float *row, int whole, int rest, float fill) {
    return rest ? fv__v_load_some(row + whole, rest, fill) : fv__v_all(fill);
}

static void normalize(const float *x,                        // (rows, features)
                      const float *gamma, const float *beta, // (features)
                      float *y,                              // (rows, features)
                      float *statistics,                     // (rows, 3) or NULL
                      int rows, int features, float epsilon, bool beside_deviation) {
    const int whole = features / FV__LANES * FV__LANES, rest = features - whole;
    const fv__v end_gamma = row_end(gamma, whole, rest, 0), end_beta = row_end(beta, whole, rest, 0);
    for (int row = 0; row < rows; row++, x += features, y += features) {
        fv__v end = row_end(x, whole, rest, x[0]);
        const float mean = row_mean(x, whole, end, features);
        end = row_end(x, whole, rest, mean);
        const float variance = row_variance(x, whole, end, features, mean);
        const float deviation = __builtin_sqrtf(variance);
        const float factor = 1 / (beside_deviation ? deviation + epsilon : __builtin_sqrtf(variance + epsilon));
        for (int i = 0; i < whole; i += FV__LANES) {
            fv__v_store(y + i, (fv__v_load(x + i) - mean) * factor * fv__v_load(gamma + i) + fv__v_load(beta + i));
        }
        if (rest) {
            fv__v_store_some(y + whole, (end - mean) * factor * end_gamma + end_beta, rest);
        }
        if (statistics) {
            const float slope = beside_deviation ? (deviation > 0 ? factor / deviation : 0) : factor * factor;
            statistics[NORM_MEAN] = mean;
            statistics[NORM_FACTOR] = factor;
            statistics[NORM_CURVATURE] = slope / (float)features;
            statistics += NORM_STATISTICS;
        }
    }
}

// The gradients of gamma and beta.
FV__VECTOR void row_backward_weights(const float *dy, const float *x, float *dgamma, float *dbeta, float mean,
                                     float factor, int features) {
    const int whole = features / FV__LANES * FV__LANES;
    for (int i = 0; i < whole; i += FV__LANES) {
        const fv__v d = fv__v_load(dy + i);
        if (dgamma) {
            fv__v_store(dgamma + i, fv__v_load(dgamma + i) + d * ((fv__v_load(x + i) - mean) * factor));
        }
        if (dbeta) {
            fv__v_store(dbeta + i, fv__v_load(dbeta + i) + d);
        }
    }
    for (int i = whole; i < features; i++) {
        if (dgamma) {
            dgamma[i] += dy[i] * ((x[i] - mean) * factor);
        }
        if (dbeta) {
            dbeta[i] += dy[i];
        }
    }
}

FV__VECTOR void row_backward(const float *dy, const float *x, const float *gamma, float *dx, float mean, float factor,
                             float curvature, fv__v end_gamma, int features) {
    const int whole = features / FV__LANES * FV__LANES, rest = features - whole;
    const fv__v end = row_end(x, whole, rest, mean) - mean, end_u = row_end(dy, whole, rest, 0) * end_gamma;
    fv__v sum = end_u, moment = end_u * end;
    for (int i = 0; i < whole; i += FV__LANES) {
        const fv__v u = fv__v_load(dy + i) * fv__v_load(gamma + i);
        sum += u;
        moment += u * (fv__v_load(x + i) - mean);
    }
    const float mean_u = fv__v_sum(sum) / (float)features;
    const float bend = fv__v_sum(moment) * curvature;
    for (int i = 0; i < whole; i += FV__LANES) {
        const fv__v u = fv__v_load(dy + i) * fv__v_load(gamma + i);
        fv__v_store(dx + i, (u - mean_u - (fv__v_load(x + i) - mean) * bend) * factor);
    }
    if (rest) {
        fv__v_store_some(dx + whole, (end_u - mean_u - end * bend) * factor, rest);
    }
}

// dgamma and dbeta are added to; any of dx, dgamma, dbeta may be NULL. dx may be dy.
static void normalize_backward(const float *dy,             // (rows, features)
                               const float *x,              // (rows, features)
                               const float *gamma,          // (features)
                               const float *statistics,     // (rows, 3)
                               float *dx,                   // (rows, features)
                               float *dgamma, float *dbeta, // (features)
                               int rows, int features) {
    const int whole = features / FV__LANES * FV__LANES;
    const fv__v end_gamma = row_end(gamma, whole, features - whole, 0);
    for (int row = 0; row < rows; row++, x += features, dy += features, statistics += NORM_STATISTICS) {
        const float mean = statistics[NORM_MEAN], factor = statistics[NORM_FACTOR];
        row_backward_weights(dy, x, dgamma, dbeta, mean, factor, features);
        if (dx) {
            row_backward(dy, x, gamma, dx, mean, factor, statistics[NORM_CURVATURE], end_gamma, features);
            dx += features;
        }
    }
}
