// SPDX-License-Identifier: Apache-2.0
#include "draw/canvas.h"

#ifdef FV__WITH_CAIRO

#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "formats/file.h"

enum { LARGEST = 32000 }; // pixels that cairo can address

struct fv__canvas {
    char *path;
    cairo_surface_t *surface;
    cairo_t *cairo;
    fv__writer *writer;
    bool svg;
    fv_status status; // of writing
    fv_error error;
};

// --- Opening and closing

static bool has_ending(const char *path, const char *ending) {
    size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

static cairo_status_t write_piece(void *context, const unsigned char *bytes, unsigned int size) {
    fv__canvas *canvas = context;
    if (!canvas->status) { // of drawing too
        canvas->status = fv__writer_append(canvas->writer, bytes, size, &canvas->error);
    }
    return canvas->status ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

// Also of a canvas that is half open.
static void destroy(fv__canvas *canvas) {
    if (canvas->cairo) {
        cairo_destroy(canvas->cairo);
    }
    if (canvas->surface) {
        cairo_surface_destroy(canvas->surface);
    }
    fv__writer_abandon(canvas->writer);
    fv__free(canvas->path);
    fv__free(canvas);
}

fv_status fv__canvas_open(const char *path, double width, double height, double scale, fv__canvas **out,
                          fv_error *error) {
    bool svg = has_ending(path, ".svg");
    if (!svg && !has_ending(path, ".png")) {
        return fv__fail(error, FV_INVALID, "%s: pictures are written as .png or .svg", path);
    }
    if (width * scale > LARGEST || height * scale > LARGEST) {
        return fv__fail(error, FV_INVALID, "%s: a picture of %.0f×%.0f pixels is too large; show fewer", path,
                        width * scale, height * scale);
    }
    fv__canvas *canvas = fv__alloc(sizeof *canvas);
    if (!canvas) {
        return fv__fail_memory(error, path);
    }
    canvas->svg = svg;
    canvas->path = fv__strdup(path);
    fv_status status = canvas->path ? fv__writer_open(path, &canvas->writer, error) : fv__fail_memory(error, path);
    if (status) {
        destroy(canvas);
        return status;
    }
    if (svg) {
        canvas->surface = cairo_svg_surface_create_for_stream(write_piece, canvas, width, height);
    } else {
        canvas->surface =
            cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * scale), (int)ceil(height * scale));
    }
    canvas->cairo = cairo_create(canvas->surface); // a failure lasts until fv__canvas_close
    if (!svg) {
        cairo_scale(canvas->cairo, scale, scale);
    }
    cairo_set_line_join(canvas->cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_source_rgb(canvas->cairo, 1, 1, 1);
    cairo_paint(canvas->cairo);
    *out = canvas;
    return FV_OK;
}

fv_status fv__canvas_close(fv__canvas *canvas, fv_error *error) {
    cairo_status_t drawn = cairo_status(canvas->cairo);
    if (!drawn && canvas->svg) {
        cairo_surface_finish(canvas->surface);
        drawn = cairo_surface_status(canvas->surface);
    } else if (!drawn) {
        drawn = cairo_surface_write_to_png_stream(canvas->surface, write_piece, canvas);
    }
    fv_status status = FV_OK;
    if (canvas->status) {
        status = fv__fail(error, canvas->status, "%s", canvas->error.message);
    } else if (drawn == CAIRO_STATUS_NO_MEMORY) {
        status = fv__fail_memory(error, canvas->path);
    } else if (drawn) {
        status = fv__fail(error, FV_IO, "%s: cannot draw: %s", canvas->path, cairo_status_to_string(drawn));
    } else {
        status = fv__writer_commit(canvas->writer, error);
        canvas->writer = NULL;
    }
    destroy(canvas);
    return status;
}

// --- Drawing

static void set_colour(fv__canvas *canvas, fv__colour colour) {
    cairo_set_source_rgb(canvas->cairo, (colour >> 16) / 255.0, (colour >> 8 & 255) / 255.0, (colour & 255) / 255.0);
}

static void draw_stroke(fv__canvas *canvas, fv__stroke stroke) {
    const double dashes[] = {4 * stroke.width, 2.5 * stroke.width};
    set_colour(canvas, stroke.colour);
    cairo_set_line_width(canvas->cairo, stroke.width);
    cairo_set_dash(canvas->cairo, dashes, stroke.dashed ? 2 : 0, 0);
    cairo_stroke(canvas->cairo);
}

void fv__canvas_line(fv__canvas *canvas, const fv__point *points, size_t count, fv__stroke stroke) {
    for (size_t i = 0; i < count; i++) {
        if (isfinite(points[i].y)) {
            cairo_line_to(canvas->cairo, points[i].x, points[i].y);
        } else {
            cairo_new_sub_path(canvas->cairo);
        }
    }
    draw_stroke(canvas, stroke);
}

void fv__canvas_fill(fv__canvas *canvas, fv__area box, fv__colour colour) {
    set_colour(canvas, colour);
    cairo_rectangle(canvas->cairo, box.x, box.y, box.width, box.height);
    cairo_fill(canvas->cairo);
}

void fv__canvas_frame(fv__canvas *canvas, fv__area box, fv__stroke stroke) {
    cairo_rectangle(canvas->cairo, box.x, box.y, box.width, box.height);
    draw_stroke(canvas, stroke);
}

static void trace_circle(fv__canvas *canvas, fv__point centre, double radius) {
    cairo_new_path(canvas->cairo);
    cairo_arc(canvas->cairo, centre.x, centre.y, radius, 0, 2 * M_PI);
}

void fv__canvas_dot(fv__canvas *canvas, fv__point centre, double radius, fv__colour colour) {
    trace_circle(canvas, centre, radius);
    set_colour(canvas, colour);
    cairo_fill(canvas->cairo);
}

void fv__canvas_ring(fv__canvas *canvas, fv__point centre, double radius, fv__stroke stroke) {
    trace_circle(canvas, centre, radius);
    draw_stroke(canvas, stroke);
}

// Names of files may be no UTF-8, and texts may be cut in the middle of a character: cairo would draw nothing more.
static const char *clean(fv__canvas *canvas, fv__text *copy, const char *text) {
    fv__text_add_utf8(copy, text);
    if (copy->failed) {
        canvas->status = fv__fail_memory(&canvas->error, canvas->path);
    }
    return copy->bytes && !copy->failed ? copy->bytes : "";
}

static double choose_font(fv__canvas *canvas, fv__font font, const char *text) {
    cairo_text_extents_t extents;
    fv__text copy = {0};
    cairo_select_font_face(canvas->cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           font.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(canvas->cairo, font.size);
    cairo_text_extents(canvas->cairo, clean(canvas, &copy, text), &extents);
    fv__text_free(&copy);
    return extents.x_advance;
}

double fv__canvas_text_width(fv__canvas *canvas, fv__font font, const char *text) {
    return choose_font(canvas, font, text);
}

void fv__canvas_text(fv__canvas *canvas, fv__point at, fv__font font, const char *text) {
    double width = choose_font(canvas, font, text);
    fv__text copy = {0};
    double back = font.alignment == FV__LEFT ? 0 : font.alignment == FV__CENTRE ? width / 2 : width;
    cairo_save(canvas->cairo);
    cairo_translate(canvas->cairo, at.x, at.y);
    cairo_rotate(canvas->cairo, font.upwards ? -M_PI / 2 : 0);
    cairo_move_to(canvas->cairo, -back, 0);
    set_colour(canvas, font.colour);
    cairo_show_text(canvas->cairo, clean(canvas, &copy, text));
    fv__text_free(&copy);
    cairo_restore(canvas->cairo);
    cairo_new_path(canvas->cairo);
}

void fv__canvas_text_within(fv__canvas *canvas, fv__point at, double width, fv__font font, const char *text) {
    char part[256];
    size_t length = strlen(text);
    snprintf(part, sizeof part, "%s", text);
    while (length > 0 && choose_font(canvas, font, part) > width) {
        do { // a whole character
            length--;
        } while (length > 0 && (text[length] & 0xC0) == 0x80);
        snprintf(part, sizeof part, "%.*s…", (int)(length < 240 ? length : 240), text);
    }
    fv__canvas_text(canvas, at, font, part);
}

// A surface with each pixel `copies` times in both directions. It may be one in error, which spreads to whoever uses
// it.
static cairo_surface_t *make_surface(fv__pixels pixels, int copies) {
    const int width = pixels.width * copies, height = pixels.height * copies;
    const int green = pixels.channels >= 3 ? 1 : 0, blue = pixels.channels >= 3 ? 2 : 0;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    unsigned char *data = cairo_image_surface_get_data(surface);
    for (int y = 0; data && y < height; y++) {
        uint32_t *row = (uint32_t *)(void *)(data + (ptrdiff_t)y * cairo_image_surface_get_stride(surface));
        const uint8_t *line = pixels.bytes + (ptrdiff_t)(y / copies) * pixels.width * pixels.channels;
        for (int x = 0; x < width; x++) {
            const uint8_t *byte = line + x / copies * pixels.channels;
            row[x] = (uint32_t)byte[0] << 16 | (uint32_t)byte[green] << 8 | byte[blue];
        }
    }
    cairo_surface_mark_dirty(surface);
    return surface;
}

void fv__canvas_image(fv__canvas *canvas, fv__area box, fv__pixels pixels) {
    const int copies = canvas->svg ? 8 : 1; // who shows an SVG smooths its images, however it asks not to
    cairo_surface_t *surface = make_surface(pixels, copies);
    cairo_save(canvas->cairo);
    cairo_translate(canvas->cairo, box.x, box.y);
    cairo_scale(canvas->cairo, box.width / (pixels.width * copies), box.height / (pixels.height * copies));
    cairo_set_source_surface(canvas->cairo, surface, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(canvas->cairo), CAIRO_FILTER_NEAREST);
    cairo_rectangle(canvas->cairo, 0, 0, (double)pixels.width * copies, (double)pixels.height * copies);
    cairo_fill(canvas->cairo);
    cairo_restore(canvas->cairo);
    cairo_surface_destroy(surface);
}

void fv__canvas_clip(fv__canvas *canvas, const fv__area *box) {
    cairo_reset_clip(canvas->cairo);
    if (box) {
        cairo_rectangle(canvas->cairo, box->x, box->y, box->width, box->height);
        cairo_clip(canvas->cairo);
    }
}

#endif
