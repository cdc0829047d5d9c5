// SPDX-License-Identifier: Apache-2.0
#include "graph/graph.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

enum { WEIGHT_ALIGNMENT = 16 }; // floats: each weight starts on a cache line

void fv__graph_init(fv__graph *graph) {
    *graph = (fv__graph){0};
}

void fv__graph_free(fv__graph *graph) {
    for (int i = 0; i < graph->node_count; i++) {
        fv__free((void *)graph->nodes[i].view.attributes);
        fv__free(graph->nodes[i].name);
    }
    for (int i = 0; i < graph->parameter_count; i++) {
        fv__free(graph->parameters[i].name);
    }
    fv__free(graph->nodes);
    fv__free(graph->parameters);
    fv__graph_init(graph);
}

// A node whose weights are larger than what a nominal micro-batch brings along runs once over the whole batch.
static fv__cadence infer_cadence(const fv__node *node) {
    enum { NOMINAL_SAMPLES = 8, NOMINAL_CACHE = 256 * 1024 };
    size_t weights = 0, activations = fv__shape_elements(&node->view.output);
    bool step = true;
    for (int i = 0; i < node->view.input_count; i++) {
        size_t elements = fv__shape_elements(&node->view.inputs[i]);
        if (node->view.input_is_weight[i]) {
            weights += elements;
        } else {
            activations += elements;
            step = false;
        }
    }
    if (step && node->view.input_count > 0) {
        return FV__CADENCE_STEP;
    }
    bool heavy = weights * sizeof(float) > NOMINAL_CACHE && weights > NOMINAL_SAMPLES * activations;
    return node->op->tiles && heavy ? FV__CADENCE_BATCH : FV__CADENCE_SAMPLE;
}

static fv_status infer(fv__node *node, fv_error *error) {
    const fv_status status = node->op->infer(&node->view, error);
    return status ? fv__fail_in(error, status, "layer %s", node->name) : FV_OK;
}

fv_status fv__graph_add(fv__graph *graph, const char *name, const fv__op *op, const void *attributes, const int *inputs,
                        int input_count, int *index, fv_error *error) {
    fv__node node = {.op = op, .parameter = -1};
    fv_status status = FV_OK;
    node.view.input_count = input_count;
    node.view.id = (uint32_t)graph->node_count;
    for (int i = 0; i < input_count; i++) {
        const fv__node *input = &graph->nodes[inputs[i]];
        node.inputs[i] = inputs[i];
        node.view.inputs[i] = input->view.output;
        node.view.input_is_weight[i] = input->view.cadence == FV__CADENCE_STEP;
    }
    node.name = fv__strdup(name);
    void *copy = fv__alloc(op->attributes_size ? op->attributes_size : 1);
    node.view.attributes = copy;
    const bool fits =
        node.name && copy && fv__reserve((void **)&graph->nodes, graph->node_count, &graph->node_capacity, sizeof node);
    FV__TRY_OR_DONE(fits ? FV_OK : fv__fail_memory(error, "the graph"));
    if (op->attributes_size) {
        memcpy(copy, attributes, op->attributes_size);
    }
    FV__TRY_OR_DONE(infer(&node, error));
    node.view.cadence = infer_cadence(&node);
    *index = graph->node_count++;
    graph->nodes[*index] = node;
done:
    if (status) {
        fv__free(node.name);
        fv__free(copy);
    }
    return status;
}

fv_status fv__graph_add_input(fv__graph *graph, const char *name, const fv__shape *shape, int *node, fv_error *error) {
    return fv__graph_add(graph, name, &fv__op_input, shape, NULL, 0, node, error);
}

fv_status fv__graph_add_parameter(fv__graph *graph, const char *name, const fv__shape *shape,
                                  fv__initializer initializer, int *node, fv_error *error) {
    if (fv__graph_find_parameter(graph, name) >= 0) {
        return fv__fail(error, FV_INVALID, "two weights are called %s: give one of the layers another name", name);
    }
    if (!fv__reserve((void **)&graph->parameters, graph->parameter_count, &graph->parameter_capacity,
                     sizeof *graph->parameters)) {
        return fv__fail_memory(error, "the graph");
    }
    fv__parameter parameter = {.name = fv__strdup(name),
                               .shape = *shape,
                               .initializer = initializer,
                               .trainable = true,
                               .lr_factor = 1,
                               .offset = graph->weight_count,
                               .count = fv__shape_elements(shape)};
    if (!parameter.name) {
        return fv__fail_memory(error, "the graph");
    }
    fv_status status = fv__graph_add(graph, name, &fv__op_parameter, shape, NULL, 0, node, error);
    if (status) {
        fv__free(parameter.name);
        return status;
    }
    parameter.node = *node;
    graph->nodes[*node].view.cadence = FV__CADENCE_STEP;
    graph->nodes[*node].parameter = graph->parameter_count;
    graph->parameters[graph->parameter_count++] = parameter;
    graph->weight_count += (parameter.count + WEIGHT_ALIGNMENT - 1) / WEIGHT_ALIGNMENT * WEIGHT_ALIGNMENT;
    return FV_OK;
}

const fv__shape *fv__graph_shape(const fv__graph *graph, int node) {
    return &graph->nodes[node].view.output;
}

int fv__graph_find_parameter(const fv__graph *graph, const char *name) {
    for (int i = 0; i < graph->parameter_count; i++) {
        if (strcmp(graph->parameters[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

// Glorot's limit with Keras's fans: the last two sizes, times the receptive field of a convolution kernel.
static double glorot_limit(const fv__shape *shape) {
    if (shape->rank < 2) {
        double fan = shape->rank ? shape->size[0] : 1;
        return sqrt(6 / (2 * fan));
    }
    double field = 1;
    for (int i = 0; i < shape->rank - 2; i++) {
        field *= shape->size[i];
    }
    return sqrt(6 / (field * (shape->size[shape->rank - 2] + shape->size[shape->rank - 1])));
}

void fv__graph_initialize(const fv__graph *graph, uint64_t seed, float *weights) {
    memset(weights, 0, graph->weight_count * sizeof *weights);
    for (int i = 0; i < graph->parameter_count; i++) {
        const fv__parameter *parameter = &graph->parameters[i];
        float *values = weights + parameter->offset;
        fv__random random = fv__random_start(seed, FV__DRAW_INITIAL_WEIGHTS, (uint64_t)i);
        double limit = parameter->initializer == FV__INITIAL_GLOROT_UNIFORM ? glorot_limit(&parameter->shape) : 0.05;
        for (size_t j = 0; j < parameter->count; j++) {
            switch (parameter->initializer) {
            case FV__INITIAL_ZEROS:
                values[j] = 0;
                break;
            case FV__INITIAL_ONES:
                values[j] = 1;
                break;
            case FV__INITIAL_GLOROT_UNIFORM:
            case FV__INITIAL_UNIFORM_005:
                values[j] = (float)(limit * (2 * fv__random_uniform(&random) - 1));
                break;
            }
        }
    }
}

size_t fv__graph_count_parameters(const fv__graph *graph, bool trainable_only) {
    size_t count = 0;
    for (int i = 0; i < graph->parameter_count; i++) {
        count += graph->parameters[i].trainable || !trainable_only ? graph->parameters[i].count : 0;
    }
    return count;
}

double fv__node_multiply_adds(const fv__node *node) {
    return node->op->multiply_adds ? node->op->multiply_adds(&node->view) : 0;
}

double fv__graph_multiply_adds(const fv__graph *graph) {
    double sum = 0;
    for (int n = 0; n < graph->node_count; n++) {
        const fv__node *node = &graph->nodes[n];
        sum += node->view.cadence == FV__CADENCE_STEP ? 0 : fv__node_multiply_adds(node);
    }
    return sum;
}
