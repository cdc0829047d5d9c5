// Numbers of `fovea explain`. Maps: DIR/test-3-METHOD.npy (height, width) each, or DIR/test-3.csv with a column each.
// Weights: DIR/test-3-LAYER.npy ([groups,] heads, queries, keys), or DIR/test-3-LAYER.csv. JSON: all in
// DIR/test-3.json.
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "explain.h"
#include "formats/file.h"
#include "formats/npy.h"
#include "support/json.h"

// A path with a name in it; NULL when out of memory.
static char *path_for(cli_explanation *now, const char *name, const char *ending) {
    char *suffix = fv__format("-%s.%s", name, ending);
    char *path = suffix ? cli_explain_path(now, suffix) : NULL;
    fv__free(suffix);
    return path;
}

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

// --- NPY and CSV

// One line a weight: the indices, then the value.
static fv_status write_weights_csv(const char *path, const fv_attention_weights *layer, fv_error *error) {
    int shape[4], at[4] = {0};
    const char *names[4];
    int rank = shape_of(layer, shape, names);
    fv__writer *writer;
    fv_status status = fv__writer_open(path, &writer, error);
    if (status) {
        return status;
    }
    for (int i = 0; i < rank; i++) {
        (void)fv__writer_print(writer, NULL, "%s,", names[i]); // the commit tells of a failure
    }
    (void)fv__writer_print(writer, NULL, "weight\n");
    for (size_t n = 0, count = product(shape, rank); n < count; n++) {
        size_t rest = n;
        for (int i = rank - 1; i >= 0; i--) {
            at[i] = (int)(rest % (size_t)shape[i]);
            rest /= (size_t)shape[i];
        }
        for (int i = 0; i < rank; i++) {
            (void)fv__writer_print(writer, NULL, "%d,", at[i]);
        }
        (void)fv__writer_print(writer, NULL, "%.9g\n", (double)layer->weights[n]);
    }
    return fv__writer_commit(writer, error);
}

static fv_status write_maps_csv(const cli_explanation *now, const char *path, fv_error *error) {
    fv_model_info model = *fv_model_get_info(now->subject.model);
    fv__writer *writer;
    fv_status status = fv__writer_open(path, &writer, error);
    if (status) {
        return status;
    }
    (void)fv__writer_print(writer, NULL, "row,column");
    for (int i = 0; i < now->map_count; i++) {
        (void)fv__writer_print(writer, NULL, ",%s", now->maps[i].word);
    }
    for (int p = 0; p < model.height * model.width; p++) {
        (void)fv__writer_print(writer, NULL, "\n%d,%d", p / model.width, p % model.width);
        for (int i = 0; i < now->map_count; i++) {
            (void)fv__writer_print(writer, NULL, ",%.9g", (double)now->maps[i].values[p]);
        }
    }
    (void)fv__writer_print(writer, NULL, "\n");
    return fv__writer_commit(writer, error);
}

static fv_status write_npy(const char *path, const float *values, const int *sizes, int rank, fv_error *error) {
    size_t shape[4];
    uint8_t header[FV__NPY_HEADER];
    fv__writer *writer;
    for (int i = 0; i < rank; i++) {
        shape[i] = (size_t)sizes[i];
    }
    fv__npy_header(header, shape, (size_t)rank);
    fv_status status = fv__writer_open(path, &writer, error);
    if (status) {
        return status;
    }
    (void)fv__writer_append(writer, header, sizeof header, NULL); // the commit tells of a failure
    (void)fv__writer_append(writer, values, product(sizes, rank) * sizeof *values, NULL);
    return fv__writer_commit(writer, error);
}

static int write_weights(cli_explanation *now, const fv_attention_weights *layer) {
    int shape[4];
    const char *names[4];
    fv_error error;
    char *path = path_for(now, layer->layer, now->format);
    if (!path) {
        return cli_fail_memory();
    }
    int rank = shape_of(layer, shape, names);
    fv_status status = strcmp(now->format, "npy") == 0 ? write_npy(path, layer->weights, shape, rank, &error)
                                                       : write_weights_csv(path, layer, &error);
    fv__free(path);
    return status ? cli_fail(&error) : CLI_OK;
}

static int write_maps(cli_explanation *now) {
    fv_model_info model = *fv_model_get_info(now->subject.model);
    const int shape[2] = {model.height, model.width};
    bool csv = strcmp(now->format, "csv") == 0;
    fv_status status = FV_OK;
    fv_error error;
    for (int i = 0; i < (csv ? 1 : now->map_count) && !status; i++) {
        char *path = csv ? cli_explain_path(now, ".csv") : path_for(now, now->maps[i].word, "npy");
        if (!path) {
            return cli_fail_memory();
        }
        status = csv ? write_maps_csv(now, path, &error) : write_npy(path, now->maps[i].values, shape, 2, &error);
        fv__free(path);
    }
    return status ? cli_fail(&error) : CLI_OK;
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
    int rank = shape_of(layer, shape, names);
    json_t *sizes = json_array(), *axes = json_array();
    for (int i = 0; i < rank; i++) {
        json_array_append_new(sizes, json_integer(shape[i]));
        json_array_append_new(axes, json_string(names[i]));
    }
    return json_pack("{s:s, s:o, s:o, s:b, s:o, s:o}", "layer", layer->layer, "axes", axes, "shape", sizes, "residual",
                     (int)layer->residual, "tokens", places_json(layer), "weights",
                     numbers(layer->weights, product(shape, rank)));
}

static json_t *maps_json(const cli_explanation *now) {
    fv_model_info model = *fv_model_get_info(now->subject.model);
    json_t *maps = json_object();
    for (int i = 0; i < now->map_count; i++) {
        const cli_explain_map *map = &now->maps[i];
        json_t *entry = json_pack("{s:[i,i], s:o}", "shape", model.height, model.width, "values",
                                  numbers(map->values, (size_t)model.height * (size_t)model.width));
        if (now->options->faithfulness) {
            json_object_set_new(entry, "deletion", numbers(map->faithfulness.deleted, FV_FAITHFULNESS_POINTS));
            json_object_set_new(entry, "insertion", numbers(map->faithfulness.inserted, FV_FAITHFULNESS_POINTS));
        }
        json_object_set_new(maps, map->word, entry);
    }
    return maps;
}

static int write_json(cli_explanation *now, json_t *content) {
    fv_error error;
    fv_explained seen = *fv_explainer_get_result(now->explainer);
    fv_model_info model = *fv_model_get_info(now->subject.model);
    json_t *root = cli_explain_image_json(now);
    json_object_update_new(root,
                           json_pack("{s:s, s:s, s:o}", "predicted", model.class_names[seen.predicted], "explained",
                                     model.class_names[seen.target], now->map_count ? "maps" : "attention", content));
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    char *path = cli_explain_path(now, ".json");
    int code = text && path ? CLI_OK : cli_fail_memory();
    if (code == CLI_OK && fv__file_write(path, text, strlen(text), &error) != FV_OK) {
        code = cli_fail(&error);
    }
    json_decref(root);
    free(text);
    fv__free(path);
    return code;
}

// --- What is asked for

int cli_explain_write(cli_explanation *now) {
    bool json = strcmp(now->format, "json") == 0;
    if (!now->method || now->method->kind == CLI_EXPLAIN_MAP) {
        return json ? write_json(now, maps_json(now)) : write_maps(now);
    }
    int layers = fv_explainer_get_result(now->explainer)->layers, code = CLI_OK, written = 0;
    json_t *list = json ? json_array() : NULL;
    for (int i = 0; i < layers && code == CLI_OK; i++) {
        fv_attention_weights layer = *fv_explainer_get_attention(now->explainer, i);
        if ((now->choice.layer >= 0 && now->choice.layer != i) ||
            layer.slots != (now->method->kind == CLI_EXPLAIN_SLOTS)) {
            continue;
        }
        written++;
        if (json) {
            json_array_append_new(list, weights_json(&layer));
        } else {
            code = write_weights(now, &layer);
        }
    }
    if (!written) {
        cli_say("no attention layer asked for %s", now->method->kind == CLI_EXPLAIN_SLOTS
                                                       ? "has memory slots: use --method attention"
                                                       : "attends to tokens: use --method slots");
        code = CLI_FAILED;
    }
    if (code == CLI_OK && json) {
        return write_json(now, list);
    }
    json_decref(list);
    return code;
}
