// Pooling: the largest value of each window, and the average or largest value of each feature over all rows.
#include "kernels/kernels.h"
#include "kernels/vector.h"

typedef uint8_t winners_of_vector __attribute__((vector_size(FV__LANES)));

// The cells of one window that lie in the image.
typedef struct window_cells {
    int top, bottom, left, right; // of the window: rows top … bottom - 1, columns left … right - 1
    ptrdiff_t corner;             // of cell (0, 0), whether or not it is in the image, in floats from the image's start
} window_cells;

FV__VECTOR int window_first(int corner) {
    return corner < 0 ? -corner : 0;
}

FV__VECTOR int window_past(int corner, int size, int limit) {
    return corner + size > limit ? limit - corner : size;
}

static window_cells window_inside(const fv__pool_windows *w, int row, int column) {
    const int y = row * w->stride[0] - w->before[0], x = column * w->stride[1] - w->before[1];
    return (window_cells){.top = window_first(y),
                          .bottom = window_past(y, w->size[0], w->height),
                          .left = window_first(x),
                          .right = window_past(x, w->size[1], w->width),
                          .corner = ((ptrdiff_t)y * w->width + x) * w->channels};
}

// A cell beats the best so far if it is larger, or not a number: what is not finite must not get lost.
FV__VECTOR void window_largest(const fv__pool_windows *w, const window_cells *cells, const float *x, float *y,
                               uint8_t *winner) {
    const int channels = w->channels;
    int c = 0;
    for (; c + FV__LANES <= channels; c += FV__LANES) {
        const float *from = x + cells->corner + c;
        int first = cells->top * w->size[1] + cells->left;
        fv__v best = fv__v_load(from + ((ptrdiff_t)cells->top * w->width + cells->left) * channels);
        fv__vi best_cell = (fv__vi){0} + first;
        for (int i = cells->top; i < cells->bottom; i++) {
            for (int j = cells->left; j < cells->right; j++) {
                const fv__v value = fv__v_load(from + ((ptrdiff_t)i * w->width + j) * channels);
                const fv__vi wins = (value > best) | (value != value);
                best = fv__v_select(wins, value, best);
                const int cell = i * w->size[1] + j;
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
        const float *from = x + cells->corner + c;
        int best_cell = cells->top * w->size[1] + cells->left;
        float best = from[((ptrdiff_t)cells->top * w->width + cells->left) * channels];
        for (int i = cells->top; i < cells->bottom; i++) {
            for (int j = cells->left; j < cells->right; j++) {
                const float value = from[((ptrdiff_t)i * w->width + j) * channels];
                if (value > best || value != value) {
                    best = value;
                    best_cell = i * w->size[1] + j;
                }
            }
        }
        y[c] = best;
        if (winner) {
            winner[c] = (uint8_t)best_cell;
        }
    }
}

static void max_pool2d(const fv__pool_windows *w, fv__activation activation,
                       const float *restrict x,    // (height, width, channels)
                       float *restrict y,          // (rows, columns, channels), after the activation
                       uint8_t *restrict winner) { // (rows, columns, channels): which cell of the window; or NULL
    for (int row = 0; row < w->rows; row++) {
        float *begin = y;
        for (int column = 0; column < w->columns; column++) {
            const window_cells cells = window_inside(w, row, column);
            window_largest(w, &cells, x, y, winner);
            y += w->channels;
            winner += winner ? w->channels : 0;
        }
        activate(activation, begin, begin, (size_t)(y - begin));
    }
}

// dx of the winning cell of each window is dy (added up where windows overlap), everywhere else 0. With `positive`, dy
// counts only where that is above 0: the derivative of a ReLU after the maximum, told by its output.
static void max_pool2d_backward(const fv__pool_windows *w,
                                const float *restrict dy,       // (rows, columns, channels)
                                const float *restrict positive, // (rows, columns, channels) or NULL
                                const uint8_t *restrict winner, // (rows, columns, channels)
                                float *restrict dx) {           // (height, width, channels)
    const int channels = w->channels;
    memset(dx, 0, sizeof *dx * (size_t)w->height * (size_t)w->width * (size_t)channels);
    for (int row = 0; row < w->rows; row++) {
        for (int column = 0; column < w->columns; column++) {
            const window_cells cells = window_inside(w, row, column);
            for (int i = cells.top; i < cells.bottom; i++) {
                for (int j = cells.left; j < cells.right; j++) {
                    float *restrict to = dx + cells.corner + ((ptrdiff_t)i * w->width + j) * channels;
                    const int cell = i * w->size[1] + j;
                    for (int c = 0; c < channels; c++) {
                        to[c] += winner[c] == cell && (!positive || positive[c] > 0) ? dy[c] : 0;
                    }
                }
            }
            dy += channels;
            winner += channels;
            positive += positive ? channels : 0;
        }
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
