#include "draw/grid.h"

#ifdef FV__WITH_CAIRO

#include <cairo.h>

#include "base/memory.h"
#include "formats/file.h"

enum { GAP = 8, CAPTION = 16, COMFORTABLE = 96, LARGEST = 32000 };

typedef struct plan {
    int scale, caption; // height of the captions' line
    int cell_height, cell_width;
    int height, width;
} plan;

static fv_status lay_out(const fv__grid *grid, plan *out, const char *path, fv_error *error) {
    int longer = grid->height > grid->width ? grid->height : grid->width;
    out->scale = grid->scale > 0 ? grid->scale : longer < COMFORTABLE ? COMFORTABLE / longer : 1;
    out->caption = 0;
    for (int i = 0; i < grid->rows * grid->columns; i++) {
        out->caption = grid->cells[i].caption ? CAPTION : out->caption;
    }
    double height = (double)grid->rows * (grid->height * out->scale + out->caption + GAP) + GAP;
    double width = (double)grid->columns * (grid->width * out->scale + GAP) + GAP;
    if (height > LARGEST || width > LARGEST) {
        return fv__fail(error, FV_INVALID, "%s: a picture of %.0f×%.0f pixels is too large; show fewer", path, height,
                        width);
    }
    out->cell_height = grid->height * out->scale + out->caption + GAP;
    out->cell_width = grid->width * out->scale + GAP;
    out->height = (int)height;
    out->width = (int)width;
    return FV_OK;
}

// One picture as a surface of its own size; NULL when out of memory.
static cairo_surface_t *make_surface(const fv__grid *grid, const uint8_t *pixels) {
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, grid->width, grid->height);
    if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) {
        cairo_surface_destroy(surface);
        return NULL;
    }
    unsigned char *data = cairo_image_surface_get_data(surface);
    int stride = cairo_image_surface_get_stride(surface);
    for (int y = 0; y < grid->height; y++) {
        uint32_t *row = (uint32_t *)(void *)(data + (ptrdiff_t)y * stride);
        for (int x = 0; x < grid->width; x++, pixels += grid->channels) {
            bool colour = grid->channels >= 3;
            row[x] = (uint32_t)pixels[0] << 16 | (uint32_t)pixels[colour ? 1 : 0] << 8 | pixels[colour ? 2 : 0];
        }
    }
    cairo_surface_mark_dirty(surface);
    return surface;
}

static bool draw_cell(cairo_t *cairo, const fv__grid *grid, const plan *layout, int index) {
    const fv__grid_cell *cell = &grid->cells[index];
    int row = index / grid->columns, column = index % grid->columns;
    double left = GAP + (double)column * layout->cell_width, top = GAP + (double)row * layout->cell_height;
    if (cell->caption) {
        cairo_save(cairo);
        cairo_rectangle(cairo, left, top, layout->cell_width - GAP / 2.0, layout->caption);
        cairo_clip(cairo);
        cairo_set_source_rgb(cairo, 0.15, 0.15, 0.15);
        cairo_move_to(cairo, left, top + layout->caption - 5);
        cairo_show_text(cairo, cell->caption);
        cairo_restore(cairo);
    }
    if (!cell->pixels) {
        return true;
    }
    cairo_surface_t *surface = make_surface(grid, cell->pixels);
    if (!surface) {
        return false;
    }
    cairo_save(cairo);
    cairo_translate(cairo, left, top + layout->caption);
    cairo_scale(cairo, layout->scale, layout->scale);
    cairo_set_source_surface(cairo, surface, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_NEAREST);
    cairo_paint(cairo);
    cairo_restore(cairo);
    cairo_surface_destroy(surface);
    return true;
}

typedef struct target {
    fv__writer *writer;
    fv_status status;
    fv_error *error;
} target;

static cairo_status_t write_piece(void *context, const unsigned char *bytes, unsigned int size) {
    target *to = context;
    to->status = fv__writer_append(to->writer, bytes, size, to->error);
    return to->status == FV_OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static fv_status write_png(cairo_surface_t *surface, const char *path, fv_error *error) {
    target to = {.status = FV_OK, .error = error};
    fv_status status = fv__writer_open(path, &to.writer, error);
    if (status) {
        return status;
    }
    if (cairo_surface_write_to_png_stream(surface, write_piece, &to) != CAIRO_STATUS_SUCCESS) {
        fv__writer_abandon(to.writer);
        return to.status ? to.status : fv__fail_memory(error, path);
    }
    return fv__writer_commit(to.writer, error);
}

fv_status fv__draw_grid(const fv__grid *grid, const char *path, fv_error *error) {
    plan layout = {0};
    fv_status status = lay_out(grid, &layout, path, error);
    if (status) {
        return status;
    }
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, layout.width, layout.height);
    cairo_t *cairo = cairo_create(surface);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, 11);
    bool drawn = true;
    for (int i = 0; i < grid->rows * grid->columns && drawn; i++) {
        drawn = draw_cell(cairo, grid, &layout, i);
    }
    drawn = drawn && cairo_status(cairo) == CAIRO_STATUS_SUCCESS;
    cairo_destroy(cairo);
    status = drawn ? write_png(surface, path, error) : fv__fail_memory(error, path);
    cairo_surface_destroy(surface);
    return status;
}

#else

fv_status fv__draw_grid(const fv__grid *grid, const char *path, fv_error *error) {
    (void)grid;
    return fv__fail(error, FV_UNSUPPORTED, "%s: this fovea was built without pictures (cairo)", path);
}

#endif
