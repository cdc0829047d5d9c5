// SPDX-License-Identifier: Apache-2.0
// Where the tokens of a model lie over its image: each at the centre of what it sees, its receptive field.
#ifndef FOVEA_EXPLAIN_GEOMETRY_H
#define FOVEA_EXPLAIN_GEOMETRY_H

#include "graph/graph.h"

// A value seen as tokens one after the other: `before` without a place, then rows * columns, row by row. The
// centre of the one at (r, c) is origin + step * (r, c), in pixels from the middle of pixel (0, 0). Convolutions with
// padding may put a centre outside the image.
typedef struct fv__token_grid {
    bool placed;
    int before, rows, columns;
    double origin[2], step[2]; // vertical, horizontal
    double field[2];           // height and width of the receptive field, before attention widens it to everything
} fv__token_grid;

// The grids of all nodes, by node; `input` is the image.
void fv__geometry(const fv__graph *graph, int input, fv__token_grid *grids);

static inline int fv__token_count(const fv__token_grid *grid) {
    return grid->before + grid->rows * grid->columns;
}

// Paints one value a token over an image of height × width pixels: bilinear between the centres and beyond the outer
// ones as at them, or, `blocky`, as at the nearest centre. `values` are those of the rows * columns placed tokens.
void fv__paint_tokens(const fv__token_grid *grid, const double *values, bool blocky, int height, int width, float *map);

#endif
