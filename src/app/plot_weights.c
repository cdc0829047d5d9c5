// SPDX-License-Identifier: Apache-2.0
// First-layer filters and position embeddings as grids of little images.
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "draw/canvas.h"
#include "draw/colormap.h"
#include "model/model.h"
#include "ops/tokens.h"

enum { SIDE = 800 }; // about what a grid may be wide

// The weight that node `index` takes as its second input.
static const float *weights_of(const fv_model *model, int index) {
    const fv__graph *graph = &model->graph;
    int parameter = graph->nodes[graph->nodes[index].inputs[1]].parameter;
    return model->weights + graph->parameters[parameter].offset;
}

// `count` pictures, near a square.
static fv_status draw_tiles(fv_grid grid, int count, const uint8_t *pixels, const char *path, fv_error *error) {
    grid.columns = (int)ceil(sqrt(count));
    grid.rows = (count + grid.columns - 1) / grid.columns;
    int scale = SIDE / (grid.columns * (grid.width > grid.height ? grid.width : grid.height));
    grid.scale = scale > 32 ? 32 : scale > 1 ? scale : 1;
    fv_grid_cell *cells = fv__alloc_array((size_t)grid.rows * (size_t)grid.columns, sizeof *cells);
    if (!cells) {
        return fv__fail_memory(error, path);
    }
    for (int i = 0; i < count; i++) {
        cells[i].pixels = pixels + (size_t)i * (size_t)grid.height * (size_t)grid.width * (size_t)grid.channels;
    }
    grid.cells = cells;
    fv_status status = fv_grid_draw(&grid, path, error);
    fv__free(cells);
    return status;
}

// --- Filters

// Of a convolution over the image, or of a dense layer over its patches; height 0: there is neither.
typedef struct filters {
    int height, width, channels, count;
    const float *weights; // (height, width, channels, count)
} filters;

static filters find_filters(const fv_model *model) {
    for (int i = 0; i < model->graph.node_count; i++) {
        const fv__node *node = &model->graph.nodes[i], *before = &model->graph.nodes[node->inputs[0]];
        if (node->op == &fv__op_conv2d && node->inputs[0] == model->input) {
            const int *kernel = node->view.inputs[1].size;
            return (filters){kernel[0], kernel[1], kernel[2], kernel[3], weights_of(model, i)};
        }
        if (node->op == &fv__op_dense && before->op == &fv__op_patches && before->inputs[0] == model->input) {
            const fv__patches_attributes *patches = before->view.attributes;
            const int *kernel = node->view.inputs[1].size;
            return (filters){patches->size, patches->size, before->view.inputs[0].size[2], kernel[1],
                             weights_of(model, i)};
        }
    }
    return (filters){0};
}

// Grey is zero; each filter reaches from black to white by its largest weight.
static void paint_filter(const filters *from, int filter, uint8_t *pixels) {
    int values = from->height * from->width * from->channels;
    const float *weight = from->weights + filter;
    float largest = 1e-30F;
    for (int i = 0; i < values; i++) {
        largest = fmaxf(largest, fabsf(weight[(ptrdiff_t)i * from->count]));
    }
    for (int i = 0; i < values; i++) {
        pixels[i] = (uint8_t)(127.5F + 127.5F * weight[(ptrdiff_t)i * from->count] / largest);
    }
}

fv_status fv_model_draw_filters(const fv_model *model, const char *path, fv_error *error) {
    const filters found = find_filters(model);
    if (!found.height) {
        return fv__fail(error, FV_INVALID,
                        "this model begins with neither a convolution nor patches and a dense layer, "
                        "so that it has no filters to show");
    }
    size_t size = (size_t)found.height * (size_t)found.width * (size_t)found.channels;
    uint8_t *pixels = fv__alloc_array((size_t)found.count, size);
    if (!pixels) {
        return fv__fail_memory(error, path);
    }
    for (int f = 0; f < found.count; f++) {
        paint_filter(&found, f, pixels + (size_t)f * size);
    }
    char title[96];
    snprintf(title, sizeof title, "%d filters of %d × %d pixels (grey is 0)", found.count, found.height, found.width);
    fv_grid grid = {
        .size = sizeof grid, .title = title, .height = found.height, .width = found.width, .channels = found.channels};
    fv_status status = draw_tiles(grid, found.count, pixels, path, error);
    fv__free(pixels);
    return status;
}

// --- Positions

typedef struct positions {
    int count, width;
    const float *vectors; // (count, width)
} positions;

static positions find_positions(const fv_model *model) {
    for (int i = 0; i < model->graph.node_count; i++) {
        const fv__node *node = &model->graph.nodes[i];
        if (node->op == &fv__op_position_embedding) {
            const int *size = node->view.inputs[1].size;
            return (positions){size[0], size[1], weights_of(model, i)};
        }
    }
    return (positions){0};
}

static float cosine(const positions *from, int a, int b) {
    const float *u = from->vectors + (ptrdiff_t)a * from->width, *v = from->vectors + (ptrdiff_t)b * from->width;
    double uv = 0, uu = 0, vv = 0;
    for (int i = 0; i < from->width; i++) {
        uv += (double)u[i] * (double)v[i];
        uu += (double)u[i] * (double)u[i];
        vv += (double)v[i] * (double)v[i];
    }
    return (float)(uv / fmax(sqrt(uu * vv), 1e-30));
}

// Positions of a square of patches, perhaps behind a class token, which is left out, are drawn as maps of that square;
// others as one square of all pairs.
fv_status fv_model_draw_positions(const fv_model *model, const char *path, fv_error *error) {
    positions found = find_positions(model);
    if (!found.count) {
        return fv__fail(error, FV_INVALID, "this model has no position embeddings");
    }
    int side = (int)sqrt(found.count), tokens = side * side;
    bool square = tokens == found.count || tokens + 1 == found.count;
    if (square) {
        found.vectors += (ptrdiff_t)(found.count - tokens) * found.width;
        found.count = tokens;
    }
    const size_t count = (size_t)found.count, pairs = count * count;
    float *cosines = fv__alloc_array(pairs, sizeof *cosines), lowest = 1;
    uint8_t *pixels = fv__alloc_array(pairs, 3);
    fv_status status = cosines && pixels ? FV_OK : fv__fail_memory(error, path);
    for (size_t i = 0; i < pairs && !status; i++) {
        cosines[i] = cosine(&found, (int)(i / count), (int)(i % count));
        lowest = fminf(lowest, cosines[i]);
    }
    for (size_t i = 0; i < pairs && !status; i++) {
        fv__colour colour = fv__shade((double)((cosines[i] - lowest) / fmaxf(1 - lowest, 1e-6F)));
        pixels[3 * i] = (uint8_t)(colour >> 16);
        pixels[3 * i + 1] = (uint8_t)(colour >> 8);
        pixels[3 * i + 2] = (uint8_t)colour;
    }
    if (!status) {
        char title[128];
        int edge = square ? side : found.count;
        snprintf(title, sizeof title, "Cosine of position embeddings: %.2f (white) to 1 (dark)", (double)lowest);
        fv_grid grid = {.size = sizeof grid, .title = title, .height = edge, .width = edge, .channels = 3};
        grid.subtitle =
            square ? "A picture a position, where it lies in the image: how alike the others are to it" : NULL;
        status = draw_tiles(grid, square ? tokens : 1, pixels, path, error);
    }
    fv__free(cosines);
    fv__free(pixels);
    return status;
}
