// SPDX-License-Identifier: Apache-2.0
#include "model/layer_table.h"

#include <string.h>

#include "base/memory.h"

// A node of the layer carries its name, a weight "name/...".
static bool belongs(const fv__node *node, const fv__layer_entry *layer) {
    size_t length = strlen(layer->name);
    return !strncmp(node->name, layer->name, length) && (!node->name[length] || node->name[length] == '/');
}

static void add_node(const fv_model *model, const fv__node *node, fv_layer_info *row) {
    if (node->parameter >= 0) {
        row->parameters += model->graph.parameters[node->parameter].count;
        return;
    }
    row->multiply_adds += fv__node_multiply_adds(node);
    row->activation_bytes += node->op->view ? 0 : fv__shape_elements(&node->view.output) * sizeof(float);
}

// Nodes follow the order of the layers, but a layer with layers inside may add nodes after them.
static void share_out_nodes(const fv_model *model, fv_layer_info *rows) {
    int current = -1;
    for (int n = 0; n < model->graph.node_count; n++) {
        const fv__node *node = &model->graph.nodes[n];
        while (current + 1 < model->layer_count && model->layers[current + 1].first_node <= n) {
            current++;
        }
        int owner = current;
        while (owner >= 0 && !belongs(node, &model->layers[owner])) {
            owner--;
        }
        if (owner >= 0) {
            add_node(model, node, &rows[owner]);
        }
    }
}

fv_status fv__layer_table_create(const fv_model *model, fv_layer_info **out, fv_error *error) {
    fv_layer_info *rows = *out = fv__alloc_array((size_t)model->layer_count + 1, sizeof *rows);
    if (!rows) {
        return fv__fail_memory(error, "the table of layers");
    }
    for (int i = 0; i < model->layer_count; i++) {
        const fv__layer_entry *layer = &model->layers[i];
        const fv__shape *shape = fv__graph_shape(&model->graph, layer->output);
        rows[i] =
            (fv_layer_info){.name = layer->name, .kind = layer->type->name, .depth = layer->depth, .rank = shape->rank};
        memcpy(rows[i].shape, shape->size, sizeof shape->size);
    }
    share_out_nodes(model, rows);
    return FV_OK;
}
