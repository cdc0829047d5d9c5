// SPDX-License-Identifier: Apache-2.0
// Colours for numbers.
#ifndef FOVEA_DRAW_COLORMAP_H
#define FOVEA_DRAW_COLORMAP_H

#include <stdint.h>

// The colour of `value`, 0 … 1 (outside: the nearer end), from dark blue over green to light yellow: red, green, blue.
// Equal steps look equally large, and lightness alone tells the order, so that it can be read by the colour-blind and
// in grey.
void fv__colormap(double value, uint8_t colour[3]);

#endif
