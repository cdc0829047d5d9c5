// SPDX-License-Identifier: Apache-2.0
// A heat map laid over an image.
#include <math.h>
#include <stddef.h>

#include "base/options.h"
#include "draw/colormap.h"

static const double COVER = 0.6;  // how much of a pixel is the map's
static const double DARKEST = 70; // grey of black pixels, on which bright colours stay bright

// The map at a point of the enlarged picture: of the nearest pixel, or between the four around it.
static double map_at(const fv_heat_map *heat, double y, double x) {
    const float *map = heat->map;
    const double row = fmin(fmax(y, 0), heat->height - 1), column = fmin(fmax(x, 0), heat->width - 1);
    const ptrdiff_t width = heat->width;
    if (heat->blocky) {
        return (double)map[(ptrdiff_t)(row + 0.5) * width + (ptrdiff_t)(column + 0.5)];
    }
    const ptrdiff_t top = (ptrdiff_t)row, left = (ptrdiff_t)column;
    const ptrdiff_t below = top + 1 < heat->height ? width : 0, right = left + 1 < width ? 1 : 0;
    const float *cell = map + top * width + left;
    const double across = column - (double)left, down = row - (double)top;
    const double upper = (double)cell[0] * (1 - across) + (double)cell[right] * across;
    const double lower = (double)cell[below] * (1 - across) + (double)cell[below + right] * across;
    return upper * (1 - down) + lower * down;
}

static void show_pixel(const fv_heat_map *heat, const uint8_t *pixel, uint8_t rgb[3]) {
    const bool colour = heat->channels >= 3;
    for (int c = 0; c < 3; c++) {
        rgb[c] = pixel[colour ? c : 0];
    }
}

static void paint(const fv_heat_map *heat, uint8_t *out) {
    const double range = heat->most > heat->least ? heat->most - heat->least : 1;
    for (int y = 0; y < heat->height * heat->scale; y++) {
        for (int x = 0; x < heat->width * heat->scale; x++, out += 3) {
            const ptrdiff_t place = (ptrdiff_t)(y / heat->scale) * heat->width + x / heat->scale;
            show_pixel(heat, heat->pixels + place * heat->channels, out);
            if (!heat->map) {
                continue;
            }
            const double luma = (299.0 * out[0] + 587.0 * out[1] + 114.0 * out[2]) / 1000;
            const double grey = DARKEST + (255 - DARKEST) * luma / 255;
            uint8_t colour[3];
            const double row = (y + 0.5) / heat->scale - 0.5, column = (x + 0.5) / heat->scale - 0.5;
            fv__colormap((map_at(heat, row, column) - heat->least) / range, colour);
            for (int c = 0; c < 3; c++) {
                out[c] = (uint8_t)(COVER * colour[c] + (1 - COVER) * grey + 0.5);
            }
        }
    }
}

fv_status fv_heat_map_paint(const fv_heat_map *heat_map, uint8_t *out, fv_error *error) {
    FV__TAKE(fv_heat_map, heat_map, error);
    if (!own.pixels || own.height < 1 || own.width < 1 || own.channels < 1 || own.scale < 1) {
        return fv__fail(error, FV_INVALID,
                        "a heat map needs pixels, and height, width, channels and scale of at least 1");
    }
    paint(&own, out);
    return FV_OK;
}
