// SPDX-License-Identifier: Apache-2.0
// The attention call's graph: four dense layers around the attention op, made and planned for the shapes of one call.
#include <math.h>
#include <string.h>

#include "attention/attention.h"
#include "ops/dense.h"

const char *const fv__attention_input_names[FV__ATTENTION_INPUTS] = {"query", "key", "value", "mask", "d_output"};

void fv__attention_drop(fv__attention_plan *prepared) {
    fv__plan_destroy(prepared->plan);
    fv__graph_free(&prepared->graph);
    *prepared = (fv__attention_plan){0};
}

fv_status fv__attention_add_arrays(const fv_attention *attention, fv__graph *graph, int nodes[FV__ATTENTION_ARRAYS],
                                   fv_error *error) {
    static const char *const names[FV__ATTENTION_ARRAYS] = {"query/kernel",  "query/bias",   "key/kernel",
                                                            "key/bias",      "value/kernel", "value/bias",
                                                            "output/kernel", "output/bias"};
    for (int i = 0; i < FV__ATTENTION_ARRAYS; i++) {
        const int in = i < 6 ? attention->widths[i / 2] : attention->options.d_model, out = attention->options.d_model;
        fv__shape shape = i % 2 ? (fv__shape){1, {out}} : (fv__shape){2, {in, out}};
        FV__TRY(fv__graph_add_parameter(graph, names[i], &shape, i % 2 ? FV__INITIAL_ZEROS : FV__INITIAL_GLOROT_UNIFORM,
                                        &nodes[i], error));
    }
    return FV_OK;
}

static fv_status add_inputs(const fv_attention *attention, fv__attention_plan *prepared, fv_error *error) {
    const fv__attention_shapes *s = &prepared->shapes;
    const fv__shape shapes[FV__ATTENTION_INPUTS] = {{2, {s->queries, attention->widths[FV__QUERY]}},
                                                    {2, {s->keys, attention->widths[FV__KEY]}},
                                                    {2, {s->keys, attention->widths[FV__VALUE]}},
                                                    {3, {s->mask[0], s->mask[1], s->mask[2]}},
                                                    {2, {s->queries, attention->options.d_model}}};
    for (int i = 0; i < FV__ATTENTION_INPUTS; i++) {
        prepared->inputs[i] = -1;
        if ((i != FV__MASK || s->masked) && (i != FV__D_OUTPUT || s->backward)) {
            FV__TRY(fv__graph_add_input(&prepared->graph, fv__attention_input_names[i], &shapes[i],
                                        &prepared->inputs[i], error));
        }
        if (i < FV__MASK) {
            prepared->graph.nodes[prepared->inputs[i]].wants_gradient = s->wanted[i];
        }
    }
    return FV_OK;
}

static fv_status add_dense(fv__graph *graph, const char *name, int x, const int parameters[2], int *node,
                           fv_error *error) {
    return fv__graph_add(graph, name, &fv__op_dense, &(fv__dense_attributes){FV__ACTIVATION_linear},
                         (const int[]){x, parameters[0], parameters[1]}, 3, node, error);
}

// *root is the output, or for backward the sum of output · d_output, whose gradient in the output is d_output.
static fv_status build(const fv_attention *attention, fv__attention_plan *prepared, int *root, fv_error *error) {
    int parameters[FV__ATTENTION_ARRAYS], projected[4];
    const fv_attention_options *options = &attention->options;
    fv__graph *graph = &prepared->graph;
    fv__attention_attributes attributes = {.heads = options->heads,
                                           .groups = 1,
                                           .score = FV__SCORE_DOT,
                                           .scale = 1 / sqrtf((float)options->d_model / (float)options->heads),
                                           .mask = prepared->shapes.masked ? FV__MASK_INPUT : FV__MASK_NONE};
    FV__TRY(fv__attention_add_arrays(attention, graph, parameters, error));
    FV__TRY(add_inputs(attention, prepared, error));
    for (int i = 0; i < 3; i++) {
        FV__TRY(add_dense(graph, fv__attention_input_names[i], prepared->inputs[i], &parameters[2 * i], &projected[i],
                          error));
    }
    projected[FV__MASK] = prepared->inputs[FV__MASK];
    FV__TRY(fv__graph_add(graph, "attention", &fv__op_attention, &attributes, projected,
                          prepared->shapes.masked ? 4 : 3, &prepared->attention, error));
    FV__TRY(add_dense(graph, "output", prepared->attention, &parameters[6], &prepared->output, error));
    *root = prepared->output;
    if (!prepared->shapes.backward) {
        return FV_OK;
    }
    return fv__graph_add(graph, "dot", &fv__op_dot, NULL,
                         (const int[]){prepared->output, prepared->inputs[FV__D_OUTPUT]}, 2, root, error);
}

static fv_status plan(fv_attention *attention, fv__attention_plan *prepared, int root, fv_error *error) {
    const fv__plan_options options = {.batch = prepared->shapes.batch,
                                      .backward = prepared->shapes.backward,
                                      .root = root,
                                      .auxiliary = &prepared->attention,
                                      .auxiliary_count = prepared->shapes.weights};
    if (!attention->runner.pool) {
        FV__TRY(fv__runner_start(&attention->runner, attention->options.threads, error));
    }
    return fv__runner_plan(&attention->runner, &prepared->graph, &options, &prepared->plan, error);
}

fv_status fv__attention_prepare(fv_attention *attention, fv__attention_plan *prepared,
                                const fv__attention_shapes *shapes, fv_error *error) {
    if (prepared->plan && memcmp(&prepared->shapes, shapes, sizeof *shapes) == 0) {
        return FV_OK;
    }
    int root;
    fv__attention_drop(prepared);
    memcpy(&prepared->shapes, shapes, sizeof *shapes);
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(build(attention, prepared, &root, error));
    FV__TRY_OR_DONE(plan(attention, prepared, root, error));
done:
    if (status) {
        fv__attention_drop(prepared);
    }
    return status;
}
