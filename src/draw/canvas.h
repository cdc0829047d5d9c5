// SPDX-License-Identifier: Apache-2.0
// Paper to draw on: lines, areas, text and small images, which become a PNG or an SVG file. The one place that knows
// cairo; without it every canvas fails to open. Lengths are in units of which 72 make an inch of an SVG; x grows to the
// right, y downwards.
#ifndef FOVEA_DRAW_CANVAS_H
#define FOVEA_DRAW_CANVAS_H

#include "base/error.h"

typedef struct fv__canvas fv__canvas;

typedef struct fv__point {
    double x, y;
} fv__point;

typedef struct fv__area {
    double x, y, width, height; // x, y: the upper left corner
} fv__area;

typedef uint32_t fv__colour; // 0xRRGGBB

// Colours that people with any kind of colour vision tell apart (Okabe and Ito 2008, "Color universal design").
enum { FV__SERIES_COLOURS = 8 };
extern const fv__colour fv__series_colours[FV__SERIES_COLOURS];
enum { FV__BLUE = 0x0072B2, FV__VERMILLION = 0xD55E00 }; // the first two: right and wrong, training and validation
enum { FV__INK = 0x222222, FV__GREY = 0x777777, FV__FAINT = 0xDDDDDD, FV__WHITE = 0xFFFFFF };

// From white (0) over blue to nearly black (1), ever darker; for heat maps.
fv__colour fv__shade(double part);

typedef struct fv__stroke {
    fv__colour colour;
    double width;
    bool dashed;
} fv__stroke;

typedef enum fv__alignment { FV__LEFT, FV__CENTRE, FV__RIGHT } fv__alignment;

typedef struct fv__font {
    double size;
    fv__colour colour;
    bool bold, upwards; // upwards: turned by 90°
    fv__alignment alignment;
} fv__font;

// The ending of `path` says what is made: .png with `scale` pixels a unit, or .svg. FV_INVALID for another ending or a
// picture that is too large, FV_UNSUPPORTED when fovea was built without cairo.
fv_status fv__canvas_open(const char *path, double width, double height, double scale, fv__canvas **out,
                          fv_error *error);

// Writes the file, atomically, and frees the canvas. Whatever failed while drawing is reported here.
fv_status fv__canvas_close(fv__canvas *canvas, fv_error *error);

// Interrupted where y is not a number.
void fv__canvas_line(fv__canvas *canvas, const fv__point *points, size_t count, fv__stroke stroke);
void fv__canvas_fill(fv__canvas *canvas, fv__area box, fv__colour colour);
void fv__canvas_frame(fv__canvas *canvas, fv__area box, fv__stroke stroke);
void fv__canvas_dot(fv__canvas *canvas, fv__point centre, double radius, fv__colour colour);
void fv__canvas_ring(fv__canvas *canvas, fv__point centre, double radius, fv__stroke stroke);

// Text whose base line begins, is centred or ends at `at`.
void fv__canvas_text(fv__canvas *canvas, fv__point at, fv__font font, const char *text);
double fv__canvas_text_width(fv__canvas *canvas, fv__font font, const char *text);

// The same, cut short with "…" where it is wider than `width`.
void fv__canvas_text_within(fv__canvas *canvas, fv__point at, double width, fv__font font, const char *text);

// Pixels (height, width, channels), each a crisp rectangle; 1 channel is grey, 3 are red, green and blue.
typedef struct fv__pixels {
    const uint8_t *bytes;
    int height, width, channels;
} fv__pixels;
void fv__canvas_image(fv__canvas *canvas, fv__area box, fv__pixels pixels);

// What is drawn afterwards shows inside `box` only; NULL: everywhere again.
void fv__canvas_clip(fv__canvas *canvas, const fv__area *box);

#endif
