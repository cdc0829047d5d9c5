// SPDX-License-Identifier: Apache-2.0
// Attention whose heads need no key or no value of their own. With x the tokens that are attended to:
//   scores   q · (x Wk + bk)ᵀ = (q Wkᵀ) · xᵀ + q · bk      the last term is the same for all keys: softmax forgets it
//   output   P · (x Wv + bv) · Wo = (P x) · (Wv Wo) + bv Wo      the rows of P sum to one, except after dropout
// so each head compares queries with the tokens themselves, or averages these, and Wk goes into the query's layer, Wv
// into the output's, once a step. It pays where the tokens have no more features than the heads.
#include <string.h>

#include "graph/rewrite_internal.h"
#include "ops/attention.h"
#include "ops/weight_products.h"

// A dense layer that makes an input of attention and that nobody else reads.
typedef struct projection {
    const char *name;
    int x, weight, bias;    // nodes of the new graph; bias -1: none
    double in, out, tokens; // features before and after
} projection;

static const fv__node *source_at(const fv__rewriter *rewriter, int n) {
    return &rewriter->source->nodes[n];
}

static bool find_projection(const fv__rewriter *rewriter, int n, projection *found) {
    const fv__node *node = source_at(rewriter, n);
    if (!fv__rewriter_is_private_dense(rewriter, n) || node->view.inputs[0].rank != 2) {
        return false;
    }
    *found = (projection){.name = node->name,
                          .x = rewriter->out->node_of[node->inputs[0]],
                          .weight = rewriter->out->node_of[node->inputs[1]],
                          .bias = fv__rewriter_bias_of(rewriter, node),
                          .in = node->view.inputs[1].size[0],
                          .out = node->view.inputs[1].size[1],
                          .tokens = node->view.inputs[0].size[0]};
    return true;
}

static double multiply_adds(const projection *p) {
    return p->tokens * p->in * p->out;
}

// The query's layer multiplied by the key's weights: as many features of each head as a token has.
static fv_status project_query(fv__rewriter *rewriter, const projection *query, const projection *key, int heads,
                               int *node, fv_error *error) {
    const fv__head_product_attributes product = {.heads = heads, .transposed = true};
    const fv__dense_attributes linear = {FV__ACTIVATION_linear};
    int inputs[3] = {query->x, -1, -1};
    FV__TRY(fv__rewriter_add(rewriter, query->name, &fv__op_head_product, &product,
                             (const int[]){query->weight, key->weight}, 2, &inputs[1], error));
    if (query->bias >= 0) {
        FV__TRY(fv__rewriter_add(rewriter, query->name, &fv__op_head_product, &product,
                                 (const int[]){query->bias, key->weight}, 2, &inputs[2], error));
    }
    return fv__rewriter_add_biased(rewriter, query->name, &fv__op_dense, &linear, inputs, node, error);
}

static fv_status share_key(fv__rewriter *rewriter, const fv__node *attention, int *copy, fv_error *error) {
    fv__attention_attributes attributes = *(const fv__attention_attributes *)attention->view.attributes;
    projection query, key;
    if (attributes.score != FV__SCORE_DOT || attributes.groups != 1 || attributes.shared_key ||
        !find_projection(rewriter, attention->inputs[0], &query) ||
        !find_projection(rewriter, attention->inputs[1], &key)) {
        return FV_OK;
    }
    const double heads = attributes.heads, scores = query.tokens * key.tokens;
    const double before = multiply_adds(&query) + multiply_adds(&key) + scores * key.out;
    const double after = query.tokens * query.in * heads * key.in + scores * heads * key.in;
    if (!fv__rewriter_pays(rewriter, before - after, query.in * key.in * key.out)) {
        return FV_OK;
    }
    int inputs[FV__MAX_INPUTS];
    fv__rewriter_find_inputs(rewriter, attention, inputs);
    inputs[FV__KEY] = key.x;
    attributes.shared_key = true;
    FV__TRY(project_query(rewriter, &query, &key, attributes.heads, &inputs[FV__QUERY], error));
    FV__TRY(fv__rewriter_add(rewriter, attention->name, attention->op, &attributes, inputs, attention->view.input_count,
                             copy, error));
    fv__rewriter_note(rewriter, *copy, "the heads of %s share their key" FV__NOTE_GAIN, attention->name, after * 1e-6,
                      before * 1e-6);
    return FV_OK;
}

// The weights and bias of the layer after attention, multiplied by the value's.
static fv_status project_output(fv__rewriter *rewriter, const fv__node *output, const projection *value, int heads,
                                int inputs[3], fv_error *error) {
    const fv__head_product_attributes product = {.heads = heads};
    const int weight = rewriter->out->node_of[output->inputs[1]];
    inputs[2] = fv__rewriter_bias_of(rewriter, output);
    FV__TRY(fv__rewriter_add(rewriter, output->name, &fv__op_head_product, &product,
                             (const int[]){value->weight, weight}, 2, &inputs[1], error));
    if (value->bias < 0) {
        return FV_OK;
    }
    const int units = output->view.inputs[1].size[1];
    const fv__weight_product_attributes offset = {
        .rows = 1, .inner = (int)value->out, .blocks = 1, .columns = units, .shape = {1, {units}}};
    return fv__rewriter_add_biased(rewriter, output->name, &fv__op_weight_product, &offset,
                                   (const int[]){value->bias, weight, inputs[2]}, &inputs[2], error);
}

// `output` is a dense layer; attention may come before it.
static fv_status share_value(fv__rewriter *rewriter, const fv__node *output, int *copy, fv_error *error) {
    const int source = output->inputs[0];
    const fv__node *attention = source_at(rewriter, source);
    projection value;
    if (attention->op != &fv__op_attention || !fv__rewriter_is_private(rewriter, source) ||
        !find_projection(rewriter, attention->inputs[2], &value)) {
        return FV_OK;
    }
    // As it is in the new graph, where its heads may share their key.
    const fv__node now = *fv__rewriter_copy_of(rewriter, source);
    fv__attention_attributes attributes = *(const fv__attention_attributes *)now.view.attributes;
    const bool drops = rewriter->training && attributes.dropout > 0;
    if (now.op != &fv__op_attention || attributes.groups != 1 || attributes.shared_value ||
        (drops && value.bias >= 0)) {
        return FV_OK;
    }
    const double heads = attributes.heads, queries = now.view.output.size[0], weights = queries * value.tokens;
    const double units = output->view.inputs[1].size[1];
    const double before = multiply_adds(&value) + weights * value.out + queries * value.out * units;
    const double after = weights * heads * value.in + queries * heads * value.in * units;
    if (!fv__rewriter_pays(rewriter, before - after, value.in * value.out * units)) {
        return FV_OK;
    }
    int inputs[FV__MAX_INPUTS], projected[3];
    memcpy(inputs, now.inputs, sizeof inputs);
    inputs[FV__VALUE] = value.x;
    attributes.shared_value = true;
    FV__TRY(fv__rewriter_add(rewriter, attention->name, now.op, &attributes, inputs, now.view.input_count,
                             &projected[0], error));
    rewriter->out->graph.nodes[projected[0]].view.id = attention->view.id; // its draws stay
    FV__TRY(project_output(rewriter, output, &value, attributes.heads, projected, error));
    FV__TRY(
        fv__rewriter_add_biased(rewriter, output->name, output->op, output->view.attributes, projected, copy, error));
    fv__rewriter_note(rewriter, *copy, "the heads of %s share their value" FV__NOTE_GAIN, attention->name, after * 1e-6,
                      before * 1e-6);
    return FV_OK;
}

fv_status fv__rewriter_share(fv__rewriter *rewriter, int n, int *copy, fv_error *error) {
    const fv__node *node = source_at(rewriter, n);
    if (node->op == &fv__op_attention) {
        return share_key(rewriter, node, copy, error);
    }
    return node->op == &fv__op_dense ? share_value(rewriter, node, copy, error) : FV_OK;
}
