// SPDX-License-Identifier: Apache-2.0
// Windows over one image.
#ifndef FOVEA_KERNELS_WINDOWS_H
#define FOVEA_KERNELS_WINDOWS_H

enum { FV__POOL_CELLS = 256 }; // of one window at most: the winning cell is kept in a byte

// Window (r, c) covers the rows r * stride[0] - before[0] … + size[0] - 1 and the columns likewise; cells outside the
// image never win. Every window must have at least one cell inside.
typedef struct fv__windows {
    int height, width, channels; // of the image
    int rows, columns;           // windows
    int size[2], stride[2];      // vertical, horizontal
    int before[2];               // padding above and to the left
} fv__windows;

#endif
