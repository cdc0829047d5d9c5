// A grid of small pictures with captions.
#ifndef FOVEA_DRAW_GRID_H
#define FOVEA_DRAW_GRID_H

#include "draw/canvas.h"

enum { FV__CAPTIONS = 2 };

typedef struct fv__grid_cell {
    const uint8_t *pixels;              // (height, width, channels); NULL: the cell stays empty
    const char *captions[FV__CAPTIONS]; // lines above the picture; NULL: none
    bool marked;                        // with a frame, and its captions in the same colour
} fv__grid_cell;

typedef struct fv__grid {
    const char *title, *subtitle; // above all, and smaller below; NULL: none
    int rows, columns;
    int height, width, channels; // of a picture; 1 channel is grey, 3 are red, green and blue
    int scale;                   // side of one of its pixels, not smoothed; 0: chosen by their size
    int cell_width;              // least width of a cell, for captions that are wider than pictures
    const fv__grid_cell *cells;  // (rows, columns)
} fv__grid;

// Writes the file, a .png or .svg, atomically. FV_UNSUPPORTED when fovea was built without cairo.
fv_status fv__draw_grid(const fv__grid *grid, const char *path, fv_error *error);

#endif
