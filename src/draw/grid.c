// SPDX-License-Identifier: Apache-2.0
// A grid of small images with captions.
#include <math.h>
#include <string.h>

#include "base/options.h"
#include "draw/chart.h"

enum { GAP = 8, LINE = 14, SIZE = 11, TITLE = 24, TITLE_SIZE = 13, TITLE_WIDEST = 800, COMFORTABLE = 96 };

typedef struct plan {
    int scale, captions; // lines above every picture
    double width, top, cell_height, cell_width;
} plan;

// What captions take above a picture.
static double room_of(const plan *layout) {
    return layout->captions ? layout->captions * LINE + 3 : 0;
}

static plan lay_out(const fv_grid *grid) {
    int longer = grid->height > grid->width ? grid->height : grid->width;
    plan layout = {.scale = grid->scale > 0 ? grid->scale : longer < COMFORTABLE ? COMFORTABLE / longer : 1};
    for (int i = 0; i < grid->rows * grid->columns; i++) {
        for (int line = 0; line < FV_GRID_CAPTIONS; line++) {
            layout.captions = grid->cells[i].captions[line] && layout.captions <= line ? line + 1 : layout.captions;
        }
    }
    int width = grid->width * layout.scale;
    layout.top = GAP + (grid->title ? TITLE : 0) + (grid->subtitle ? LINE : 0);
    layout.cell_height = (double)grid->height * layout.scale + room_of(&layout) + GAP;
    layout.cell_width = (width > grid->cell_width ? width : grid->cell_width) + GAP;
    layout.width = grid->columns * layout.cell_width + GAP;
    // Few pictures are narrower than their title, which can only be measured once there is paper.
    const double title = (grid->title ? (double)strlen(grid->title) : 0) * 0.65 * TITLE_SIZE + 2 * GAP;
    layout.width = fmax(layout.width, fmin(title, TITLE_WIDEST));
    return layout;
}

static void draw_cell(fv__canvas *canvas, const fv_grid *grid, const plan *layout, int index) {
    const fv_grid_cell *cell = &grid->cells[index];
    const int row = index / grid->columns, column = index % grid->columns;
    fv__point at = {GAP + column * layout->cell_width, layout->top + row * layout->cell_height};
    fv__font font = {.size = SIZE, .colour = cell->marked ? FV__VERMILLION : FV__INK, .bold = cell->marked};
    for (int line = 0; line < layout->captions; line++) {
        if (cell->captions[line]) {
            fv__point base = {at.x, at.y + (line + 1) * LINE - 4};
            fv__canvas_text_within(canvas, base, layout->cell_width - GAP / 2.0, font, cell->captions[line]);
        }
    }
    if (cell->pixels) {
        fv__area box = {at.x, at.y + room_of(layout), (double)grid->width * layout->scale,
                        (double)grid->height * layout->scale};
        fv__canvas_image(canvas, box, (fv__pixels){cell->pixels, grid->height, grid->width, grid->channels});
        const double line = cell->marked ? 3 : 0.5; // a thin one tells white pixels from paper
        box = (fv__area){box.x - line / 2, box.y - line / 2, box.width + line, box.height + line};
        fv__canvas_frame(canvas, box, (fv__stroke){cell->marked ? FV__VERMILLION : FV__GREY, line, false});
    }
}

fv_status fv_grid_draw(const fv_grid *given, const char *path, fv_error *error) {
    FV__TAKE(fv_grid, given, error);
    const fv_grid *grid = &own;
    const plan layout = lay_out(grid);
    const double room = layout.width - 2 * GAP, height = layout.top + grid->rows * layout.cell_height;
    fv__canvas *canvas;
    fv_status status = fv__canvas_open(path, layout.width, height, FV__CHART_SCALE, &canvas, error);
    if (status) {
        return status;
    }
    if (grid->title) {
        fv__font font = {.size = TITLE_SIZE, .colour = FV__INK, .bold = true};
        fv__canvas_text_within(canvas, (fv__point){GAP, GAP + TITLE_SIZE}, room, font, grid->title);
    }
    if (grid->subtitle) {
        fv__font font = {.size = SIZE, .colour = FV__INK};
        fv__canvas_text_within(canvas, (fv__point){GAP, GAP + TITLE_SIZE + LINE + 2}, room, font, grid->subtitle);
    }
    for (int i = 0; i < grid->rows * grid->columns; i++) {
        draw_cell(canvas, grid, &layout, i);
    }
    return fv__canvas_close(canvas, error);
}
