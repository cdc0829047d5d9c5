// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "draw/canvas.h"

const fv__colour fv__series_colours[FV__SERIES_COLOURS] = {FV__BLUE, FV__VERMILLION, 0x009E73, 0xCC79A7,
                                                           0xE69F00, 0x56B4E9,       0x000000, 0xF0E442};

fv__colour fv__shade(double part) {
    static const double stops[][3] = {{255, 255, 255}, {178, 211, 236}, {66, 140, 196}, {8, 74, 140}, {4, 28, 64}};
    enum { LAST = sizeof stops / sizeof *stops - 1 };
    double place = LAST * fmin(fmax(part, 0), 1);
    int below = place < LAST ? (int)place : LAST - 1;
    fv__colour colour = 0;
    for (int c = 0; c < 3; c++) {
        double value = stops[below][c] + (place - below) * (stops[below + 1][c] - stops[below][c]);
        colour = colour << 8 | (fv__colour)(value + 0.5);
    }
    return colour;
}
