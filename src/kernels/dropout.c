// SPDX-License-Identifier: Apache-2.0
// Dropout: which elements live is drawn by position, never stored.
#include "kernels/draw.h"
#include "kernels/kernels.h"
#include "kernels/vector.h"

typedef uint32_t positions __attribute__((vector_size(4 * FV__LANES)));

// Keeps element i where the draw of `position + i` says so, multiplied by 1 / (1 - rate); else 0. y may be x. The
// derivative is the function itself, applied to the gradient.
static void dropout(const float *x, float *y, size_t n, float rate, const uint32_t key[2], uint32_t position) {
    const uint32_t threshold = fv__draw_threshold(rate);
    const uint32_t key0 = key[0], key1 = key[1];
    const float scale = 1.0f / (1.0f - rate);
    positions at;
    for (uint32_t lane = 0; lane < FV__LANES; lane++) {
        at[lane] = position + lane;
    }
    size_t i = 0;
    for (; i + FV__LANES <= n; i += FV__LANES, at += FV__LANES) {
        positions draw = at;
        FV__DRAW(draw, key0, key1);
        const fv__vi keeps = (fv__vi)(draw >= threshold);
        fv__v_store(y + i, (fv__v)((fv__vi)(fv__v_load(x + i) * scale) & keeps));
    }
    for (; i < n; i++) {
        y[i] = fv__draw(position + (uint32_t)i, key0, key1) >= threshold ? x[i] * scale : 0;
    }
}
