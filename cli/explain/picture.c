// SPDX-License-Identifier: Apache-2.0
// Pictures of `fovea explain`: an image and next to it its maps, or the weights of layers, one cell per head or slot.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "explain.h"
#include "support/memory.h"
#include "support/say.h"

enum {
    LARGE = 224, // pixels that the longer side of an image should have, at most, in the picture of all maps
    SMALL = 200, // in pictures of many
    CAPTION = 96,
    RANGE = 48,
    WRAP = 8, // cells in a row of heads or slots of one layer, beside the image
    FRAME = 2 // pixels of a line around a token
};

static const double UNIFORM = 0.01;

// The cells of one picture, filled one after the other.
typedef struct sheet {
    const cli_explanation *now;
    const fv_model_info *model;
    int scale, rows, columns;
    fv_grid_cell *cells;
    uint8_t *pixels;                             // of all cells
    char (*captions)[CAPTION], (*ranges)[RANGE]; // of the cells
    float *map;                                  // room for one
} sheet;

static sheet open_sheet(const cli_explanation *now, int rows, int columns, int size) {
    const fv_model_info *model = now->model;
    const int longer = model->height > model->width ? model->height : model->width;
    const int scale = longer < size ? size / longer : 1;
    const size_t cells = (size_t)rows * (size_t)columns, places = (size_t)model->height * (size_t)model->width;
    return (sheet){.now = now,
                   .model = model,
                   .scale = scale,
                   .rows = rows,
                   .columns = columns,
                   .cells = cli_alloc(cells, sizeof(fv_grid_cell)),
                   .captions = cli_alloc(cells, CAPTION),
                   .ranges = cli_alloc(cells, RANGE),
                   .pixels = cli_alloc(cells, places * (size_t)scale * (size_t)scale * 3),
                   .map = cli_alloc(places, sizeof(float))};
}

// The values of a map between which colours change: from its smallest, but not below 0, to its largest; in words, too.
static void find_range(const float *map, size_t places, double *least, double *most, char words[RANGE]) {
    *least = *most = (double)map[0];
    for (size_t p = 0; p < places; p++) {
        *least = (double)map[p] < *least ? (double)map[p] : *least;
        *most = (double)map[p] > *most ? (double)map[p] : *most;
    }
    const bool below = *least < 0;
    *least = below ? 0 : *least;
    if (*most - *least <= UNIFORM * *most) {
        *most = *least;
        snprintf(words, RANGE, below ? "nowhere above 0" : "%.3g everywhere", *least);
    } else {
        snprintf(words, RANGE, below ? "≤ %.3g … %.3g" : "%.3g … %.3g", *least, *most);
    }
}

// Puts the image, under a map if there is one, into cell `at`; the caption is in s->captions[at].
static void add_cell(sheet *s, int at, const float *map) {
    fv_heat_map overlay = {.size = sizeof overlay,
                           .height = s->model->height,
                           .width = s->model->width,
                           .channels = s->model->channels,
                           .pixels = s->now->pixels,
                           .map = map,
                           .blocky = s->now->options->blocky,
                           .scale = s->scale};
    size_t size = (size_t)s->model->height * (size_t)s->model->width * (size_t)s->scale * (size_t)s->scale * 3;
    uint8_t *pixels = s->pixels + (size_t)at * size;
    s->cells[at] = (fv_grid_cell){.pixels = pixels, .captions = {s->captions[at]}};
    if (map) {
        find_range(map, (size_t)s->model->height * (size_t)s->model->width, &overlay.least, &overlay.most,
                   s->ranges[at]);
        s->cells[at].captions[1] = s->ranges[at];
    }
    fv_heat_map_paint(&overlay, pixels, NULL); // whose numbers are fine
}

// Draws a frame around the part of the image in cell `at` that a token stands for.
static void frame_token(sheet *s, int at, const fv_attention_weights *layer, int token) {
    const int size[2] = {s->model->height * s->scale, s->model->width * s->scale};
    const int place[2] = {token / layer->columns, token % layer->columns};
    int first[2], last[2];
    for (int axis = 0; axis < 2; axis++) {
        const double centre = layer->origin[axis] + layer->step[axis] * place[axis] + 0.5, half = layer->step[axis] / 2;
        first[axis] = (int)fmax(round((centre - half) * s->scale), 0);
        last[axis] = (int)fmin(round((centre + half) * s->scale), size[axis]) - 1;
    }
    uint8_t *pixels = s->pixels + (size_t)at * (size_t)size[0] * (size_t)size[1] * 3;
    for (int y = first[0]; y <= last[0]; y++) {
        for (int x = first[1]; x <= last[1]; x++) {
            bool inside =
                y >= first[0] + FRAME && y <= last[0] - FRAME && x >= first[1] + FRAME && x <= last[1] - FRAME;
            for (int c = 0; c < 3 && !inside; c++) {
                pixels[((ptrdiff_t)y * size[1] + x) * 3 + c] = (uint8_t)(FV_MARK_COLOUR >> (16 - 8 * c));
            }
        }
    }
}

// The image itself in the first cell, with the token that is query number `query` of a layer, if there is one.
static void add_image(sheet *s, int index, int query) {
    fv_attention_weights layer = *fv_explainer_get_attention(s->now->explainer, index);
    snprintf(s->captions[0], CAPTION, "image");
    add_cell(s, 0, NULL);
    if (query >= layer.before && query < layer.before + layer.rows * layer.columns && !layer.slots) {
        frame_token(s, 0, &layer, query - layer.before);
    }
}

static int write_sheet(const sheet *s, cli_explanation *now, const char *suffix, const char *about) {
    fv_error error;
    char *path = cli_explain_path(now, suffix), *title = cli_explain_title(now);
    const fv_grid grid = {.size = sizeof grid,
                          .title = title,
                          .subtitle = about,
                          .rows = s->rows,
                          .columns = s->columns,
                          .height = s->model->height * s->scale,
                          .width = s->model->width * s->scale,
                          .channels = 3,
                          .scale = 1,
                          .cells = s->cells};
    const int code = cli_check(fv_grid_draw(&grid, path, &error), &error);
    free(title);
    free(path);
    return code;
}

static void close_sheet(sheet *s) {
    free(s->cells);
    free(s->captions);
    free(s->ranges);
    free(s->pixels);
    free(s->map);
}

// --- What was asked for, in words

enum { ABOUT = 192 };

// The query that is shown when none is named: a class token's.
static fv_explain_options for_layer(const cli_explanation *now, int index, int head) {
    fv_explain_options choice = now->choice;
    fv_attention_weights layer = *fv_explainer_get_attention(now->explainer, index);
    choice.layer = index;
    choice.head = head;
    choice.query = choice.query < 0 && layer.before && !layer.slots ? 0 : choice.query;
    return choice;
}

static void describe_query(const cli_explanation *now, int index, int query, char about[ABOUT]) {
    fv_attention_weights layer = *fv_explainer_get_attention(now->explainer, index);
    int token = query - layer.before;
    if (query < 0) {
        snprintf(about, ABOUT, "mean over all queries");
    } else if (layer.rows == 0 || token >= layer.rows * layer.columns) {
        snprintf(about, ABOUT, "query %d", query);
    } else if (token < 0) {
        snprintf(about, ABOUT, "what the class token attends to");
    } else {
        snprintf(about, ABOUT, "what the token at row %d, column %d attends to", token / layer.columns,
                 token % layer.columns);
    }
}

static void describe_head(const cli_explanation *now, int index, char about[ABOUT]) {
    const int heads = fv_explainer_get_attention(now->explainer, index)->heads;
    const bool all = now->choice.head < 0 && heads > 1;
    snprintf(about, ABOUT, all ? "mean over %d heads" : "head %d",
             all                    ? heads
             : now->choice.head < 0 ? 0
                                    : now->choice.head);
}

static int layer_of(const cli_explanation *now) {
    return now->choice.layer < 0 ? fv_explainer_get_result(now->explainer)->layers - 1 : now->choice.layer;
}

// --- Maps

static int draw_maps(cli_explanation *now) {
    char suffix[32], head[ABOUT], query[ABOUT], about[2 * ABOUT + 16];
    sheet s = open_sheet(now, 1, 1 + now->map_count, LARGE);
    add_image(&s, layer_of(now), now->choice.query);
    for (int i = 1; i <= now->map_count; i++) {
        const cli_explain_map *map = &now->maps[i - 1];
        snprintf(s.captions[i], CAPTION, map->remark ? "%s (%s)" : "%s", map->word, map->remark);
        add_cell(&s, i, map->values);
    }
    describe_head(now, layer_of(now), head);
    describe_query(now, layer_of(now), now->choice.query, query);
    snprintf(about, sizeof about, "received: %s, %s", head, query);
    snprintf(suffix, sizeof suffix, now->method ? "-%s.png" : ".png", now->method ? now->method->word : "");
    const bool mean = now->choice.head < 0 && now->choice.query < 0;
    const int code = write_sheet(&s, now, suffix, mean ? NULL : about);
    close_sheet(&s);
    return code;
}

// --- Weights: next to the image the heads of each layer, or the slots of one

// One head's or one slot's map, as number `number`.
static int add_weights(sheet *s, int number, const fv_explain_options *choice) {
    fv_error error;
    const int wide = s->columns - 1, at = number / wide * s->columns + 1 + number % wide;
    const fv_attention_weights *layer = fv_explainer_get_attention(s->now->explainer, choice->layer);
    const fv_status status = fv_explainer_map(s->now->explainer, FV_EXPLAIN_ATTENTION, choice, s->map, &error);
    if (status == FV_INVALID) {
        return cli_usage(&cli_explain, "%s", error.message);
    }
    CLI_TRY(cli_check(status, &error));
    if (layer->slots) {
        snprintf(s->captions[at], CAPTION, "slot %d", choice->query);
    } else {
        snprintf(s->captions[at], CAPTION, "%s, head %d", layer->layer, choice->head);
    }
    add_cell(s, at, s->map);
    return CLI_OK;
}

// Layers first … last: the heads of one, wrapped, or a row for each of several.
static int draw_heads(cli_explanation *now, int first, int last) {
    const int only = now->choice.head;
    int most = 1, code;
    for (int i = first; i <= last; i++) {
        const fv_attention_weights *layer = fv_explainer_get_attention(now->explainer, i);
        if (layer->slots) {
            cli_say("layer %s attends to memory slots: use --method slots", layer->layer);
            return CLI_FAILED;
        }
        most = only < 0 && layer->heads > most ? layer->heads : most;
    }
    const bool wrapped = first == last && most > WRAP;
    const int wide = wrapped ? WRAP : most, rows = wrapped ? (most + WRAP - 1) / WRAP : last - first + 1;
    const int query = for_layer(now, last, 0).query;
    char about[ABOUT];
    sheet s = open_sheet(now, rows, 1 + wide, SMALL);
    for (int i = first; i <= last; i++) {
        const int heads = only < 0 ? fv_explainer_get_attention(now->explainer, i)->heads : 1;
        for (int j = 0; j < heads; j++) {
            const fv_explain_options choice = for_layer(now, i, only < 0 ? j : only);
            CLI_TRY_OR_DONE(add_weights(&s, (i - first) * wide + j, &choice));
        }
    }
    add_image(&s, last, query);
    describe_query(now, last, query, about);
    code = write_sheet(&s, now, "-attention.png", about);
done:
    close_sheet(&s);
    return code;
}

// The slots of one layer, or with --query one of them.
static int draw_slots(cli_explanation *now, int index) {
    const fv_attention_weights layer = *fv_explainer_get_attention(now->explainer, index);
    const int only = now->choice.query, count = only < 0 ? layer.keys : 1;
    char about[2 * ABOUT], head[ABOUT];
    int code;
    if (!layer.slots) {
        cli_say("%s attends to tokens, not to memory slots: use --method attention", layer.layer);
        return CLI_FAILED;
    }
    sheet s = open_sheet(now, (count + WRAP - 1) / WRAP, 1 + (count < WRAP ? count : WRAP), SMALL);
    for (int i = 0; i < count; i++) {
        fv_explain_options choice = for_layer(now, index, now->choice.head);
        choice.query = only < 0 ? i : only;
        CLI_TRY_OR_DONE(add_weights(&s, i, &choice));
    }
    add_image(&s, index, -1);
    describe_head(now, index, head);
    snprintf(about, sizeof about, "how much each token turns to each memory slot of %.120s, %s", layer.layer, head);
    code = write_sheet(&s, now, "-slots.png", about);
done:
    close_sheet(&s);
    return code;
}

static int draw_weights(cli_explanation *now) {
    if (fv_explainer_get_result(now->explainer)->layers == 0) {
        cli_say("the model has no attention layer");
        return CLI_FAILED;
    }
    const int last = layer_of(now);
    return now->method->kind == CLI_EXPLAIN_SLOTS ? draw_slots(now, last)
                                                  : draw_heads(now, now->choice.layer < 0 ? 0 : last, last);
}

int cli_explain_draw(cli_explanation *now) {
    const bool maps = !now->method || now->method->kind == CLI_EXPLAIN_MAP;
    return maps ? draw_maps(now) : draw_weights(now);
}
