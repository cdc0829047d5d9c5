// SPDX-License-Identifier: Apache-2.0
// Weights of a model by name.
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "model/model.h"

size_t fv_model_get_weight_count(const fv_model *model) {
    return (size_t)model->graph.parameter_count;
}

fv_status fv_model_get_weight(const fv_model *model, size_t index, fv_weight_info *out, fv_error *error) {
    const fv__graph *graph = &model->graph;
    if (index >= (size_t)graph->parameter_count) {
        return fv__fail(error, FV_INVALID, "weight %zu asked for, but the model has %d", index, graph->parameter_count);
    }
    const fv__parameter *parameter = &graph->parameters[index];
    fv_weight_info info = {.size = out->size,
                           .name = parameter->name,
                           .rank = parameter->shape.rank,
                           .count = parameter->count,
                           .trainable = parameter->trainable};
    memcpy(info.shape, parameter->shape.size, sizeof info.shape);
    if (out->size < sizeof(size_t)) {
        return fv__fail(error, FV_INVALID, "fv_weight_info.size is not set");
    }
    memcpy(out, &info, out->size < sizeof info ? out->size : sizeof info);
    return FV_OK;
}

static fv_status find(const fv_model *model, const char *name, size_t count, const fv__parameter **out,
                      fv_error *error) {
    const fv__graph *graph = &model->graph;
    const int index = fv__graph_find_parameter(graph, name);
    if (index < 0) {
        char hint[400] = "";
        const char **names = fv__alloc_array((size_t)graph->parameter_count + 1, sizeof *names);
        for (int i = 0; names && i < graph->parameter_count; i++) {
            names[i] = graph->parameters[i].name;
        }
        if (names) {
            fv__suggest_name(hint, sizeof hint, name, names);
        }
        fv__free(names);
        return fv__fail(error, FV_NOT_FOUND, "the model has no weight '%.100s'; %s", name, hint);
    }
    *out = &graph->parameters[index];
    if ((*out)->count != count) {
        return fv__fail(error, FV_INVALID, "the weight %s %s has %zu values, not %zu", name,
                        fv__shape_print(&(*out)->shape).text, (*out)->count, count);
    }
    return FV_OK;
}

fv_status fv_model_read_weight(const fv_model *model, const char *name, float *values, size_t count, fv_error *error) {
    const fv__parameter *parameter;
    FV__TRY(find(model, name, count, &parameter, error));
    memcpy(values, model->weights + parameter->offset, count * sizeof *values);
    return FV_OK;
}

fv_status fv_model_write_weight(fv_model *model, const char *name, const float *values, size_t count, fv_error *error) {
    const fv__parameter *parameter;
    FV__TRY(find(model, name, count, &parameter, error));
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            return fv__fail(error, FV_NUMERIC, "value %zu for the weight %s is not finite", i, name);
        }
    }
    memcpy(model->weights + parameter->offset, values, count * sizeof *values);
    fv__model_weights_changed(model);
    return FV_OK;
}
