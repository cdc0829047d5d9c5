// SPDX-License-Identifier: Apache-2.0
// Cases that are one layer, built from its options as a recipe's layer is: the file's `in_kernel` is the weight
// "in/kernel" of the layer.
#include <stdio.h>
#include <string.h>

#include "golden.h"
#include "layers/layer.h"

// Gives every weight of the graph the tensor of the file that has its name.
static void bind_parameters(golden_case *golden) {
    for (int i = 0; i < golden->graph.parameter_count && !golden->status; i++) {
        const fv__parameter *parameter = &golden->graph.parameters[i];
        const char *own = strchr(parameter->name, '/');
        bool found = false;
        for (size_t t = 0; own && t < fv__safetensors_count(golden->file) && !found; t++) {
            const fv__tensor_entry *entry = fv__safetensors_entry(golden->file, t);
            const char *cut = strrchr(entry->name, '_');
            char name[128];
            if (!cut) {
                continue;
            }
            snprintf(name, sizeof name, "%.*s/%s", (int)(cut - entry->name), entry->name, cut + 1);
            found = strcmp(name, own + 1) == 0 && entry->bytes == parameter->count * sizeof(float);
            if (found && golden->binding_count < GOLDEN_BINDINGS) {
                golden->bindings[golden->binding_count++] = (binding){entry->name, parameter->node, NULL};
            }
        }
        if (!found) {
            golden_fail(golden, "the file has no tensor for the weight %s", parameter->name);
        }
    }
}

// Builds the layer that `text` describes on the file's `x`, and checks it.
static void check_layer(golden_case *golden, const char *text) {
    int x = golden_input(golden, "x"), output = -1;
    fv__builder builder = {.graph = &golden->graph};
    fv__document *document = NULL;
    if (!golden->status) {
        golden->status = fv__document_parse(text, strlen(text), "case", &document, &golden->error);
    }
    if (!golden->status) {
        golden->status = fv__layers_build(&builder, fv__document_root(document), x, &output, &golden->error);
    }
    for (int n = 0; n < golden->graph.node_count && golden_has(golden, "attention"); n++) {
        golden->attention = golden->graph.nodes[n].op == &fv__op_attention ? n : golden->attention;
    }
    bind_parameters(golden);
    golden_check(golden, output);
    fv__layer_entries_truncate(&builder.entries, &builder.entry_count, 0);
    fv__document_free(document);
}

static void run_patch_extract(golden_case *golden) {
    char text[64];
    snprintf(text, sizeof text, "[patches: {size: %d}]", golden_int(golden, "size", 1));
    check_layer(golden, text);
}

static const char *has_text(golden_case *golden, const char *name) {
    return golden_has(golden, name) ? "true" : "false";
}

// Columns of the kernel `name`, or `otherwise` where the file has none.
static int columns_of(golden_case *golden, const char *name, int axis, int otherwise) {
    return golden_has(golden, name) ? (int)golden_tensor(golden, name)->shape[axis] : otherwise;
}

// With the projections and biases that the file has weights for.
static void run_external_attention(golden_case *golden) {
    char text[320];
    const char *projections = golden_has(golden, "out_kernel")  ? "both"
                              : golden_has(golden, "in_kernel") ? "input"
                                                                : "none";
    snprintf(text, sizeof text,
             "[external_attention: {heads: %d, coefficient: %d, slots: %d, projections: %s, units: %d, bias: %s, "
             "memory_bias: %s}]",
             golden_int(golden, "heads", 1), golden_int(golden, "dim_coefficient", 4),
             columns_of(golden, "mk_kernel", 1, 0), projections, columns_of(golden, "out_kernel", 1, 0),
             has_text(golden, "in_bias"), has_text(golden, "mk_bias"));
    check_layer(golden, text);
}

static void run_keras_multi_head_attention(golden_case *golden) {
    char text[160];
    snprintf(text, sizeof text, "[multi_head_attention: {heads: %d, head_dim: %d, units: %d, bias: %s}]",
             golden_int(golden, "heads", 1), golden_int(golden, "key_dim", 1),
             columns_of(golden, "output_kernel", 2, 0), has_text(golden, "output_bias"));
    check_layer(golden, text);
}

static void run_double_norm(golden_case *golden) {
    int x = golden_input(golden, "x");
    golden_check(golden, golden_op(golden, &fv__op_double_norm, NULL, 1, &x));
}

const golden_kind golden_built_layers[] = {{"patch_extract", run_patch_extract},
                                           {"external_attention", run_external_attention},
                                           {"keras_multi_head_attention", run_keras_multi_head_attention},
                                           {"double_norm", run_double_norm},
                                           {0}};
