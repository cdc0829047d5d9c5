// SPDX-License-Identifier: Apache-2.0
// Numbers of `fovea explain`. Maps: DIR/test-3-METHOD.npy (height, width) each, or DIR/test-3.csv with a column each.
// Weights: DIR/test-3-LAYER.npy ([groups,] heads, queries, keys), or DIR/test-3-LAYER.csv. JSON: all in
// DIR/test-3.json.
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "support/json.h"
#include "support/memory.h"
#include "support/paths.h"
#include "support/say.h"

// Sizes of the weights with their names, ([groups,] heads, queries, keys); returns how many.
static int shape_of(const fv_attention_weights *layer, int shape[4], const char *names[4]) {
    const int sizes[4] = {layer->groups, layer->heads, layer->queries, layer->keys};
    const char *const words[4] = {"group", "head", layer->slots ? "token" : "query", layer->slots ? "slot" : "key"};
    int rank = layer->groups > 1 ? 4 : 3;
    for (int i = 0; i < rank; i++) {
        shape[i] = sizes[4 - rank + i];
        names[i] = words[4 - rank + i];
    }
    return rank;
}

static size_t product(const int *shape, int rank) {
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        count *= (size_t)shape[i];
    }
    return count;
}

// A file for the current image, with a name in it (NULL: none), that cli_output_close completes. Returns the exit code.
typedef struct target {
    char *path;
    cli_output output;
} target;

static int open_target(cli_explanation *now, const char *name, target *out) {
    char *suffix = cli_format("%s%s.%s", name ? "-" : "", name ? name : "", now->options->format);
    out->path = cli_explain_path(now, suffix);
    free(suffix);
    const int code = cli_output_open(out->path, &out->output);
    if (code != CLI_OK) {
        free(out->path);
    }
    return code;
}

static int close_target(target *out) {
    const int code = cli_output_close(&out->output);
    free(out->path);
    return code;
}

// --- NPY and CSV

// One line for each weight: the indices, then the value.
static void write_weights_csv(const fv_attention_weights *layer, FILE *out) {
    int shape[4], at[4] = {0};
    const char *names[4];
    const int rank = shape_of(layer, shape, names);
    for (int i = 0; i < rank; i++) {
        fprintf(out, "%s,", names[i]);
    }
    fputs("weight\n", out);
    for (size_t n = 0, count = product(shape, rank); n < count; n++) {
        size_t rest = n;
        for (int i = rank - 1; i >= 0; i--) {
            at[i] = (int)(rest % (size_t)shape[i]);
            rest /= (size_t)shape[i];
        }
        for (int i = 0; i < rank; i++) {
            fprintf(out, "%d,", at[i]);
        }
        fprintf(out, "%.9g\n", (double)layer->weights[n]);
    }
}

static void write_npy(const float *values, const int *sizes, int rank, FILE *out) {
    size_t shape[4];
    uint8_t header[FV_NPY_HEADER];
    for (int i = 0; i < rank; i++) {
        shape[i] = (size_t)sizes[i];
    }
    fv_npy_header(header, shape, (size_t)rank);
    fwrite(header, 1, sizeof header, out);
    fwrite(values, sizeof *values, product(sizes, rank), out);
}

static int write_weights(cli_explanation *now, const fv_attention_weights *layer) {
    int shape[4];
    const char *names[4];
    target out;
    const int rank = shape_of(layer, shape, names);
    CLI_TRY(open_target(now, layer->layer, &out));
    if (strcmp(now->options->format, "npy") == 0) {
        write_npy(layer->weights, shape, rank, out.output.stream);
    } else {
        write_weights_csv(layer, out.output.stream);
    }
    return close_target(&out);
}

// One line for each pixel, a column for each map.
static int write_maps_csv(cli_explanation *now) {
    const int width = now->model->width;
    target out;
    CLI_TRY(open_target(now, NULL, &out));
    FILE *stream = out.output.stream;
    fputs("row,column", stream);
    for (int i = 0; i < now->map_count; i++) {
        fprintf(stream, ",%s", now->maps[i].word);
    }
    for (int p = 0; p < now->model->height * width; p++) {
        fprintf(stream, "\n%d,%d", p / width, p % width);
        for (int i = 0; i < now->map_count; i++) {
            fprintf(stream, ",%.9g", (double)now->maps[i].values[p]);
        }
    }
    fputc('\n', stream);
    return close_target(&out);
}

// One file for each map.
static int write_maps_npy(cli_explanation *now) {
    const int shape[2] = {now->model->height, now->model->width};
    for (int i = 0; i < now->map_count; i++) {
        target out;
        CLI_TRY(open_target(now, now->maps[i].word, &out));
        write_npy(now->maps[i].values, shape, 2, out.output.stream);
        CLI_TRY(close_target(&out));
    }
    return CLI_OK;
}

// --- JSON

static json_t *numbers(const float *values, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, cli_json_number((double)values[i]));
    }
    return list;
}

// Where the tokens are: "before" have no place, then rows * columns from "origin" on, "step" apart, in pixels.
static json_t *places_json(const fv_attention_weights *layer) {
    return layer->rows == 0
               ? json_null()
               : json_pack("{s:i, s:i, s:i, s:[f,f], s:[f,f], s:[f,f]}", "before", layer->before, "rows", layer->rows,
                           "columns", layer->columns, "origin", layer->origin[0], layer->origin[1], "step",
                           layer->step[0], layer->step[1], "field", layer->field[0], layer->field[1]);
}

static json_t *weights_json(const fv_attention_weights *layer) {
    int shape[4];
    const char *names[4];
    const int rank = shape_of(layer, shape, names);
    const cli_shape sizes = cli_shape_of(rank, shape);
    json_t *axes = json_array();
    for (int i = 0; i < rank; i++) {
        json_array_append_new(axes, json_string(names[i]));
    }
    return json_pack("{s:s, s:o, s:o, s:b, s:o, s:o}", "layer", layer->layer, "axes", axes, "shape",
                     cli_json_shape(&sizes), "residual", (int)layer->residual, "tokens", places_json(layer), "weights",
                     numbers(layer->weights, product(shape, rank)));
}

static json_t *maps_json(const cli_explanation *now) {
    const fv_model_info *model = now->model;
    json_t *maps = json_object();
    for (int i = 0; i < now->map_count; i++) {
        const cli_explain_map *map = &now->maps[i];
        json_t *entry = json_pack("{s:[i,i], s:o}", "shape", model->height, model->width, "values",
                                  numbers(map->values, (size_t)model->height * (size_t)model->width));
        if (now->options->faithfulness) {
            json_object_set_new(entry, "deletion", numbers(map->faithfulness.deleted, FV_FAITHFULNESS_POINTS));
            json_object_set_new(entry, "insertion", numbers(map->faithfulness.inserted, FV_FAITHFULNESS_POINTS));
        }
        json_object_set_new(maps, map->word, entry);
    }
    return maps;
}

static int write_json(cli_explanation *now, json_t *content) {
    const fv_explained *seen = fv_explainer_get_result(now->explainer);
    const char *const *names = now->model->class_names;
    json_t *root = cli_explain_image_json(now);
    target out;
    int code;
    json_object_update_new(root, json_pack("{s:s, s:s, s:o}", "predicted", names[seen->predicted], "explained",
                                           names[seen->target], now->map_count ? "maps" : "attention", content));
    CLI_TRY_OR_DONE(open_target(now, NULL, &out));
    json_dumpf(root, out.output.stream, JSON_COMPACT | JSON_REAL_PRECISION(9));
    code = close_target(&out);
done:
    json_decref(root);
    return code;
}

// --- What is asked for

static int write_layers(cli_explanation *now, bool slots) {
    const bool json = strcmp(now->options->format, "json") == 0;
    const int layers = fv_explainer_get_result(now->explainer)->layers;
    json_t *list = json_array();
    int written = 0, code = CLI_OK;
    for (int i = 0; i < layers; i++) {
        const fv_attention_weights *layer = fv_explainer_get_attention(now->explainer, i);
        if ((now->choice.layer >= 0 && now->choice.layer != i) || layer->slots != slots) {
            continue;
        }
        written++;
        if (json) {
            json_array_append_new(list, weights_json(layer));
        } else {
            CLI_TRY_OR_DONE(write_weights(now, layer));
        }
    }
    if (!written) {
        cli_say("no attention layer asked for %s",
                slots ? "has memory slots: use --method attention" : "attends to tokens: use --method slots");
        code = CLI_FAILED;
    } else if (json) {
        return write_json(now, list);
    }
done:
    json_decref(list);
    return code;
}

int cli_explain_write(cli_explanation *now) {
    if (now->method && now->method->kind != CLI_EXPLAIN_MAP) {
        return write_layers(now, now->method->kind == CLI_EXPLAIN_SLOTS);
    }
    if (strcmp(now->options->format, "json") == 0) {
        return write_json(now, maps_json(now));
    }
    return strcmp(now->options->format, "csv") == 0 ? write_maps_csv(now) : write_maps_npy(now);
}
