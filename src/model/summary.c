#include "model/summary.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

// A node of the layer carries its name, a weight "name/...".
static bool belongs(const fv__node *node, const fv__layer_entry *layer) {
    size_t length = strlen(layer->name);
    return !strncmp(node->name, layer->name, length) && (!node->name[length] || node->name[length] == '/');
}

static void add_node(const fv_model *model, const fv__node *node, fv__summary_row *row) {
    if (node->parameter >= 0) {
        row->parameters += model->graph.parameters[node->parameter].count;
        return;
    }
    row->multiply_adds += node->op->multiply_adds ? node->op->multiply_adds(&node->view) : 0;
    row->activation_bytes += node->op->view ? 0 : fv__shape_elements(&node->view.output) * sizeof(float);
}

// Nodes follow the order of the layers, but a layer with layers inside may add nodes after them.
static void share_out_nodes(const fv_model *model, fv__summary *summary) {
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
            add_node(model, node, &summary->rows[owner]);
        }
    }
}

fv_status fv__summary_create(const fv_model *model, fv__summary *out, fv_error *error) {
    *out = (fv__summary){.row_count = model->layer_count,
                         .parameters = fv__graph_count_parameters(&model->graph, false),
                         .trainable = fv__graph_count_parameters(&model->graph, true)};
    out->frozen = out->parameters - out->trainable;
    out->rows = fv__alloc_array((size_t)model->layer_count, sizeof *out->rows);
    if (!out->rows) {
        return fv__fail_memory(error, "the summary");
    }
    for (int i = 0; i < model->layer_count; i++) {
        const fv__layer_entry *layer = &model->layers[i];
        out->rows[i] = (fv__summary_row){.name = layer->name,
                                         .type = layer->type->name,
                                         .depth = layer->depth,
                                         .output = *fv__graph_shape(&model->graph, layer->output)};
    }
    share_out_nodes(model, out);
    for (int i = 0; i < out->row_count; i++) {
        out->multiply_adds += out->rows[i].multiply_adds;
        out->activation_bytes += out->rows[i].activation_bytes;
    }
    return FV_OK;
}

void fv__summary_free(fv__summary *summary) {
    fv__free(summary->rows);
    *summary = (fv__summary){0};
}

// --- Printing

enum { CELL = 96, COLUMNS = 5 };

// 1203978 as 1,203,978
static void print_count(char out[CELL], double number) {
    char digits[64];
    int length = snprintf(digits, sizeof digits, "%.0f", number), used = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) {
            out[used++] = ',';
        }
        out[used++] = digits[i];
    }
    out[used] = '\0';
}

static void print_bytes(char out[CELL], size_t bytes) {
    if (bytes < 1024) {
        snprintf(out, CELL, "%zu B", bytes);
    } else if (bytes < 1024 * 1024) {
        snprintf(out, CELL, "%.1f KB", (double)bytes / 1024);
    } else {
        snprintf(out, CELL, "%.1f MB", (double)bytes / (1024 * 1024));
    }
}

static void print_row(const fv__summary_row *row, char cells[COLUMNS][CELL]) {
    snprintf(cells[0], CELL, "%*s%.60s (%s)", 2 * (row->depth < 8 ? row->depth : 8), "", row->name, row->type);
    snprintf(cells[1], CELL, "%s", fv__shape_print(&row->output).text);
    print_count(cells[2], (double)row->parameters);
    print_count(cells[3], row->multiply_adds);
    print_bytes(cells[4], row->activation_bytes);
}

static void add_line(fv__text *out, char cells[COLUMNS][CELL], const int width[COLUMNS]) {
    for (int c = 0; c < COLUMNS; c++) { // text to the left, numbers to the right
        int end = c + 1 == COLUMNS;
        fv__text_addf(out, c < 2 ? "%-*s  " : end ? "%*s\n" : "%*s  ", width[c], cells[c]);
    }
}

static void add_rule(fv__text *out, const int width[COLUMNS]) {
    int length = 2 * (COLUMNS - 1);
    for (int c = 0; c < COLUMNS; c++) {
        length += width[c];
    }
    for (int i = 0; i < length; i++) {
        fv__text_add(out, "─");
    }
    fv__text_add(out, "\n");
}

static void add_totals(const fv__summary *summary, fv__text *out) {
    char count[CELL], bytes[CELL];
    const struct {
        const char *name;
        size_t count;
    } lines[] = {{"Parameters:   ", summary->parameters},
                 {"  trainable:  ", summary->trainable},
                 {"  frozen:     ", summary->frozen}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        print_count(count, (double)lines[i].count);
        print_bytes(bytes, lines[i].count * sizeof(float));
        fv__text_addf(out, "%s%s (%s)\n", lines[i].name, count, bytes);
    }
    print_count(count, summary->multiply_adds);
    print_bytes(bytes, summary->activation_bytes);
    fv__text_addf(out, "One image:    %s multiply-adds, %s of activations\n", count, bytes);
}

void fv__summary_print(const fv__summary *summary, fv__text *out) {
    char header[COLUMNS][CELL] = {"Layer (type)", "Output shape", "Params", "Multiply-adds", "Memory"};
    char cells[COLUMNS][CELL];
    int width[COLUMNS] = {0};
    for (int i = -1; i < summary->row_count; i++) {
        if (i >= 0) {
            print_row(&summary->rows[i], cells);
        }
        for (int c = 0; c < COLUMNS; c++) {
            int length = (int)strlen(i < 0 ? header[c] : cells[c]);
            width[c] = width[c] > length ? width[c] : length;
        }
    }
    add_line(out, header, width);
    add_rule(out, width);
    for (int i = 0; i < summary->row_count; i++) {
        print_row(&summary->rows[i], cells);
        add_line(out, cells, width);
    }
    add_rule(out, width);
    add_totals(summary, out);
}
