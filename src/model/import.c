// SPDX-License-Identifier: Apache-2.0
#include "model/import.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

typedef struct matching {
    const fv_model *model;
    const fv__weights *weights;
    int16_t *scores; // (parameters, arrays)
    bool other_first;
    fv__import *out;
} matching;

// The number of a parameter among those of its layer, or of its part of the layer.
static int number_in_layer(const fv__graph *graph, int parameter) {
    const char *name = graph->parameters[parameter].name;
    size_t prefix = (size_t)(strrchr(name, '/') + 1 - name);
    int number = 0;
    for (int p = 0; p < parameter; p++) {
        const char *before = graph->parameters[p].name;
        number += strncmp(before, name, prefix) == 0 && !strchr(before + prefix, '/');
    }
    return number;
}

// Two files of one model may name a layer differently and agree on its place, so either name may be the better guide:
// the one of the two that comes first counts more than any agreement with the other.
static int score(const matching *now, const char *ours, int index, const fv__weight_array *array) {
    enum { FIRST = 1 << 12 };
    if (array->mapped) { // somebody has said what it is
        int fit = fv__import_agreement(ours, index, array->mapped);
        return fit ? 2 * FIRST + fit : 0;
    }
    const char *first = now->other_first && array->other ? array->other : array->name;
    const char *second = now->other_first ? array->name : array->other ? array->other : array->name;
    int best = fv__import_agreement(ours, index, first);
    return best ? FIRST + best : fv__import_agreement(ours, index, second);
}

static void score_all(matching *now) {
    const fv__graph *graph = &now->model->graph;
    for (int p = 0; p < graph->parameter_count; p++) {
        int16_t *scores = now->scores + (size_t)p * (size_t)now->weights->count;
        int index = number_in_layer(graph, p);
        for (int a = 0; a < now->weights->count; a++) {
            scores[a] = now->out->rows[p].fit == FV__IMPORT_UNWANTED
                            ? 0
                            : (int16_t)score(now, graph->parameters[p].name, index, &now->weights->arrays[a]);
        }
    }
}

// The best score that a parameter has with an array, or an array with a parameter, that is still to be had.
static int best_of(const matching *now, int parameter, int array, int *which, int *times) {
    int count = parameter >= 0 ? now->weights->count : now->model->graph.parameter_count, best = 0;
    *times = 0;
    for (int i = 0; i < count; i++) {
        int p = parameter >= 0 ? parameter : i, a = parameter >= 0 ? i : array;
        int value = now->scores[(size_t)p * (size_t)now->weights->count + (size_t)a];
        bool open = !now->out->used[a] && now->out->rows[p].array < 0;
        if (open && value > best) {
            best = value;
            *which = i;
            *times = 0;
        }
        *times += open && value > 0 && value == best;
    }
    return best;
}

// Pairs whose best is each other are matched, until no more are: names that agree more go first.
static void pair_up(matching *now) {
    fv__import *out = now->out;
    for (bool again = true; again;) {
        again = false;
        for (int p = 0; p < now->model->graph.parameter_count; p++) {
            int a = -1, back = -1, times, back_times;
            fv__import_row *row = &out->rows[p];
            if (row->fit == FV__IMPORT_UNWANTED || row->array >= 0 || !best_of(now, p, -1, &a, &times)) {
                continue;
            }
            best_of(now, -1, a, &back, &back_times);
            if (times == 1 && back == p && back_times == 1) {
                row->array = a;
                row->fit = fv__import_compare(&now->model->graph.parameters[p], &now->weights->arrays[a]);
                out->used[a] = true;
                out->matched += row->fit == FV__IMPORT_MATCHED;
                again = true;
            }
        }
    }
}

// What is still open fits several, or nothing.
static void close_open(matching *now) {
    for (int p = 0; p < now->model->graph.parameter_count; p++) {
        fv__import_row *row = &now->out->rows[p];
        int a = -1, times;
        if (row->fit != FV__IMPORT_UNWANTED && row->array < 0 && best_of(now, p, -1, &a, &times)) {
            row->fit = FV__IMPORT_AMBIGUOUS;
            row->array = a;
        }
    }
}

static fv_status begin(const fv_model *model, const fv__weights *weights, const char *layer, fv__import *out,
                       fv_error *error) {
    int count = model->graph.parameter_count, first = 0, end = count;
    *out = (fv__import){.rows = fv__alloc_array((size_t)count + 1, sizeof *out->rows),
                        .used = fv__alloc_array((size_t)weights->count + 1, sizeof *out->used)};
    if (!out->rows || !out->used) {
        return fv__fail_memory(error, "the weights");
    }
    if (layer) {
        const char **names = fv__alloc_array((size_t)model->layer_count + 1, sizeof *names);
        if (!names) {
            return fv__fail_memory(error, "the weights");
        }
        end = 0;
        for (int i = 0; i < model->layer_count; i++) {
            const fv__layer_entry *entry = &model->layers[i];
            names[i] = entry->name;
            if (strcmp(entry->name, layer) == 0) {
                first = entry->first_parameter;
                end = first + entry->parameter_count;
            }
        }
        char known[512];
        fv__suggest_name(known, sizeof known, layer, names);
        fv__free(names);
        if (end == first) {
            return fv__fail(error, FV_INVALID, "the model has no layer '%.80s' with weights; %s", layer, known);
        }
    }
    for (int p = 0; p < count; p++) {
        bool wanted = p >= first && p < end;
        out->rows[p] = (fv__import_row){wanted ? FV__IMPORT_MISSING : FV__IMPORT_UNWANTED, -1};
        out->wanted += wanted;
    }
    return FV_OK;
}

static fv_status try(const fv_model *model, const fv__weights *weights, const char *layer, bool other_first,
                     fv__import *out, fv_error *error) {
    matching now = {.model = model, .weights = weights, .other_first = other_first, .out = out};
    fv_status status = begin(model, weights, layer, out, error);
    if (!status) {
        now.scores =
            fv__alloc_array((size_t)model->graph.parameter_count * (size_t)weights->count + 1, sizeof *now.scores);
        status = now.scores ? FV_OK : fv__fail_memory(error, "the weights");
    }
    if (!status) {
        score_all(&now);
        pair_up(&now);
        close_open(&now);
    }
    fv__free(now.scores);
    return status;
}

fv_status fv__import_match(const fv_model *model, const fv__weights *weights, const char *layer, fv__import *out,
                           fv_error *error) {
    fv_status status = try(model, weights, layer, false, out, error);
    if (!status && out->matched < out->wanted) {
        fv__import second;
        status = try(model, weights, layer, true, &second, error);
        bool better = !status && second.matched > out->matched;
        fv__import worse = better ? *out : second;
        *out = better ? second : *out;
        fv__import_free(&worse);
    }
    if (status) {
        fv__import_free(out);
    }
    return status;
}

void fv__import_free(fv__import *import) {
    fv__free(import->rows);
    fv__free(import->used);
    *import = (fv__import){0};
}

// --- What came of it

const char *fv__import_reason(const fv__weights *weights, const fv__import_row *row, char text[FV__IMPORT_REASON]) {
    const fv__weight_array *array = row->array >= 0 ? &weights->arrays[row->array] : NULL;
    const char *name = array ? array->name : "";
    switch (row->fit) {
    case FV__IMPORT_UNWANTED:
        snprintf(text, FV__IMPORT_REASON, "of another layer");
        break;
    case FV__IMPORT_MATCHED:
        snprintf(text, FV__IMPORT_REASON, "%s %s", name, fv__weight_shape_print(array).text);
        break;
    case FV__IMPORT_MISSING:
        snprintf(text, FV__IMPORT_REASON, "not in the file");
        break;
    case FV__IMPORT_AMBIGUOUS:
        snprintf(text, FV__IMPORT_REASON, "%s might be it, and so might others; map it by its name", name);
        break;
    case FV__IMPORT_SHAPE:
        snprintf(text, FV__IMPORT_REASON, "the file has %s %s", name, fv__weight_shape_print(array).text);
        break;
    case FV__IMPORT_NOT_FINITE:
        snprintf(text, FV__IMPORT_REASON, "%s has values that are not finite", name);
        break;
    }
    return text;
}

fv_status fv__import_check(const fv_model *model, const fv__weights *weights, const fv__import *import,
                           const char *path, fv_error *error) {
    for (int p = 0; p < model->graph.parameter_count; p++) {
        const fv__import_row *row = &import->rows[p];
        char reason[FV__IMPORT_REASON];
        if (row->fit != FV__IMPORT_MATCHED && row->fit != FV__IMPORT_UNWANTED) {
            const fv__parameter *parameter = &model->graph.parameters[p];
            return fv__fail(error, FV_FORMAT, "%s: %d of %d weights do not fit: %s %s: %s", path,
                            import->wanted - import->matched, import->wanted, parameter->name,
                            fv__shape_print(&parameter->shape).text, fv__import_reason(weights, row, reason));
        }
    }
    return FV_OK;
}

void fv__import_apply(fv_model *model, const fv__weights *weights, const fv__import *import) {
    for (int p = 0; p < model->graph.parameter_count; p++) {
        const fv__parameter *parameter = &model->graph.parameters[p];
        if (import->rows[p].fit == FV__IMPORT_MATCHED) {
            memcpy(model->weights + parameter->offset, weights->arrays[import->rows[p].array].values,
                   parameter->count * sizeof(float));
        }
    }
    fv__model_weights_changed(model);
}
