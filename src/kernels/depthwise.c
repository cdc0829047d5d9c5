// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution of one NHWC image: each channel has its own window, so channels are the lanes. Cells
// outside the image are left out of a window's sum, and nothing is padded. Inside the image the common 3×3 window runs
// over several neighbours at a time, which share the cells they overlap on.
#include "kernels/kernels.h"
#include "kernels/vector.h"

enum {
    NEIGHBOURS = 4,  // windows at a time
    MOST_STRIDE = 2, // of the windows that do
    COMMON = 3       // their width
};

// The cells of a window that lie inside the image: rows top … bottom-1 of it, columns left … right-1.
typedef struct depthwise_cells {
    int top, bottom, left, right;
} depthwise_cells;

static depthwise_cells depthwise_inside(const fv__windows *w, int row, int column) {
    const int y = row * w->stride[0] - w->before[0], x = column * w->stride[1] - w->before[1];
    return (depthwise_cells){.top = y < 0 ? -y : 0,
                             .bottom = w->height - y < w->size[0] ? w->height - y : w->size[0],
                             .left = x < 0 ? -x : 0,
                             .right = w->width - x < w->size[1] ? w->width - x : w->size[1]};
}

// Where cell (i, j) of a window lies in the image, and in the kernel.
static ptrdiff_t depthwise_cell(const fv__windows *w, int row, int column, int i, int j) {
    const ptrdiff_t y = row * w->stride[0] - w->before[0] + i, x = column * w->stride[1] - w->before[1] + j;
    return (y * w->width + x) * w->channels;
}

static ptrdiff_t depthwise_tap(const fv__windows *w, int i, int j) {
    return ((ptrdiff_t)i * w->size[1] + j) * w->channels;
}

// One vector of channels of `count` windows side by side, which read `across` columns of `down` rows from x on; the
// last four of the arguments begin at the first of the channels. `count`, `across` and `stride` are constants where it
// matters.
FV__VECTOR void depthwise_vector(const fv__windows *w, int count, int across, int stride, int down, float least,
                                 float most, const float *x, const float *kernel, const float *bias, float *y) {
    const ptrdiff_t channels = w->channels, line = (ptrdiff_t)w->width * channels, taps = w->size[1] * channels;
    fv__v sum[NEIGHBOURS];
    for (int n = 0; n < count; n++) {
        sum[n] = bias ? fv__v_load(bias) : (fv__v){0};
    }
    for (int i = 0; i < down; i++, x += line, kernel += taps) {
        for (int j = 0; j < across; j++) {
            const fv__v tap = fv__v_load(kernel + j * channels);
            for (int n = 0; n < count; n++) {
                sum[n] += tap * fv__v_load(x + (n * stride + j) * channels);
            }
        }
    }
    for (int n = 0; n < count; n++) {
        fv__v_store(y + n * channels, fv__v_min(fv__v_all(most), fv__v_max(fv__v_all(least), sum[n])));
    }
}

// All channels of those windows. The last vector is moved left until it ends with the channels: it writes some of them
// again, and the same.
FV__VECTOR void depthwise_windows(const fv__windows *w, int count, int across, int stride, int down, float least,
                                  float most, const float *x, const float *kernel, const float *bias, float *y) {
    for (int c = 0; c < w->channels; c += FV__LANES) {
        c = c + FV__LANES <= w->channels ? c : w->channels - FV__LANES;
        depthwise_vector(w, count, across, stride, down, least, most, x + c, kernel + c, bias ? bias + c : NULL, y + c);
    }
}

// One window of fewer channels than a vector has lanes.
static void depthwise_narrow(const fv__windows *w, int across, int down, float least, float most, const float *x,
                             const float *kernel, const float *bias, float *y) {
    for (int c = 0; c < w->channels; c++) {
        float sum = bias ? bias[c] : 0;
        for (int i = 0; i < down; i++) {
            for (int j = 0; j < across; j++) {
                sum += kernel[depthwise_tap(w, i, j) + c] * x[((ptrdiff_t)i * w->width + j) * w->channels + c];
            }
        }
        sum = sum < least ? least : sum;
        y[c] = sum > most ? most : sum;
    }
}

// A row of windows. `wide`: there are channels for a vector.
FV__VECTOR void depthwise_row(const fv__windows *w, int row, int stride, bool wide, float least, float most,
                              const float *x, const float *kernel, const float *bias, float *y) {
    const bool common = wide && w->size[1] == COMMON && stride <= MOST_STRIDE;
    for (int column = 0; column < w->columns;) {
        const depthwise_cells cells = depthwise_inside(w, row, column);
        const int down = cells.bottom - cells.top, across = cells.right - cells.left;
        const float *from = x + depthwise_cell(w, row, column, cells.top, cells.left);
        const float *taps = kernel + depthwise_tap(w, cells.top, cells.left);
        float *to = y + (ptrdiff_t)column * w->channels;
        const int last = column + NEIGHBOURS - 1;
        if (common && across == COMMON && last < w->columns && last * stride - w->before[1] + COMMON <= w->width) {
            if (down == COMMON) {
                depthwise_windows(w, NEIGHBOURS, COMMON, stride, COMMON, least, most, from, taps, bias, to);
            } else {
                depthwise_windows(w, NEIGHBOURS, COMMON, stride, down, least, most, from, taps, bias, to);
            }
            column += NEIGHBOURS;
            continue;
        }
        if (wide) {
            depthwise_windows(w, 1, across, stride, down, least, most, from, taps, bias, to);
        } else {
            depthwise_narrow(w, across, down, least, most, from, taps, bias, to);
        }
        column++;
    }
}

// y[row][column][c] = Σ x · kernel over the window's cells + bias[c], then no less than `least` and no more than `most`
// (NaN stays NaN).
static void depthwise(const fv__windows *w, float least, float most,
                      const float *x,      // (height, width, channels)
                      const float *kernel, // (size[0], size[1], channels)
                      const float *bias,   // (channels) or NULL
                      float *y) {          // (rows, columns, channels)
    const bool wide = w->channels >= FV__LANES;
    for (int row = 0; row < w->rows; row++, y += (ptrdiff_t)w->columns * w->channels) {
        if (w->stride[1] == 1) {
            depthwise_row(w, row, 1, wide, least, most, x, kernel, bias, y);
        } else if (w->stride[1] == 2) {
            depthwise_row(w, row, 2, wide, least, most, x, kernel, bias, y);
        } else {
            depthwise_row(w, row, w->stride[1], wide, least, most, x, kernel, bias, y);
        }
    }
}

// What one window adds to dx and to dkernel (either may be NULL); x, kernel and the gradients from the window's first
// cell inside.
FV__VECTOR void depthwise_window_backward(const fv__windows *w, int across, int down, const float *dy, const float *x,
                                          const float *kernel, float *dx, float *dkernel) {
    const int channels = w->channels, whole = channels / FV__LANES * FV__LANES;
    for (int c = 0; c < whole; c += FV__LANES) {
        const fv__v d = fv__v_load(dy + c);
        for (int i = 0; i < down; i++) {
            for (int j = 0; j < across; j++) {
                const ptrdiff_t cell = ((ptrdiff_t)i * w->width + j) * channels + c, tap = depthwise_tap(w, i, j) + c;
                if (dx) {
                    fv__v_store(dx + cell, fv__v_load(dx + cell) + d * fv__v_load(kernel + tap));
                }
                if (dkernel) {
                    fv__v_store(dkernel + tap, fv__v_load(dkernel + tap) + d * fv__v_load(x + cell));
                }
            }
        }
    }
    for (int c = whole; c < channels; c++) {
        for (int i = 0; i < down; i++) {
            for (int j = 0; j < across; j++) {
                const ptrdiff_t cell = ((ptrdiff_t)i * w->width + j) * channels + c, tap = depthwise_tap(w, i, j) + c;
                if (dx) {
                    dx[cell] += dy[c] * kernel[tap];
                }
                if (dkernel) {
                    dkernel[tap] += dy[c] * x[cell];
                }
            }
        }
    }
}

// dx is written, dkernel added to; either may be NULL.
static void depthwise_backward(const fv__windows *w,
                               const float *dy,     // (rows, columns, channels)
                               const float *x,      // (height, width, channels), for dkernel
                               const float *kernel, // (size[0], size[1], channels), for dx
                               float *dx, float *dkernel) {
    if (dx) {
        memset(dx, 0, sizeof *dx * (size_t)w->height * (size_t)w->width * (size_t)w->channels);
    }
    for (int row = 0; row < w->rows; row++) {
        for (int column = 0; column < w->columns; column++, dy += w->channels) {
            const depthwise_cells cells = depthwise_inside(w, row, column);
            const int down = cells.bottom - cells.top, across = cells.right - cells.left;
            const ptrdiff_t from = depthwise_cell(w, row, column, cells.top, cells.left);
            const ptrdiff_t tap = depthwise_tap(w, cells.top, cells.left);
            const float *cell = x ? x + from : NULL;
            float *d_cell = dx ? dx + from : NULL, *d_tap = dkernel ? dkernel + tap : NULL;
            if (across == COMMON && down == COMMON) {
                depthwise_window_backward(w, COMMON, COMMON, dy, cell, kernel + tap, d_cell, d_tap);
            } else {
                depthwise_window_backward(w, across, down, dy, cell, kernel + tap, d_cell, d_tap);
            }
        }
    }
}
