// SPDX-License-Identifier: Apache-2.0
// The walk over the source graph: nodes are copied in order, and a rule changes how one of them is copied.
//
// max_pool2d(relu(x)) = relu(max_pool2d(x)), and so for any activation that never falls: moved after the pooling it
// runs on fewer values, and the convolution's output need not be kept for its derivative.
//
// Linear layers with nothing between them are one (compose.c), and an average over tokens runs before them (average.c).
// Batch norms and activations after linear layers become part of them (fold.c). Heads share keys and values (share.c).
#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"
#include "graph/rewrite_internal.h"
#include "ops/pooling.h"

fv_status fv__rewriter_add(fv__rewriter *rewriter, const char *name, const fv__op *op, const void *attributes,
                           const int *inputs, int count, int *node, fv_error *error) {
    return fv__graph_add(&rewriter->out->graph, name, op, attributes, inputs, count, node, error);
}

fv_status fv__rewriter_add_biased(fv__rewriter *rewriter, const char *name, const fv__op *op, const void *attributes,
                                  const int inputs[3], int *node, fv_error *error) {
    return fv__rewriter_add(rewriter, name, op, attributes, inputs, inputs[2] < 0 ? 2 : 3, node, error);
}

// --- Notes

void fv__rewriter_note(fv__rewriter *rewriter, int node, const char *format, ...) {
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    fv__note note = {.node = node, .what = fv__strdup(what)};
    if (!note.what ||
        !fv__reserve((void **)&rewriter->notes, rewriter->note_count, &rewriter->note_capacity, sizeof note)) {
        fv__free(note.what);
        rewriter->out_of_memory = true;
        return;
    }
    rewriter->notes[rewriter->note_count++] = note;
}

void fv__rewriter_unnote(fv__rewriter *rewriter, const bool *gone) {
    int left = 0;
    for (int i = 0; i < rewriter->note_count; i++) {
        if (rewriter->notes[i].node >= 0 && gone[rewriter->notes[i].node]) {
            fv__free(rewriter->notes[i].what);
        } else {
            rewriter->notes[left++] = rewriter->notes[i];
        }
    }
    rewriter->note_count = left;
}

static fv_status write_notes(const fv__rewriter *rewriter, fv__text *text, fv_error *error) {
    for (int i = 0; i < rewriter->note_count; i++) {
        fv__text_addf(text, "%s\n", rewriter->notes[i].what);
    }
    return text->failed || rewriter->out_of_memory ? fv__fail_memory(error, "the graph") : FV_OK;
}

// --- Activations move after the pooling

static bool never_falls(fv__activation activation) {
    return activation == FV__ACTIVATION_relu || activation == FV__ACTIVATION_relu6 ||
           activation == FV__ACTIVATION_tanh || activation == FV__ACTIVATION_sigmoid;
}

static void find_moving_activations(fv__rewriter *rewriter) {
    for (int n = 0; n < rewriter->source->node_count; n++) {
        const fv__node *node = &rewriter->source->nodes[n];
        if (node->op != &fv__op_max_pool2d ||
            ((const fv__max_pool2d_attributes *)node->view.attributes)->activation != FV__ACTIVATION_linear) {
            continue;
        }
        const fv__node *before = &rewriter->source->nodes[node->inputs[0]];
        rewriter->activation_moves[node->inputs[0]] = before->op == &fv__op_conv2d &&
                                                      never_falls(*fv__node_activation(before)) &&
                                                      fv__rewriter_is_private(rewriter, node->inputs[0]);
    }
}

// --- Copying

static fv_status copy_parameter(fv__rewriter *rewriter, int n, int *copy, fv_error *error) {
    fv__graph *graph = &rewriter->out->graph;
    const fv__parameter *parameter = &rewriter->source->parameters[rewriter->source->nodes[n].parameter];
    FV__TRY(fv__graph_add_parameter(graph, parameter->name, &parameter->shape, parameter->initializer, copy, error));
    graph->parameters[graph->parameter_count - 1].trainable = parameter->trainable;
    graph->parameters[graph->parameter_count - 1].lr_factor = parameter->lr_factor;
    return FV_OK;
}

// The node that takes the place of source node n, with these attributes: *copy, or -1 if no rule applies.
static fv_status apply_rules(fv__rewriter *rewriter, int n, const void *attributes, int *copy, fv_error *error) {
    FV__TRY(fv__rewriter_compose(rewriter, n, attributes, copy, error));
    fv_status (*const others[])(fv__rewriter *, int, int *, fv_error *) = {fv__rewriter_fold, fv__rewriter_share,
                                                                           fv__rewriter_average};
    for (size_t i = 0; i < sizeof others / sizeof *others && *copy < 0; i++) {
        FV__TRY(others[i](rewriter, n, copy, error));
    }
    return FV_OK;
}

static fv_status copy_node(fv__rewriter *rewriter, int n, int *copy, fv_error *error) {
    const fv__node *node = &rewriter->source->nodes[n];
    const void *attributes = node->view.attributes;
    fv__conv2d_attributes convolution;
    fv__max_pool2d_attributes pooling;
    if (rewriter->activation_moves[n]) {
        convolution = *(const fv__conv2d_attributes *)attributes;
        convolution.activation = FV__ACTIVATION_linear;
        attributes = &convolution;
    } else if (node->op == &fv__op_max_pool2d && rewriter->activation_moves[node->inputs[0]]) {
        const fv__node *before = &rewriter->source->nodes[node->inputs[0]];
        pooling = *(const fv__max_pool2d_attributes *)attributes;
        pooling.activation = *fv__node_activation(before);
        attributes = &pooling;
        fv__rewriter_note(rewriter, -1, "the activation of %s runs after %s: on %zu instead of %zu values",
                          before->name, node->name, fv__shape_elements(&node->view.output),
                          fv__shape_elements(&node->view.inputs[0]));
    }
    if (rewriter->rules) {
        FV__TRY(apply_rules(rewriter, n, attributes, copy, error));
    }
    if (*copy >= 0) {
        return FV_OK;
    }
    int inputs[FV__MAX_INPUTS];
    fv__rewriter_find_inputs(rewriter, node, inputs);
    return fv__rewriter_add(rewriter, node->name, node->op, attributes, inputs, node->view.input_count, copy, error);
}

static fv_status copy_all(fv__rewriter *rewriter, fv_error *error) {
    for (int n = 0; n < rewriter->source->node_count; n++) {
        const fv__node *node = &rewriter->source->nodes[n];
        int copy = -1;
        FV__TRY(node->parameter >= 0 ? copy_parameter(rewriter, n, &copy, error)
                                     : copy_node(rewriter, n, &copy, error));
        rewriter->out->graph.nodes[copy].view.id = node->view.id;
        rewriter->out->graph.nodes[copy].wants_gradient = node->wants_gradient;
        rewriter->out->node_of[n] = copy;
    }
    fv__rewriter_note_folds(rewriter);
    for (int n = 0; n < rewriter->source->node_count; n++) {
        if (rewriter->activation_moves[n]) {
            rewriter->out->node_of[n] = -1;
        }
    }
    return FV_OK;
}

// Leaves out what nobody wants any more: the copies of layers that were joined or passed.
static fv_status sweep(fv__rewriter *rewriter, fv_error *error) {
    const size_t count = (size_t)rewriter->out->graph.node_count;
    int *node_of = rewriter->out->node_of;
    bool *kept = fv__alloc_array(count, sizeof *kept);
    int *places = fv__alloc_array(count, sizeof *places);
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(kept && places ? FV_OK : fv__fail_memory(error, "the graph"));
    for (int n = 0; n < rewriter->source->node_count; n++) {
        if (rewriter->wanted[n]) {
            kept[node_of[n]] = true;
        }
    }
    fv__graph_keep(&rewriter->out->graph, kept, places);
    for (int n = 0; n < rewriter->source->node_count; n++) {
        node_of[n] = node_of[n] < 0 ? -1 : places[node_of[n]];
    }
done:
    fv__free(kept);
    fv__free(places);
    return status;
}

// --- The whole

static void look_at_source(fv__rewriter *rewriter) {
    const fv__graph *source = rewriter->source;
    for (int n = 0; n < source->node_count; n++) {
        const fv__node *node = &source->nodes[n];
        rewriter->trained[n] =
            node->wants_gradient || (node->parameter >= 0 && source->parameters[node->parameter].trainable);
        for (int i = 0; i < node->view.input_count; i++) {
            rewriter->uses[node->inputs[i]]++;
            rewriter->trained[n] = rewriter->trained[n] || rewriter->trained[node->inputs[i]];
        }
    }
}

fv_status fv__rewrite_make(const fv__graph *source, const fv__rewrite_options *options, fv__rewrite *out,
                           fv_error *error) {
    const size_t nodes = (size_t)source->node_count;
    fv_status status = FV_OK;
    *out = (fv__rewrite){.node_of = fv__alloc_array(nodes, sizeof *out->node_of)};
    fv__graph_init(&out->graph);
    fv__rewriter rewriter = {.source = source,
                             .out = out,
                             .batch = options->batch,
                             .rules = options->rules,
                             .training = options->training,
                             .uses = fv__alloc_array(nodes, sizeof *rewriter.uses),
                             .wanted = fv__alloc_array(nodes, sizeof *rewriter.wanted),
                             .trained = fv__alloc_array(nodes, sizeof *rewriter.trained),
                             .activation_moves = fv__alloc_array(nodes, sizeof *rewriter.activation_moves)};
    const bool complete =
        out->node_of && rewriter.uses && rewriter.wanted && rewriter.trained && rewriter.activation_moves;
    FV__TRY_OR_DONE(complete ? FV_OK : fv__fail_memory(error, "the graph"));
    look_at_source(&rewriter);
    for (int i = 0; i < options->wanted_count; i++) {
        rewriter.wanted[options->wanted[i]] = true;
    }
    if (options->rules) {
        find_moving_activations(&rewriter);
    }
    FV__TRY_OR_DONE(copy_all(&rewriter, error));
    FV__TRY_OR_DONE(sweep(&rewriter, error));
    FV__TRY_OR_DONE(write_notes(&rewriter, &out->notes, error));
done:
    for (int i = 0; i < rewriter.note_count; i++) {
        fv__free(rewriter.notes[i].what);
    }
    fv__free(rewriter.notes);
    fv__free(rewriter.uses);
    fv__free(rewriter.wanted);
    fv__free(rewriter.trained);
    fv__free(rewriter.activation_moves);
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
