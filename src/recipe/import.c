// SPDX-License-Identifier: Apache-2.0
// Import as the public API has it: a file of weights, the rules that name its arrays, and what fits the model.
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "model/import.h"
#include "recipe/pretrained.h"

// --- Files of weights

struct fv_weights {
    fv_weights_info info;
    fv__weights read;
    char *path;
    fv_weight_array *arrays; // (read.count): what is given out
};

static bool is_finite(const fv__weight_array *array) {
    for (size_t i = 0; i < array->count; i++) {
        if (!isfinite(array->values[i])) {
            return false;
        }
    }
    return true;
}

static fv_status describe(fv_weights *weights, fv_error *error) {
    const int count = weights->read.count;
    weights->arrays = fv__alloc_array((size_t)count + 1, sizeof *weights->arrays);
    if (!weights->arrays) {
        return fv__fail_memory(error, "the weights");
    }
    weights->info = (fv_weights_info){.path = weights->path, .arrays = weights->arrays, .count = count};
    for (int i = 0; i < count; i++) {
        const fv__weight_array *array = &weights->read.arrays[i];
        weights->arrays[i] = (fv_weight_array){.name = array->name,
                                               .other_name = array->other,
                                               .rank = array->rank,
                                               .count = array->count,
                                               .values = array->values,
                                               .finite = is_finite(array)};
        memcpy(weights->arrays[i].shape, array->shape, sizeof array->shape);
    }
    return FV_OK;
}

fv_status fv_weights_open(const char *from, fv_weights **out, fv_error *error) {
    *out = NULL;
    fv_status status = FV_OK;
    fv_weights *weights = fv__alloc(sizeof *weights);
    FV__TRY_OR_DONE(weights ? FV_OK : fv__fail_memory(error, "the weights"));
    FV__TRY_OR_DONE(fv__pretrained_read(from, &weights->read, &weights->path, error));
    FV__TRY_OR_DONE(describe(weights, error));
    *out = weights;
    weights = NULL;
done:
    fv_weights_free(weights);
    return status;
}

void fv_weights_free(fv_weights *weights) {
    if (weights) {
        fv__weights_free(&weights->read);
        fv__free(weights->path);
        fv__free(weights->arrays);
        fv__free(weights);
    }
}

const fv_weights_info *fv_weights_get_info(const fv_weights *weights) {
    return &weights->info;
}

// --- What fits a model

struct fv_import {
    fv_import_info info;
    fv_model *model;
    fv_weights *weights;
    fv__import found;
    fv_import_row *rows; // (wanted)
    const fv_weight_array **left_over;
    char (*reasons)[FV__IMPORT_REASON];
};

// In the order of fv__import_fit.
static const char *const fits[] = {"unwanted", "matched", "missing", "ambiguous", "shape", "not finite"};

static fv_status match(fv_import *import, const fv_import_options *options, fv_error *error) {
    fv__weights *weights = &import->weights->read;
    for (int i = 0; i < options->map_count; i++) {
        const char *map = options->maps[i];
        FV__TRY(strchr(map, '=') ? fv__weights_map(weights, map, error) : fv__weights_map_file(weights, map, error));
    }
    FV__TRY(fv__weights_turn(weights, error));
    return fv__import_match(import->model, weights, options->layer, &import->found, error);
}

static void add_row(fv_import *import, int p) {
    const fv__parameter *parameter = &import->model->graph.parameters[p];
    const fv__import_row *found = &import->found.rows[p];
    const fv__weights *weights = &import->weights->read;
    fv_import_row *row = &import->rows[import->info.row_count];
    char *reason = import->reasons[import->info.row_count++];
    *row = (fv_import_row){.weight = parameter->name,
                           .rank = parameter->shape.rank,
                           .matched = found->fit == FV__IMPORT_MATCHED,
                           .fit = fits[found->fit],
                           .array = found->array >= 0 ? weights->arrays[found->array].name : NULL,
                           .reason = fv__import_reason(weights, found, reason)};
    memcpy(row->shape, parameter->shape.size, sizeof row->shape);
}

static fv_status list(fv_import *import, fv_error *error) {
    const fv__graph *graph = &import->model->graph;
    const fv__weights *weights = &import->weights->read;
    const size_t parameters = (size_t)graph->parameter_count;
    import->rows = fv__alloc_array(parameters + 1, sizeof *import->rows);
    import->reasons = fv__alloc_array(parameters + 1, sizeof *import->reasons);
    import->left_over = fv__alloc_array((size_t)weights->count + 1, sizeof *import->left_over);
    if (!import->rows || !import->reasons || !import->left_over) {
        return fv__fail_memory(error, "the import");
    }
    import->info = (fv_import_info){.path = import->weights->path,
                                    .rows = import->rows,
                                    .matched = import->found.matched,
                                    .left_over = import->left_over};
    for (int p = 0; p < graph->parameter_count; p++) {
        if (import->found.rows[p].fit != FV__IMPORT_UNWANTED) {
            add_row(import, p);
        }
    }
    for (int a = 0; a < weights->count; a++) {
        if (!import->found.used[a]) {
            import->left_over[import->info.left_over_count++] = &import->weights->arrays[a];
        }
    }
    return FV_OK;
}

fv_status fv_import_create(fv_model *model, const char *from, const fv_import_options *options, fv_import **out,
                           fv_error *error) {
    *out = NULL;
    FV__TAKE(fv_import_options, options, error);
    fv_status status = FV_OK;
    fv_import *import = fv__alloc(sizeof *import);
    FV__TRY_OR_DONE(import ? FV_OK : fv__fail_memory(error, "the import"));
    import->model = model;
    FV__TRY_OR_DONE(fv_weights_open(from, &import->weights, error));
    FV__TRY_OR_DONE(match(import, &own, error));
    FV__TRY_OR_DONE(list(import, error));
    *out = import;
    import = NULL;
done:
    fv_import_free(import);
    return status;
}

void fv_import_free(fv_import *import) {
    if (import) {
        fv__import_free(&import->found);
        fv_weights_free(import->weights);
        fv__free(import->rows);
        fv__free(import->reasons);
        fv__free(import->left_over);
        fv__free(import);
    }
}

const fv_import_info *fv_import_get_info(const fv_import *import) {
    return &import->info;
}

fv_status fv_import_apply(fv_import *import, bool partial, fv_error *error) {
    const fv__weights *weights = &import->weights->read;
    if (!partial) {
        FV__TRY(fv__import_check(import->model, weights, &import->found, import->weights->path, error));
    }
    fv__import_apply(import->model, weights, &import->found);
    return FV_OK;
}

fv_status fv_model_read_classes(fv_model *model, const char *path, fv_error *error) {
    return fv__model_read_classes(model, path, error);
}

// --- Weights known by name

const fv_pretrained *fv_pretrained_get(size_t index) {
    return index < fv__pretrained_count() ? &fv__pretrained_at(index)->given : NULL;
}

fv_status fv_pretrained_locate(const char *name, bool headless, char **path, fv_error *error) {
    *path = NULL;
    const fv__pretrained *known = fv__pretrained_find(name, error);
    if (!known) {
        return FV_NOT_FOUND;
    }
    FV__TRY(fv__pretrained_locate(known, path, error));
    const char *slash = strrchr(*path, '/');
    if (!headless && strcmp(slash ? slash + 1 : *path, known->headless) == 0) {
        const fv_status status =
            fv__fail(error, FV_NOT_FOUND, "%s: these are the weights without the last layer", *path);
        fv__free(*path);
        *path = NULL;
        return status;
    }
    return FV_OK;
}

fv_status fv_pretrained_download(const char *name, const fv_pretrained_options *options, char **path, fv_error *error) {
    *path = NULL;
    FV__TAKE(fv_pretrained_options, options, error);
    const fv__pretrained *known = fv__pretrained_find(name, error);
    return known ? fv__pretrained_get(known, own.folder, own.on_event, own.context, path, error) : FV_NOT_FOUND;
}
