// SPDX-License-Identifier: Apache-2.0
// Receptive fields from the image on (the arithmetic of Araujo et al. 2019, "Computing receptive fields of
// convolutional neural networks"): windows of `size` cells, moved by `stride` after `before` cells of padding, over a
// grid of step s and field f give a grid with
//   step s · stride,  field f + (size - 1) · s,  origin + ((size - 1) / 2 - before) · s
// Everything else keeps the tokens in their order or mixes them. The shapes say which of the two: a value of T tokens is
// T equal runs of numbers, regardless of its axes, and an op that works along the last axis keeps them if no row
// of that axis holds parts of two tokens.
#include "explain/geometry.h"

#include <math.h>

static fv__token_grid image_grid(const fv__shape *image) {
    return (fv__token_grid){
        .placed = true, .rows = image->size[0], .columns = image->size[1], .step = {1, 1}, .field = {1, 1}};
}

// The grid of windows over an image that has the grid `over`.
static fv__token_grid window_grid(const fv__node *node, const fv__token_grid *over) {
    const fv__shape *image = &node->view.inputs[0];
    if (!over->placed || over->before || image->rank != 3 || image->size[0] != over->rows ||
        image->size[1] != over->columns) {
        return (fv__token_grid){0};
    }
    fv__windows windows;
    node->op->windows(&node->view, &windows);
    fv__token_grid grid = {.placed = true, .rows = windows.rows, .columns = windows.columns};
    for (int i = 0; i < 2; i++) {
        grid.step[i] = over->step[i] * windows.stride[i];
        grid.field[i] = over->field[i] + (windows.size[i] - 1) * over->step[i];
        grid.origin[i] = over->origin[i] + ((windows.size[i] - 1) / 2.0 - windows.before[i]) * over->step[i];
    }
    return grid;
}

static size_t rows_of(const fv__shape *shape) {
    size_t features = shape->rank ? (size_t)shape->size[shape->rank - 1] : 1;
    return fv__shape_elements(shape) / features;
}

// What a node without windows makes of the grid of its input i.
static fv__token_grid kept_grid(const fv__node *node, int i, const fv__token_grid *grid) {
    size_t tokens = (size_t)fv__token_count(grid);
    const fv__shape *in = &node->view.inputs[i], *out = &node->view.output;
    fv__token_grid kept = *grid;
    if (node->op == &fv__op_class_token) {
        kept.placed = grid->placed && (size_t)in->size[0] == tokens;
        kept.before++;
    } else if (!node->op->view) {
        kept.placed = grid->placed && rows_of(in) == rows_of(out) && rows_of(out) % tokens == 0;
    }
    return kept;
}

static bool same_places(const fv__token_grid *a, const fv__token_grid *b) {
    bool same = a->before == b->before && a->rows == b->rows && a->columns == b->columns;
    for (int i = 0; i < 2; i++) {
        same = same && fabs(a->origin[i] - b->origin[i]) < 1e-6 && fabs(a->step[i] - b->step[i]) < 1e-6;
    }
    return same;
}

// Inputs that meet in one node must agree about the places; the field is the largest.
static fv__token_grid joined_grid(const fv__node *node, const fv__token_grid *grids) {
    fv__token_grid joined = {0};
    for (int i = 0; i < node->view.input_count; i++) {
        if (node->view.input_is_weight[i]) {
            continue;
        }
        fv__token_grid grid = kept_grid(node, i, &grids[node->inputs[i]]);
        if (!grid.placed || (joined.placed && !same_places(&joined, &grid))) {
            return (fv__token_grid){0};
        }
        for (int axis = 0; axis < 2 && joined.placed; axis++) {
            grid.field[axis] = fmax(grid.field[axis], joined.field[axis]);
        }
        joined = grid;
    }
    return joined;
}

void fv__geometry(const fv__graph *graph, int input, fv__token_grid *grids) {
    for (int n = 0; n < graph->node_count; n++) {
        const fv__node *node = &graph->nodes[n];
        if (n == input) {
            grids[n] = image_grid(&node->view.output);
        } else if (node->view.cadence == FV__CADENCE_STEP || node->view.input_count == 0) {
            grids[n] = (fv__token_grid){0};
        } else if (node->op->windows) {
            grids[n] = window_grid(node, &grids[node->inputs[0]]);
        } else {
            grids[n] = joined_grid(node, grids);
        }
    }
}

// --- Painting

// The two tokens next to a pixel along one axis, and how far it is from the first to the second.
typedef struct between {
    int first, second;
    double part;
} between;

static between find(double pixel, double origin, double step, int count, bool blocky) {
    double at = fmin(fmax((pixel - origin) / step, 0), count - 1);
    if (blocky) {
        int nearest = (int)(at + 0.5);
        return (between){nearest, nearest, 0};
    }
    int first = (int)at;
    return (between){first, first + 1 < count ? first + 1 : first, at - first};
}

void fv__paint_tokens(const fv__token_grid *grid, const double *values, bool blocky, int height, int width,
                      float *map) {
    for (int y = 0; y < height; y++) {
        between row = find(y, grid->origin[0], grid->step[0], grid->rows, blocky);
        const double *above = values + (ptrdiff_t)row.first * grid->columns;
        const double *below = values + (ptrdiff_t)row.second * grid->columns;
        for (int x = 0; x < width; x++) {
            between column = find(x, grid->origin[1], grid->step[1], grid->columns, blocky);
            double top = above[column.first] + (above[column.second] - above[column.first]) * column.part;
            double bottom = below[column.first] + (below[column.second] - below[column.first]) * column.part;
            *map++ = (float)(top + (bottom - top) * row.part);
        }
    }
}
