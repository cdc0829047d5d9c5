// SPDX-License-Identifier: Apache-2.0
// Rebuilding a reference case as a graph, running it, comparing.
#include "golden.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

void golden_fail(golden_case *golden, const char *format, ...) {
    if (golden->status) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(golden->error.message, sizeof golden->error.message, format, arguments);
    va_end(arguments);
    golden->status = FV_INVALID;
}

// The case asks for something there is no way to build.
void golden_skip(golden_case *golden, const char *format, ...) {
    if (golden->status) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(golden->error.message, sizeof golden->error.message, format, arguments);
    va_end(arguments);
    golden->status = FV_UNSUPPORTED;
}

const fv__tensor_entry *golden_tensor(golden_case *golden, const char *name) {
    const fv__tensor_entry *entry = golden->status ? NULL : fv__safetensors_find(golden->file, name);
    if (!entry) {
        golden_fail(golden, "the file has no tensor '%s'", name);
    }
    return entry;
}

int golden_has(golden_case *golden, const char *name) {
    return fv__safetensors_find(golden->file, name) != NULL;
}

const float *golden_floats(golden_case *golden, const char *name) {
    const fv__tensor_entry *entry = golden_tensor(golden, name);
    if (entry && entry->dtype != FV__F32) {
        golden_fail(golden, "tensor '%s' is not float32", name);
    }
    return golden->status ? NULL : entry->data;
}

int golden_int(golden_case *golden, const char *key, int otherwise) {
    const json_t *value = json_object_get(golden->config, key);
    return json_is_number(value) ? (int)json_number_value(value) : otherwise;
}

double golden_number(golden_case *golden, const char *key, double otherwise) {
    const json_t *value = json_object_get(golden->config, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

const char *golden_text(golden_case *golden, const char *key, const char *otherwise) {
    const json_t *value = json_object_get(golden->config, key);
    return json_is_string(value) ? json_string_value(value) : otherwise;
}

static fv__shape shape_from(const fv__tensor_entry *entry, int skip) {
    fv__shape shape = {.rank = entry->rank - skip};
    for (int i = skip; i < entry->rank; i++) {
        shape.size[i - skip] = (int)entry->shape[i];
    }
    return shape;
}

static void bind(golden_case *golden, const char *name, int node, float *values) {
    if (golden->binding_count == GOLDEN_BINDINGS) {
        golden_fail(golden, "too many tensors");
        return;
    }
    golden->bindings[golden->binding_count++] = (binding){name, node, values};
}

// Masks may lack the batch axis, or have 1 there: every sample then has the same. Integers become numbers.
double golden_value(const fv__tensor_entry *entry, size_t index) {
    switch (entry->dtype) {
    case FV__F32:
        return (double)((const float *)entry->data)[index];
    case FV__F64:
        return ((const double *)entry->data)[index];
    case FV__I32:
        return ((const int32_t *)entry->data)[index];
    case FV__I64:
        return (double)((const int64_t *)entry->data)[index];
    case FV__U8:
    case FV__BOOLEAN:
        return ((const uint8_t *)entry->data)[index];
    default:
        return NAN; // no case is made of others: whatever is compared with it fails
    }
}

static float *spread(golden_case *golden, const fv__tensor_entry *entry, size_t elements, bool same_for_all) {
    float *values = fv__alloc_array((size_t)golden->batch * elements, sizeof *values);
    for (size_t i = 0; values && i < (size_t)golden->batch * elements; i++) {
        size_t from = same_for_all ? i % elements : i;
        values[i] = (float)golden_value(entry, from);
    }
    return values;
}

int golden_input(golden_case *golden, const char *name) {
    const fv__tensor_entry *entry = golden_tensor(golden, name);
    if (!entry) {
        return -1;
    }
    bool mask = strcmp(name, "mask") == 0;
    if (!mask) {
        golden->batch = (int)entry->shape[0];
    }
    bool own_batch = !mask || (entry->rank == 4 && entry->shape[0] == golden->batch);
    fv__shape shape = shape_from(entry, own_batch || entry->rank == 4 ? 1 : 0);
    int node = -1;
    float *values = spread(golden, entry, fv__shape_elements(&shape), !own_batch);
    golden->status = fv__graph_add_input(&golden->graph, name, &shape, &node, &golden->error);
    if (!golden->status) {
        char gradient[64];
        snprintf(gradient, sizeof gradient, "d%s", name);
        golden->graph.nodes[node].wants_gradient = golden_has(golden, gradient);
    }
    bind(golden, name, node, values);
    return node;
}

int golden_weight(golden_case *golden, const char *name, const fv__shape *shape) {
    const fv__tensor_entry *entry = golden_tensor(golden, name);
    int node = -1;
    if (entry) {
        fv__shape own = shape ? *shape : shape_from(entry, 0);
        golden->status = fv__graph_add_parameter(&golden->graph, name, &own, FV__INITIAL_ZEROS, &node, &golden->error);
        bind(golden, name, node, NULL);
    }
    return node;
}

int golden_op(golden_case *golden, const fv__op *op, const void *attributes, int count, const int *inputs) {
    int node = -1;
    if (!golden->status) {
        golden->status = fv__graph_add(&golden->graph, op->name, op, attributes, inputs, count, &node, &golden->error);
    }
    return node;
}

void golden_compare(golden_case *golden, const char *what, const float *actual, const float *expected, size_t count,
                    double tolerance, double floor) {
    double largest = floor, difference = 0;
    for (size_t i = 0; i < count && !golden->status; i++) {
        largest = fmax(largest, fabs((double)expected[i]));
        if (!isfinite(actual[i])) {
            golden_fail(golden, "%s: value %zu is %g, expected %g", what, i, (double)actual[i], (double)expected[i]);
        }
        difference = fmax(difference, fabs((double)actual[i] - (double)expected[i]));
    }
    double allowed = tolerance * largest;
    golden->worst = fmax(golden->worst, allowed > 0 ? difference / allowed : 0);
    if (difference > allowed) {
        golden_fail(golden, "%s: off by %.2e where values reach %.2e (allowed %.0e of that)", what, difference, largest,
                    tolerance);
    }
}

static fv_status render(void *context, int input, int first, int count, int worker, float *out, fv_error *error) {
    const golden_case *golden = context;
    (void)worker;
    for (int i = 0; i < golden->binding_count; i++) {
        if (golden->bindings[i].node == input) {
            size_t elements = fv__shape_elements(fv__graph_shape(&golden->graph, input));
            memcpy(out, golden->bindings[i].values + (size_t)first * elements, (size_t)count * elements * sizeof *out);
            return FV_OK;
        }
    }
    error->status = FV_INVALID;
    return FV_INVALID;
}

double golden_gradient_scale(const golden_case *golden) {
    double largest = 0;
    for (size_t i = 0; i < fv__safetensors_count(golden->file); i++) {
        const fv__tensor_entry *entry = fv__safetensors_entry(golden->file, i);
        for (size_t j = 0; entry->name[0] == 'd' && entry->dtype == FV__F32 && j < entry->bytes / sizeof(float); j++) {
            largest = fmax(largest, fabs((double)((const float *)entry->data)[j]));
        }
    }
    return largest;
}

static void compare_all(golden_case *golden, fv__plan *plan, int output) {
    size_t elements = fv__shape_elements(fv__graph_shape(&golden->graph, output));
    golden_compare(golden, "y", fv__plan_value(plan, output), golden_floats(golden, "y"),
                   (size_t)golden->batch * elements, GOLDEN_FORWARD, 0);
    if (golden->attention >= 0) {
        const fv__tensor_entry *weights = golden_tensor(golden, "attention");
        golden_compare(golden, "attention", fv__plan_auxiliary(plan, golden->attention),
                       golden_floats(golden, "attention"), weights ? weights->bytes / sizeof(float) : 0, GOLDEN_FORWARD,
                       0);
    }
    double floor = 0.01 * golden_gradient_scale(golden);
    for (int i = 0; i < golden->binding_count && !golden->status; i++) {
        const binding *bound = &golden->bindings[i];
        char name[64];
        snprintf(name, sizeof name, "d%s", bound->name);
        if (!golden_has(golden, name)) {
            continue;
        }
        const fv__node *node = &golden->graph.nodes[bound->node];
        const float *gradient =
            node->parameter < 0 ? fv__plan_gradient(plan, bound->node)
                                : fv__plan_weight_gradients(plan) + golden->graph.parameters[node->parameter].offset;
        size_t count = fv__shape_elements(&node->view.output) * (node->parameter < 0 ? (size_t)golden->batch : 1);
        golden_compare(golden, name, gradient, golden_floats(golden, name), count, GOLDEN_GRADIENT, floor);
    }
}

void golden_check(golden_case *golden, int output) {
    bool backward = golden_has(golden, "dy");
    int root = output;
    if (backward && !golden->status) {
        int inputs[2] = {output, golden_input(golden, "dy")};
        root = golden_op(golden, &fv__op_dot, NULL, 2, inputs);
    }
    golden->weights = fv__alloc_array(golden->graph.weight_count + 1, sizeof(float));
    for (int i = 0; i < golden->binding_count && !golden->status; i++) {
        int parameter = golden->graph.nodes[golden->bindings[i].node].parameter;
        if (parameter >= 0) {
            memcpy(golden->weights + golden->graph.parameters[parameter].offset,
                   golden_floats(golden, golden->bindings[i].name),
                   golden->graph.parameters[parameter].count * sizeof(float));
        }
    }
    fv__plan *plan = NULL;
    fv__plan_options options = {.batch = golden->batch,
                                .training = true,
                                .backward = backward,
                                .root = root,
                                .kept = &output,
                                .kept_count = 1,
                                .auxiliary = &golden->attention,
                                .auxiliary_count = golden->attention >= 0};
    if (!golden->status) {
        golden->status = fv__plan_create(&golden->graph, golden->kernels, fv__pool_threads(golden->pool), &options,
                                         &plan, &golden->error);
    }
    if (!golden->status) {
        fv__feed feed = {.samples = golden->batch, .weights = golden->weights, .render = render, .context = golden};
        golden->status = fv__plan_run(plan, golden->pool, &feed, &golden->error);
    }
    if (!golden->status) {
        compare_all(golden, plan, output);
    }
    fv__plan_destroy(plan);
}
