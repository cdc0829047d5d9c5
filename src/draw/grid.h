// A grid of small pictures with captions, as a PNG file (cairo).
#ifndef FOVEA_DRAW_GRID_H
#define FOVEA_DRAW_GRID_H

#include "base/error.h"

typedef struct fv__grid_cell {
    const uint8_t *pixels; // (height, width, channels); NULL: the cell stays empty
    const char *caption;   // above the picture; NULL: none
} fv__grid_cell;

typedef struct fv__grid {
    int rows, columns;
    int height, width, channels; // of a picture; 1 channel is grey, 3 are red, green and blue
    int scale;                   // pixels of the file for one of a picture, not smoothed; 0: chosen by their size
    const fv__grid_cell *cells;  // (rows, columns)
} fv__grid;

// Writes the file, atomically. FV_UNSUPPORTED when fovea was built without cairo.
fv_status fv__draw_grid(const fv__grid *grid, const char *path, fv_error *error);

#endif
