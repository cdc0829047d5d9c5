// SPDX-License-Identifier: Apache-2.0
// Pooling: the largest value of each window, and the average or largest value of each feature over all rows.
#include "kernels/kernels.h"
#include "kernels/vector.h"

typedef uint8_t winners_of_vector __attribute__((vector_size(FV__LANES)));

// The cells of one window that lie in the image.
typedef struct window_cells {
    int top, bottom, left, right; // of the window: rows top … bottom - 1, columns left … right - 1
    int across;                   // cells of a row of the window
    ptrdiff_t corner;             // of cell (0, 0), whether or not it is in the image, in floats from the image's start
} window_cells;

FV__VECTOR int window_first(int corner) {
    return corner < 0 ? -corner : 0;
}

FV__VECTOR int window_past(int corner, int size, int limit) {
    return corner + size > limit ? limit - corner : size;
}

static window_cells window_inside(const fv__windows *w, int row, int column) {
    const int y = row * w->stride[0] - w->before[0], x = column * w->stride[1] - w->before[1];
    return (window_cells){.top = window_first(y),
                          .bottom = window_past(y, w->size[0], w->height),
                          .left = window_first(x),
                          .right = window_past(x, w->size[1], w->width),
                          .across = w->size[1],
                          .corner = ((ptrdiff_t)y * w->width + x) * w->channels};
}

// Whether this is a window of 2 x 2, as most are: with its bounds known, the loops over its cells are unrolled.
FV__VECTOR bool window_is_plain(const window_cells *cells) {
    return cells->top == 0 && cells->bottom == 2 && cells->left == 0 && cells->right == 2 && cells->across == 2;
}

FV__VECTOR window_cells window_plain(const window_cells *cells) {
    return (window_cells){.top = 0, .bottom = 2, .left = 0, .right = 2, .across = 2, .corner = cells->corner};
}

// A cell beats the best so far if it is larger, or not a number: what is not finite must not get lost.
FV__VECTOR void window_largest(const fv__windows *w, const window_cells *cells, const float *x, float *y,
                               uint8_t *winner) {
    const int channels = w->channels, first = cells->top * cells->across + cells->left;
    const ptrdiff_t line = (ptrdiff_t)w->width * channels; // from a row of the image to the next
    const float *from = x + cells->corner;
    int c = 0;
    for (; c + FV__LANES <= channels; c += FV__LANES) {
        fv__v best = fv__v_load(from + cells->top * line + cells->left * channels + c);
        fv__vi best_cell = (fv__vi){0} + first;
        for (int i = cells->top; i < cells->bottom; i++) {
            const float *at = from + i * line + cells->left * channels + c;
            for (int j = cells->left; j < cells->right; j++, at += channels) {
                if (i == cells->top && j == cells->left) {
                    continue;
                }
                const fv__v value = fv__v_load(at);
                const fv__vi stays = value <= best; // false if one is not a number
                const fv__vi wins = ~stays & (best == best);
                best = fv__v_select(wins, value, best);
                const int cell = i * cells->across + j;
                best_cell = (wins & cell) | (~wins & best_cell);
            }
        }
        fv__v_store(y + c, best);
        if (winner) {
            const winners_of_vector bytes = __builtin_convertvector(best_cell, winners_of_vector);
            memcpy(winner + c, &bytes, sizeof bytes);
        }
    }
    for (; c < channels; c++) {
        int best_cell = first;
        float best = from[cells->top * line + cells->left * channels + c];
        for (int i = cells->top; i < cells->bottom; i++) {
            for (int j = cells->left; j < cells->right; j++) {
                const float value = from[i * line + j * channels + c];
                if (!(value <= best) && best == best) {
                    best = value;
                    best_cell = i * cells->across + j;
                }
            }
        }
        y[c] = best;
        if (winner) {
            winner[c] = (uint8_t)best_cell;
        }
    }
}

static void max_pool2d(const fv__windows *w, fv__activation activation,
                       const float *restrict x,    // (height, width, channels)
                       float *restrict y,          // (rows, columns, channels), after the activation
                       uint8_t *restrict winner) { // (rows, columns, channels): which cell of the window; or NULL
    for (int row = 0; row < w->rows; row++) {
        float *begin = y;
        for (int column = 0; column < w->columns; column++) {
            const window_cells cells = window_inside(w, row, column);
            if (window_is_plain(&cells)) {
                const window_cells plain = window_plain(&cells);
                window_largest(w, &plain, x, y, winner);
            } else {
                window_largest(w, &cells, x, y, winner);
            }
            y += w->channels;
            if (winner) {
                winner += w->channels;
            }
        }
        activate(activation, begin, begin, (size_t)(y - begin));
    }
}

// The gradient of one window's winners. `adds`: to what other windows have left; else the window's cells are its own.
FV__VECTOR void window_backward(const fv__windows *w, const window_cells *cells, const float *dy, const float *positive,
                                const uint8_t *winner, float *dx, bool adds) {
    const int channels = w->channels;
    const ptrdiff_t line = (ptrdiff_t)w->width * channels;
    int c = 0;
    for (; c + FV__LANES <= channels; c += FV__LANES) {
        fv__v d = fv__v_load(dy + c);
        if (positive) {
            d = (fv__v)((fv__vi)d & (fv__v_load(positive + c) > 0));
        }
        winners_of_vector bytes;
        memcpy(&bytes, winner + c, sizeof bytes);
        const fv__vi won = __builtin_convertvector(bytes, fv__vi);
        for (int i = cells->top; i < cells->bottom; i++) {
            float *to = dx + cells->corner + i * line + cells->left * channels + c;
            for (int j = cells->left; j < cells->right; j++, to += channels) {
                const fv__v here = (fv__v)((fv__vi)d & (won == i * cells->across + j));
                fv__v_store(to, adds ? fv__v_load(to) + here : here);
            }
        }
    }
    for (; c < channels; c++) {
        const float d = positive && !(positive[c] > 0) ? 0 : dy[c];
        for (int i = cells->top; i < cells->bottom; i++) {
            for (int j = cells->left; j < cells->right; j++) {
                float *to = dx + cells->corner + i * line + j * channels + c;
                const float here = winner[c] == i * cells->across + j ? d : 0;
                *to = adds ? *to + here : here;
            }
        }
    }
}

FV__VECTOR void windows_backward(const fv__windows *w, const float *dy, const float *positive, const uint8_t *winner,
                                 float *dx, bool adds) {
    for (int row = 0; row < w->rows; row++) {
        for (int column = 0; column < w->columns; column++) {
            const window_cells cells = window_inside(w, row, column);
            if (window_is_plain(&cells)) {
                const window_cells plain = window_plain(&cells);
                window_backward(w, &plain, dy, positive, winner, dx, adds);
            } else {
                window_backward(w, &cells, dy, positive, winner, dx, adds);
            }
            dy += w->channels;
            winner += w->channels;
            if (positive) {
                positive += w->channels;
            }
        }
    }
}

// dx of the winning cell of each window is dy (added up where windows overlap), everywhere else 0. With `positive`, dy
// counts only where that is above 0: the derivative of a ReLU after the maximum, from its output.
static void max_pool2d_backward(const fv__windows *w,
                                const float *dy,       // (rows, columns, channels)
                                const float *positive, // (rows, columns, channels) or NULL
                                const uint8_t *winner, // (rows, columns, channels)
                                float *dx) {           // (height, width, channels)
    const bool overlap = w->stride[0] < w->size[0] || w->stride[1] < w->size[1];
    const bool gaps = w->stride[0] > w->size[0] || w->stride[1] > w->size[1] ||
                      w->rows * w->stride[0] - w->before[0] < w->height ||
                      w->columns * w->stride[1] - w->before[1] < w->width;
    if (overlap || gaps) {
        memset(dx, 0, sizeof *dx * (size_t)w->height * (size_t)w->width * (size_t)w->channels);
    }
    if (overlap) {
        windows_backward(w, dy, positive, winner, dx, true);
    } else {
        windows_backward(w, dy, positive, winner, dx, false);
    }
}

// y[f] = the average over the rows of x[row][f].
static void average_rows(const float *x, // (rows, features)
                         float *y,       // (features)
                         int rows, int features) {
    memset(y, 0, sizeof *y * (size_t)features);
    add_columns(x, features, y, rows, features);
    for (int f = 0; f < features; f++) {
        y[f] /= (float)rows;
    }
}

static void average_rows_backward(const float *restrict dy, // (features)
                                  float *restrict dx,       // (rows, features)
                                  int rows, int features) {
    const float share = 1 / (float)rows;
    for (int row = 0; row < rows; row++, dx += features) {
        for (int f = 0; f < features; f++) {
            dx[f] = dy[f] * share;
        }
    }
}

// y[f] = the largest of x[row][f], winner[f] its row: the first of equals.
static void largest_rows(const float *restrict x,  // (rows, features)
                         float *restrict y,        // (features)
                         int32_t *restrict winner, // (features) or NULL
                         int rows, int features) {
    for (int f = 0; f < features; f++) {
        y[f] = x[f];
    }
    if (winner) {
        memset(winner, 0, sizeof *winner * (size_t)features);
    }
    for (int row = 1; row < rows; row++) {
        const float *restrict now = x + (ptrdiff_t)row * features;
        for (int f = 0; f < features; f++) {
            const bool wins = now[f] > y[f] || now[f] != now[f];
            y[f] = wins ? now[f] : y[f];
            if (winner) {
                winner[f] = wins ? row : winner[f];
            }
        }
    }
}

static void largest_rows_backward(const float *restrict dy,       // (features)
                                  const int32_t *restrict winner, // (features)
                                  float *restrict dx,             // (rows, features)
                                  int rows, int features) {
    for (int row = 0; row < rows; row++, dx += features) {
        for (int f = 0; f < features; f++) {
            dx[f] = winner[f] == row ? dy[f] : 0;
        }
    }
}
