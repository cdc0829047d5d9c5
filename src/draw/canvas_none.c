// SPDX-License-Identifier: Apache-2.0
// Without cairo no canvas opens, so that nothing is ever drawn.
#include "draw/canvas.h"

#ifndef FV__WITH_CAIRO

fv_status fv__canvas_open(const char *path, double width, double height, double scale, fv__canvas **out,
                          fv_error *error) {
    (void)width, (void)height, (void)scale, (void)out;
    return fv__fail(error, FV_UNSUPPORTED, "%s: this fovea was built without pictures (cairo)", path);
}

fv_status fv__canvas_close(fv__canvas *canvas, fv_error *error) {
    (void)canvas;
    return fv__fail(error, FV_UNSUPPORTED, "this fovea was built without pictures (cairo)");
}

void fv__canvas_line(fv__canvas *canvas, const fv__point *points, size_t count, fv__stroke stroke) {
    (void)canvas, (void)points, (void)count, (void)stroke;
}

void fv__canvas_fill(fv__canvas *canvas, fv__area box, fv__colour colour) {
    (void)canvas, (void)box, (void)colour;
}

void fv__canvas_frame(fv__canvas *canvas, fv__area box, fv__stroke stroke) {
    (void)canvas, (void)box, (void)stroke;
}

void fv__canvas_dot(fv__canvas *canvas, fv__point centre, double radius, fv__colour colour) {
    (void)canvas, (void)centre, (void)radius, (void)colour;
}

void fv__canvas_ring(fv__canvas *canvas, fv__point centre, double radius, fv__stroke stroke) {
    (void)canvas, (void)centre, (void)radius, (void)stroke;
}

void fv__canvas_text(fv__canvas *canvas, fv__point at, fv__font font, const char *text) {
    (void)canvas, (void)at, (void)font, (void)text;
}

double fv__canvas_text_width(fv__canvas *canvas, fv__font font, const char *text) {
    (void)canvas, (void)font, (void)text;
    return 0;
}

void fv__canvas_text_within(fv__canvas *canvas, fv__point at, double width, fv__font font, const char *text) {
    (void)canvas, (void)at, (void)width, (void)font, (void)text;
}

void fv__canvas_image(fv__canvas *canvas, fv__area box, fv__pixels pixels) {
    (void)canvas, (void)box, (void)pixels;
}

void fv__canvas_clip(fv__canvas *canvas, const fv__area *box) {
    (void)canvas, (void)box;
}

#endif
