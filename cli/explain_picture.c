// Pictures of `fovea explain`: the maps of one image side by side, or the weights of layers, a cell a head or slot.
#include <string.h>

#include "base/memory.h"
#include "draw/grid.h"
#include "draw/overlay.h"
#include "explain.h"

enum {
    LARGE = 224, // pixels that the longer side of an image should have, at most, in the picture of all maps
    SMALL = 200, // in pictures of many
    CAPTION = 96,
    RANGE = 48,
    WRAP = 8 // cells in a row of heads or slots of one layer
};

static const double UNIFORM = 0.01;

// The cells of one picture, filled one after the other.
typedef struct sheet {
    const cli_explanation *now;
    fv_model_info model;
    int scale, rows, columns, count;
    fv__grid_cell *cells;
    uint8_t *pixels;                             // of all cells
    char (*captions)[CAPTION], (*ranges)[RANGE]; // of the cells
    float *map;                                  // room for one
} sheet;

static int open_sheet(sheet *s, const cli_explanation *now, int rows, int columns, int size) {
    fv_model_info model = fv_model_describe(now->subject.model);
    int longer = model.height > model.width ? model.height : model.width;
    *s = (sheet){
        .now = now, .model = model, .scale = longer < size ? size / longer : 1, .rows = rows, .columns = columns};
    size_t cells = (size_t)rows * (size_t)columns, places = (size_t)model.height * (size_t)model.width;
    s->cells = fv__alloc_array(cells, sizeof *s->cells);
    s->captions = fv__alloc_array(cells, sizeof *s->captions);
    s->ranges = fv__alloc_array(cells, sizeof *s->ranges);
    s->pixels = fv__alloc_array(cells, places * (size_t)s->scale * (size_t)s->scale * 3);
    s->map = fv__alloc_array(places, sizeof *s->map);
    return s->cells && s->captions && s->ranges && s->pixels && s->map ? CLI_OK : cli_fail_memory();
}

// The values of a map between which colours change: from its smallest, but not below 0, to its largest.
static void find_range(const float *map, size_t places, double *least, double *most) {
    *least = *most = (double)map[0];
    for (size_t p = 0; p < places; p++) {
        *least = (double)map[p] < *least ? (double)map[p] : *least;
        *most = (double)map[p] > *most ? (double)map[p] : *most;
    }
    *least = *least < 0 ? 0 : *least;
    if (*most - *least <= UNIFORM * *most) {
        *most = *least;
    }
}

// Puts the image, under a map if there is one, into cell `at`; the caption is in s->captions[at].
static void add_cell(sheet *s, int at, const float *map) {
    fv__overlay overlay = {.height = s->model.height,
                           .width = s->model.width,
                           .channels = s->model.channels,
                           .pixels = s->now->pixels,
                           .map = map,
                           .blocky = s->now->options->blocky,
                           .scale = s->scale};
    size_t size = (size_t)s->model.height * (size_t)s->model.width * (size_t)s->scale * (size_t)s->scale * 3;
    uint8_t *pixels = s->pixels + (size_t)at * size;
    s->cells[at] = (fv__grid_cell){.pixels = pixels, .captions = {s->captions[at]}};
    if (map) {
        find_range(map, (size_t)s->model.height * (size_t)s->model.width, &overlay.least, &overlay.most);
        snprintf(s->ranges[at], RANGE, overlay.most > overlay.least ? "%.3g … %.3g" : "%.3g everywhere", overlay.least,
                 overlay.most);
        s->cells[at].captions[1] = s->ranges[at];
    }
    fv__draw_overlay(&overlay, pixels);
}

// Writes the picture and lets go of the sheet.
static int close_sheet(sheet *s, cli_explanation *now, int code, const char *suffix, const char *about) {
    char title[CLI_EXPLAIN_TITLE], whole[2 * CLI_EXPLAIN_TITLE];
    fv_error error;
    char *path = code == CLI_OK ? cli_explain_path(now, suffix) : NULL;
    snprintf(whole, sizeof whole, "%s%s", cli_explain_title(now, title), about);
    const fv__grid grid = {.title = whole,
                           .rows = s->rows,
                           .columns = s->columns,
                           .height = s->model.height * s->scale,
                           .width = s->model.width * s->scale,
                           .channels = 3,
                           .scale = 1,
                           .cells = s->cells};
    if (code == CLI_OK && !path) {
        code = cli_fail_memory();
    }
    if (code == CLI_OK && fv__draw_grid(&grid, path, &error) != FV_OK) {
        code = cli_fail(&error);
    }
    fv__free(path);
    fv__free(s->cells);
    fv__free(s->captions);
    fv__free(s->ranges);
    fv__free(s->pixels);
    fv__free(s->map);
    return code;
}

static int draw_maps(cli_explanation *now) {
    sheet s;
    int code = open_sheet(&s, now, 1, 1 + now->map_count, LARGE);
    for (int i = 0; i <= now->map_count && code == CLI_OK; i++) {
        const cli_explain_map *map = i ? &now->maps[i - 1] : NULL;
        snprintf(s.captions[i], CAPTION, "%s%s%s%s", map ? map->word : "image", map && map->remark ? " (" : "",
                 map && map->remark ? map->remark : "", map && map->remark ? ")" : "");
        add_cell(&s, i, map ? map->values : NULL);
    }
    char suffix[32];
    snprintf(suffix, sizeof suffix, "%s%s.png", now->method ? "-" : "", now->method ? now->method->word : "");
    return close_sheet(&s, now, code, suffix, "");
}

// --- Weights

// Cell `at`: one head's or one slot's map.
static int add_weights(sheet *s, int at, const fv_explain_options *choice, const char *caption) {
    fv_error error;
    snprintf(s->captions[at], CAPTION, "%.*s", CAPTION - 1, caption);
    fv_status status = fv_explain(s->now->explainer, FV_EXPLAIN_ATTENTION, choice, s->map, &error);
    if (status) {
        return status == FV_INVALID ? cli_usage(&cli_explain, "%s", error.message) : cli_fail(&error);
    }
    add_cell(s, at, s->map);
    return CLI_OK;
}

// The query that is shown when none is named: a class token's.
static fv_explain_options for_layer(const cli_explanation *now, int index, int head) {
    fv_explain_options choice = now->choice;
    fv_attention_weights layer = fv_explainer_attention(now->explainer, index);
    choice.layer = index;
    choice.head = head;
    choice.query = choice.query < 0 && layer.before && !layer.slots ? 0 : choice.query;
    return choice;
}

static void describe_query(const cli_explanation *now, int index, char *about, size_t room) {
    fv_attention_weights layer = fv_explainer_attention(now->explainer, index);
    int query = for_layer(now, index, 0).query, token = query - layer.before;
    if (query < 0) {
        snprintf(about, room, "; mean over all queries");
    } else if (layer.rows == 0) {
        snprintf(about, room, "; query %d", query);
    } else if (token < 0) {
        snprintf(about, room, "; what the class token attends to");
    } else {
        snprintf(about, room, "; query at row %d, column %d", token / layer.columns, token % layer.columns);
    }
}

// One layer: its heads, wrapped. Several: a row a layer.
static int draw_heads(cli_explanation *now) {
    int layers = fv_explainer_describe(now->explainer).layers, most = 0;
    int first = now->choice.layer < 0 ? 0 : now->choice.layer, last = now->choice.layer < 0 ? layers - 1 : first;
    for (int i = first; i <= last; i++) {
        int heads = now->choice.head < 0 ? fv_explainer_attention(now->explainer, i).heads : 1;
        most = heads > most ? heads : most;
    }
    bool wrapped = last - first < 1 && most > WRAP;
    int columns = wrapped ? WRAP : most, rows = wrapped ? (most + WRAP - 1) / WRAP : last - first + 1;
    char about[64], caption[CAPTION];
    if (layers == 0) {
        cli_say("the model has no attention layer");
        return CLI_FAILED;
    }
    sheet s;
    int code = open_sheet(&s, now, rows, columns, SMALL);
    for (int i = first; i <= last; i++) {
        fv_attention_weights layer = fv_explainer_attention(now->explainer, i);
        for (int j = 0; j < (now->choice.head < 0 ? layer.heads : 1) && code == CLI_OK; j++) {
            int head = now->choice.head < 0 ? j : now->choice.head;
            fv_explain_options choice = for_layer(now, i, head);
            snprintf(caption, sizeof caption, "%s, head %d", layer.layer, head);
            if (layer.slots) {
                cli_say("layer %s attends to memory slots: use --method slots", layer.layer);
                code = CLI_FAILED;
            } else {
                code = add_weights(&s, (i - first) * columns + j, &choice, caption);
            }
        }
    }
    describe_query(now, last, about, sizeof about);
    return close_sheet(&s, now, code, "-attention.png", about);
}

// The slots of one layer, or with --query one of them.
static int draw_slots(cli_explanation *now) {
    int index = now->choice.layer < 0 ? fv_explainer_describe(now->explainer).layers - 1 : now->choice.layer;
    fv_attention_weights layer = fv_explainer_attention(now->explainer, index);
    if (!layer.layer || !layer.slots) {
        cli_say("%s%s", layer.layer ? layer.layer : "the model",
                layer.layer ? " attends to tokens, not to memory slots: use --method attention"
                            : " has no attention layer");
        return CLI_FAILED;
    }
    int only = now->choice.query, count = only < 0 ? layer.keys : 1;
    char about[160], head[32];
    snprintf(head, sizeof head, now->choice.head < 0 ? "mean over %d heads" : "head %d",
             now->choice.head < 0 ? layer.heads : now->choice.head);
    snprintf(about, sizeof about, "; slots of %.80s, %s", layer.layer, head);
    sheet s;
    int code = open_sheet(&s, now, (count + WRAP - 1) / WRAP, count < WRAP ? count : WRAP, SMALL);
    for (int i = 0; i < count && code == CLI_OK; i++) {
        char caption[32];
        fv_explain_options choice = for_layer(now, index, now->choice.head);
        choice.query = only < 0 ? i : only;
        snprintf(caption, sizeof caption, "slot %d", choice.query);
        code = add_weights(&s, i, &choice, caption);
    }
    return close_sheet(&s, now, code, "-slots.png", about);
}

int cli_explain_draw(cli_explanation *now) {
    if (!now->method || now->method->kind == CLI_EXPLAIN_MAP) {
        return draw_maps(now);
    }
    return now->method->kind == CLI_EXPLAIN_SLOTS ? draw_slots(now) : draw_heads(now);
}
