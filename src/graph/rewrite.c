// The rules, and the walk that applies them: nodes are copied in order, and a rule changes how one of them is copied.
//
// max_pool2d(relu(x)) = relu(max_pool2d(x)), and so for any activation that never falls: moved behind the pooling it
// runs on fewer values, and the convolution's output need not be kept for its derivative.
//
// Linear layers with nothing between them are one (compose.c), and an average over tokens runs before them (average.c).
// Batch norms and activations behind linear layers become part of them (fold.c). Heads share keys and values (share.c).
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "graph/rewrite_internal.h"
#include "ops/convolution.h"
#include "ops/pooling.h"

bool fv__walk_is_private(const fv__walk *walk, int n) {
    return walk->uses[n] == 1 && !walk->wanted[n] && !walk->source->nodes[n].wants_gradient;
}

bool fv__walk_pays(const fv__walk *walk, double saved, double cost) {
    enum { LEAST_GAIN = 3 }; // times the cost, over the batch
    return saved * walk->batch > LEAST_GAIN * cost;
}

fv_status fv__walk_add(fv__walk *walk, const char *name, const fv__op *op, const void *attributes, const int *inputs,
                       int count, int *node, fv_error *error) {
    return fv__graph_add(&walk->out->graph, name, op, attributes, inputs, count, node, error);
}

void fv__walk_note(fv__walk *walk, int node, const char *format, ...) {
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    fv__text_addf(&walk->notes, "%d %s\n", node, what);
}

// The notes without their nodes, or with them but without those on nodes that are gone.
static fv__text copy_notes(const fv__walk *walk, const bool *gone) {
    fv__text copy = {.failed = walk->notes.failed};
    for (char *line = walk->notes.bytes; line && *line;) {
        char *what;
        const long node = strtol(line, &what, 10);
        const char *begin = gone ? line : what + 1;
        const size_t length = strcspn(line, "\n") + 1;
        if (!gone || node < 0 || !gone[node]) {
            fv__text_add_bytes(&copy, begin, length - (size_t)(begin - line));
        }
        line += length;
    }
    return copy;
}

void fv__walk_unnote(fv__walk *walk, const bool *gone) {
    fv__text left = copy_notes(walk, gone);
    fv__text_free(&walk->notes);
    walk->notes = left;
}

// The activation of an op that ends in one, or NULL.
static const fv__activation *activation_of(const fv__node *node) {
    if (node->op == &fv__op_conv2d) {
        return &((const fv__conv2d_attributes *)node->view.attributes)->activation;
    }
    return NULL;
}

static bool never_falls(fv__activation activation) {
    return activation == FV__ACTIVATION_relu || activation == FV__ACTIVATION_relu6 ||
           activation == FV__ACTIVATION_tanh || activation == FV__ACTIVATION_sigmoid;
}

static void find_moving_activations(fv__walk *walk) {
    for (int n = 0; n < walk->source->node_count; n++) {
        const fv__node *node = &walk->source->nodes[n];
        if (node->op != &fv__op_max_pool2d ||
            ((const fv__max_pool2d_attributes *)node->view.attributes)->activation != FV__ACTIVATION_linear) {
            continue;
        }
        const fv__activation *activation = activation_of(&walk->source->nodes[node->inputs[0]]);
        walk->activation_moves[node->inputs[0]] =
            activation && never_falls(*activation) && fv__walk_is_private(walk, node->inputs[0]);
    }
}

static fv_status copy_parameter(fv__walk *walk, int n, int *copy, fv_error *error) {
    fv__graph *graph = &walk->out->graph;
    const fv__parameter *parameter = &walk->source->parameters[walk->source->nodes[n].parameter];
    fv_status status =
        fv__graph_add_parameter(graph, parameter->name, &parameter->shape, parameter->initializer, copy, error);
    if (!status) {
        graph->parameters[graph->parameter_count - 1].trainable = parameter->trainable;
        graph->parameters[graph->parameter_count - 1].lr_factor = parameter->lr_factor;
    }
    return status;
}

static fv_status copy_node(fv__walk *walk, int n, int *copy, fv_error *error) {
    const fv__node *node = &walk->source->nodes[n];
    int inputs[FV__MAX_INPUTS];
    for (int i = 0; i < node->view.input_count; i++) {
        inputs[i] = walk->out->node_of[node->inputs[i]];
    }
    const void *attributes = node->view.attributes;
    fv__conv2d_attributes convolution;
    fv__max_pool2d_attributes pooling;
    if (walk->activation_moves[n]) {
        convolution = *(const fv__conv2d_attributes *)attributes;
        convolution.activation = FV__ACTIVATION_linear;
        attributes = &convolution;
    } else if (node->op == &fv__op_max_pool2d && walk->activation_moves[node->inputs[0]]) {
        pooling = *(const fv__max_pool2d_attributes *)attributes;
        pooling.activation = *activation_of(&walk->source->nodes[node->inputs[0]]);
        attributes = &pooling;
        fv__walk_note(walk, -1, "the activation of %s runs after %s: on %zu instead of %zu values",
                      walk->source->nodes[node->inputs[0]].name, node->name, fv__shape_elements(&node->view.output),
                      fv__shape_elements(&node->view.inputs[0]));
    }
    if (walk->rules) {
        fv_status status = fv__walk_compose(walk, n, attributes, copy, error);
        if (!status && *copy < 0) {
            status = fv__walk_fold(walk, n, copy, error);
        }
        if (!status && *copy < 0) {
            status = fv__walk_share(walk, n, copy, error);
        }
        if (!status && *copy < 0) {
            status = fv__walk_pool(walk, n, copy, error);
        }
        if (status || *copy >= 0) {
            return status;
        }
    }
    return fv__graph_add(&walk->out->graph, node->name, node->op, attributes, inputs, node->view.input_count, copy,
                         error);
}

static fv_status copy_all(fv__walk *walk, fv_error *error) {
    for (int n = 0; n < walk->source->node_count; n++) {
        const fv__node *node = &walk->source->nodes[n];
        int copy = -1;
        fv_status status =
            node->parameter >= 0 ? copy_parameter(walk, n, &copy, error) : copy_node(walk, n, &copy, error);
        if (status) {
            return status;
        }
        walk->out->graph.nodes[copy].view.id = node->view.id;
        walk->out->graph.nodes[copy].wants_gradient = node->wants_gradient;
        walk->out->node_of[n] = copy;
    }
    fv__walk_note_folds(walk);
    for (int n = 0; n < walk->source->node_count; n++) {
        if (walk->activation_moves[n]) {
            walk->out->node_of[n] = -1;
        }
    }
    return FV_OK;
}

// Leaves out what nobody wants any more: the copies of layers that were joined or passed.
static fv_status sweep(fv__walk *walk, fv_error *error) {
    size_t count = (size_t)walk->out->graph.node_count;
    int *node_of = walk->out->node_of;
    bool *kept = fv__alloc_array(count, sizeof *kept);
    int *places = fv__alloc_array(count, sizeof *places);
    fv_status status = kept && places ? FV_OK : fv__fail_memory(error, "the graph");
    for (int n = 0; n < walk->source->node_count && !status; n++) {
        if (walk->wanted[n]) {
            kept[node_of[n]] = true;
        }
    }
    if (!status) {
        fv__graph_keep(&walk->out->graph, kept, places);
    }
    for (int n = 0; n < walk->source->node_count && !status; n++) {
        node_of[n] = node_of[n] < 0 ? -1 : places[node_of[n]];
    }
    fv__free(kept);
    fv__free(places);
    return status;
}

fv_status fv__rewrite_make(const fv__graph *source, const fv__rewrite_options *options, fv__rewrite *out,
                           fv_error *error) {
    size_t nodes = (size_t)source->node_count;
    *out = (fv__rewrite){.node_of = fv__alloc_array(nodes, sizeof *out->node_of)};
    fv__walk walk = {.source = source,
                     .out = out,
                     .batch = options->batch,
                     .rules = options->rules,
                     .training = options->training,
                     .uses = fv__alloc_array(nodes, sizeof *walk.uses),
                     .wanted = fv__alloc_array(nodes, sizeof *walk.wanted),
                     .trained = fv__alloc_array(nodes, sizeof *walk.trained),
                     .activation_moves = fv__alloc_array(nodes, sizeof *walk.activation_moves)};
    fv_status status = FV_OK;
    fv__graph_init(&out->graph);
    if (!out->node_of || !walk.uses || !walk.wanted || !walk.trained || !walk.activation_moves) {
        status = fv__fail_memory(error, "the graph");
        goto done;
    }
    for (int n = 0; n < source->node_count; n++) {
        const fv__node *node = &source->nodes[n];
        walk.trained[n] =
            node->wants_gradient || (node->parameter >= 0 && source->parameters[node->parameter].trainable);
        for (int i = 0; i < node->view.input_count; i++) {
            walk.uses[node->inputs[i]]++;
            walk.trained[n] = walk.trained[n] || walk.trained[node->inputs[i]];
        }
    }
    for (int i = 0; i < options->wanted_count; i++) {
        walk.wanted[options->wanted[i]] = true;
    }
    if (options->rules) {
        find_moving_activations(&walk);
    }
    status = copy_all(&walk, error);
    if (!status) {
        status = sweep(&walk, error);
    }
    if (!status) {
        out->notes = copy_notes(&walk, NULL);
    }
    if (!status && out->notes.failed) {
        status = fv__fail_memory(error, "the graph");
    }
done:
    fv__text_free(&walk.notes);
    fv__free(walk.uses);
    fv__free(walk.wanted);
    fv__free(walk.trained);
    fv__free(walk.activation_moves);
    if (status) {
        fv__rewrite_free(out);
    }
    return status;
}

void fv__rewrite_free(fv__rewrite *rewrite) {
    fv__graph_free(&rewrite->graph);
    fv__free(rewrite->node_of);
    fv__text_free(&rewrite->notes);
    *rewrite = (fv__rewrite){0};
}
