// A heat map laid over a picture.
#ifndef FOVEA_DRAW_OVERLAY_H
#define FOVEA_DRAW_OVERLAY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fv__overlay {
    int height, width, channels; // 1 channel is grey, 3 are red, green and blue
    const uint8_t *pixels;       // (height, width, channels)
    const float *map;            // (height, width); NULL: the picture alone
    double least, most;          // values of the map that have the darkest and the brightest colour
    bool blocky;                 // not smoothed when scaled up
    int scale;                   // pixels for one of the picture
} fv__overlay;

// Writes (height * scale, width * scale, 3) bytes: the picture in grey, half covered by the colours of the map, so that
// hue belongs to the map alone; without a map the picture as it is.
void fv__draw_overlay(const fv__overlay *overlay, uint8_t *out);

#endif
