// SPDX-License-Identifier: Apache-2.0
// The average over tokens is linear, and runs before what is linear for each token alike:
//   mean(x · W + b) = mean(x) · W + b
// and before attention, where it becomes an average of the weights p over the queries, and goes on before the value's
// own dense layer, since p sums to one:
//   mean(P · V) = p · V     p · (X · Wv + bv) = (p · X) · Wv + bv     for each head
// The layers then work on one token instead of all. What the average passes must be its own alone.
#include "base/memory.h"
#include "graph/rewrite_internal.h"
#include "ops/attention.h"
#include "ops/pooling.h"

// One average on its way to the front.
typedef struct movement {
    fv__rewriter *rewriter;
    const fv__global_pool_attributes *attributes;
    const char *name;   // of the layer that averages
    const char *passed; // the layer it passed last; NULL: none
    double before;      // multiply-adds of what it passed
} movement;

static const fv__node *source_at(const movement *m, int n) {
    return &m->rewriter->source->nodes[n];
}

static void pass(movement *m, const fv__node *node) {
    m->passed = node->name;
    m->before += fv__node_multiply_adds(node);
}

static int features_of(const fv__shape *shape) {
    return shape->size[shape->rank - 1];
}

// Averaging the input must cost less than what the layer spends on all tokens but one.
static bool passes_dense(const movement *m, int n) {
    const fv__shape *x = &source_at(m, n)->view.inputs[0], *y = &source_at(m, n)->view.output;
    if (!fv__rewriter_is_private_dense(m->rewriter, n) || x->rank < 2) {
        return false;
    }
    const double tokens = (double)fv__shape_elements(x) / features_of(x);
    const double kernel = (double)features_of(x) * features_of(y);
    return tokens * features_of(x) + kernel < tokens * kernel + tokens * features_of(y);
}

// Dropout, in inference.
static bool passes_identity(const movement *m, int n) {
    return source_at(m, n)->op->identity_in_inference && !m->rewriter->training &&
           fv__rewriter_is_private(m->rewriter, n);
}

static bool passes_view(const movement *m, int n) {
    const fv__node *node = source_at(m, n);
    return node->op->view && fv__rewriter_is_private(m->rewriter, n) && node->view.inputs[0].rank > 1 &&
           features_of(&node->view.inputs[0]) == features_of(&node->view.output);
}

// Plain dot products; dropout, which draws for each query in training, stays as it is.
static bool passes_attention(const movement *m, int n) {
    const fv__node *node = source_at(m, n);
    const fv__attention_attributes *attributes = node->view.attributes;
    return node->op == &fv__op_attention && fv__rewriter_is_private(m->rewriter, n) && attributes->groups == 1 &&
           attributes->score == FV__SCORE_DOT && attributes->scale > 0 && attributes->mask == FV__MASK_NONE &&
           !attributes->trained_scale && !(m->rewriter->training && attributes->dropout > 0);
}

// Whether each head should average what the value is made of, all of it, and project that.
static bool shares_value(const movement *m, const fv__node *attention) {
    const int value = attention->inputs[2],
              heads = ((const fv__attention_attributes *)attention->view.attributes)->heads;
    const fv__node *dense = source_at(m, value);
    if (!fv__rewriter_is_private_dense(m->rewriter, value) || dense->view.inputs[0].rank != 2) {
        return false;
    }
    const double keys = dense->view.output.size[0], in = features_of(&dense->view.inputs[0]);
    const double out = features_of(&dense->view.output);
    return heads * keys * in + in * out < keys * in * out + keys * out;
}

static fv_status add(const movement *m, const fv__node *like, const fv__op *op, const void *attributes,
                     const int *inputs, int *node, fv_error *error) {
    return fv__rewriter_add(m->rewriter, like->name, op, attributes, inputs, like->view.input_count, node, error);
}

static fv_status average_attention(movement *m, const fv__node *node, int *mean, fv_error *error) {
    const fv__attention_attributes *attributes = node->view.attributes;
    const bool shared = shares_value(m, node);
    const fv__pooled_attention_attributes pooled = {attributes->heads, shared, attributes->scale};
    int inputs[FV__MAX_INPUTS];
    fv__rewriter_find_inputs(m->rewriter, node, inputs);
    pass(m, node);
    if (!shared) {
        return add(m, node, &fv__op_pooled_attention, &pooled, inputs, mean, error);
    }
    const fv__node *dense = source_at(m, node->inputs[2]);
    int projection[FV__MAX_INPUTS];
    fv__rewriter_find_inputs(m->rewriter, dense, projection);
    pass(m, dense);
    inputs[2] = projection[0];
    FV__TRY(add(m, node, &fv__op_pooled_attention, &pooled, inputs, &projection[0], error));
    return add(m, dense, &fv__op_head_dense, NULL, projection, mean, error);
}

// *mean becomes the node with the average over the tokens of source node n.
static fv_status average(movement *m, int n, int *mean, fv_error *error) {
    const fv__node *node = source_at(m, n);
    int inputs[FV__MAX_INPUTS];
    if (passes_view(m, n) || passes_identity(m, n)) {
        return average(m, node->inputs[0], mean, error);
    }
    if (passes_attention(m, n)) {
        return average_attention(m, node, mean, error);
    }
    if (passes_dense(m, n)) {
        fv__rewriter_find_inputs(m->rewriter, node, inputs);
        pass(m, node);
        FV__TRY(average(m, node->inputs[0], &inputs[0], error));
        return add(m, node, &fv__op_dense, node->view.attributes, inputs, mean, error);
    }
    return fv__rewriter_add(m->rewriter, m->name, &fv__op_global_pool, m->attributes, &m->rewriter->out->node_of[n], 1,
                            mean, error);
}

// Which nodes of the new graph `root` needs, and what they take for one sample.
static double find_needed(const fv__graph *graph, int root, bool *needed) {
    double sum = 0;
    needed[root] = true;
    for (int n = root; n >= 0; n--) {
        const fv__node *node = &graph->nodes[n];
        for (int i = 0; needed[n] && i < node->view.input_count; i++) {
            needed[node->inputs[i]] = true;
        }
        sum += needed[n] && node->view.cadence != FV__CADENCE_STEP ? fv__node_multiply_adds(node) : 0;
    }
    return sum;
}

// Compares the moved average with one that stays after what other rules have made of the layers before. *copy stays
// only if it is cheaper; notes on what is then no longer needed are taken back.
static fv_status choose(movement *m, const fv__node *average, int *copy, fv_error *error) {
    const fv__graph *graph = &m->rewriter->out->graph;
    const size_t count = (size_t)graph->node_count;
    bool *before = fv__alloc_array(count, sizeof *before), *after = fv__alloc_array(count, sizeof *after);
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(before && after ? FV_OK : fv__fail_memory(error, "the graph"));
    const double stays =
        find_needed(graph, m->rewriter->out->node_of[average->inputs[0]], before) + fv__node_multiply_adds(average);
    if (find_needed(graph, *copy, after) >= stays) {
        *copy = -1;
        goto done;
    }
    double added = 0;
    for (size_t n = 0; n < count; n++) {
        added += after[n] && !before[n] ? fv__node_multiply_adds(&graph->nodes[n]) : 0;
        before[n] = before[n] && !after[n];
    }
    fv__rewriter_unnote(m->rewriter, before);
    fv__rewriter_note(m->rewriter, *copy, "%s averages before %s multiplies" FV__NOTE_GAIN, average->name, m->passed,
                      added * 1e-6, m->before * 1e-6);
done:
    fv__free(before);
    fv__free(after);
    return status;
}

fv_status fv__rewriter_average(fv__rewriter *rewriter, int n, int *copy, fv_error *error) {
    const fv__node *node = &rewriter->source->nodes[n];
    const fv__global_pool_attributes *attributes = node->view.attributes;
    if (node->op != &fv__op_global_pool || attributes->pooling != FV__POOLING_AVERAGE) {
        return FV_OK;
    }
    movement m = {
        .rewriter = rewriter, .attributes = attributes, .name = node->name, .before = fv__node_multiply_adds(node)};
    FV__TRY(average(&m, node->inputs[0], copy, error));
    return m.passed ? choose(&m, node, copy, error) : FV_OK;
}
