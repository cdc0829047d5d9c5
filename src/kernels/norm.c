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

// What backward needs of a row beside x.
enum { NORM_MEAN, NORM_FACTOR, NORM_CURVATURE, NORM_STATISTICS };

FV__VECTOR float row_mean(const float *x, int n) {
    const float shift = x[0];
    fv__v sum = {0};
    for (int i = 0; i < n; i += FV__LANES) {
        sum += row_load(x, i, n, shift) - shift;
    }
    return shift + fv__v_sum(sum) / (float)n;
}

FV__VECTOR float row_variance(const float *x, int n, float mean) {
    fv__v sum = {0};
    for (int i = 0; i < n; i += FV__LANES) {
        const fv__v centred = row_load(x, i, n, mean) - mean;
        sum += centred * centred;
    }
    return fv__v_sum(sum) / (float)n;
}

static void normalize(const float *x,                        // (rows, features)
                      const float *gamma, const float *beta, // (features)
                      float *y,                              // (rows, features)
                      float *statistics,                     // (rows, 3) or NULL
                      int rows, int features, float epsilon, bool beside_deviation) {
    for (int row = 0; row < rows; row++, x += features, y += features) {
        const float mean = row_mean(x, features);
        const float variance = row_variance(x, features, mean);
        const float deviation = __builtin_sqrtf(variance);
        const float factor = 1 / (beside_deviation ? deviation + epsilon : __builtin_sqrtf(variance + epsilon));
        for (int i = 0; i < features; i += FV__LANES) {
            const fv__v centred = row_load(x, i, features, 0) - mean;
            const fv__v g = row_load(gamma, i, features, 0), b = row_load(beta, i, features, 0);
            row_store(y, i, features, centred * factor * g + b);
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

// dgamma and dbeta are added to; any of dx, dgamma, dbeta may be NULL. dx may be dy.
static void normalize_backward(const float *dy,             // (rows, features)
                               const float *x,              // (rows, features)
                               const float *gamma,          // (features)
                               const float *statistics,     // (rows, 3)
                               float *dx,                   // (rows, features)
                               float *dgamma, float *dbeta, // (features)
                               int rows, int features) {
    for (int row = 0; row < rows; row++, x += features, dy += features, statistics += NORM_STATISTICS) {
        const float mean = statistics[NORM_MEAN], factor = statistics[NORM_FACTOR];
        fv__v sum = {0}, moment = {0};
        for (int i = 0; i < features; i += FV__LANES) {
            const fv__v centred = row_load(x, i, features, mean) - mean, d = row_load(dy, i, features, 0);
            const fv__v u = d * row_load(gamma, i, features, 0);
            sum += u;
            moment += u * centred;
            if (dgamma) {
                row_store(dgamma, i, features, row_load(dgamma, i, features, 0) + d * (centred * factor));
            }
            if (dbeta) {
                row_store(dbeta, i, features, row_load(dbeta, i, features, 0) + d);
            }
        }
        if (dx) {
            const float mean_u = fv__v_sum(sum) / (float)features;
            const float bend = fv__v_sum(moment) * statistics[NORM_CURVATURE];
            for (int i = 0; i < features; i += FV__LANES) {
                const fv__v centred = row_load(x, i, features, mean) - mean;
                const fv__v u = row_load(dy, i, features, 0) * row_load(gamma, i, features, 0);
                row_store(dx, i, features, (u - mean_u - centred * bend) * factor);
            }
            dx += features;
        }
    }
}
