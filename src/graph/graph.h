// SPDX-License-Identifier: Apache-2.0
// A graph of ops: what a model computes, with no word on when or where. Nodes are in topological order, since a node
// can only take earlier ones as inputs. Weights are nodes too (op `parameter`), so that the algebra may compute with
// them.
#ifndef FOVEA_GRAPH_GRAPH_H
#define FOVEA_GRAPH_GRAPH_H

#include "ops/op.h"

// How a weight starts.
typedef enum fv__initializer {
    FV__INITIAL_ZEROS,
    FV__INITIAL_ONES,
    FV__INITIAL_GLOROT_UNIFORM, // ±√(6 / (fan in + fan out)), Glorot and Bengio 2010
    FV__INITIAL_UNIFORM_005,    // ±0.05, Keras's for embeddings
} fv__initializer;

typedef struct fv__parameter {
    char *name; // "dense/kernel"
    fv__shape shape;
    fv__initializer initializer;
    bool trainable;
    float lr_factor; // on the learning rate; 1 unless its layer says otherwise
    int node;
    size_t offset; // of its first value in the slab of all weights, in floats; a multiple of 16
    size_t count;
} fv__parameter;

typedef struct fv__node {
    const fv__op *op;
    fv__op_node view;           // what the op sees; owns view.attributes
    int inputs[FV__MAX_INPUTS]; // earlier nodes
    char *name;                 // of the layer it belongs to, for messages and tables
    int parameter;              // for op `parameter`: which; otherwise -1
    bool wants_gradient;        // somebody asks for the gradient of this value
} fv__node;

typedef struct fv__graph {
    fv__node *nodes;
    int node_count, node_capacity;
    fv__parameter *parameters;
    int parameter_count, parameter_capacity;
    size_t weight_count; // floats in the slab of all weights, paddings included
} fv__graph;

void fv__graph_init(fv__graph *graph);
void fv__graph_free(fv__graph *graph);

// Adds a node and infers its shape and cadence. `attributes` (of op->attributes_size bytes) are copied. The message of a
// failure names the layer `name`. On success *node is its index.
fv_status fv__graph_add(fv__graph *graph, const char *name, const fv__op *op, const void *attributes, const int *inputs,
                        int input_count, int *node, fv_error *error);

// Adds an input: images, or in tests anything with a batch axis.
fv_status fv__graph_add_input(fv__graph *graph, const char *name, const fv__shape *shape, int *node, fv_error *error);

// Adds a weight called `name`, which must be new to the graph.
fv_status fv__graph_add_parameter(fv__graph *graph, const char *name, const fv__shape *shape,
                                  fv__initializer initializer, int *node, fv_error *error);

const fv__shape *fv__graph_shape(const fv__graph *graph, int node);

// Index of the parameter with that name, or -1.
int fv__graph_find_parameter(const fv__graph *graph, const char *name);

// Fills a slab of graph->weight_count floats with initial values; depends on the seed and each weight's position only.
void fv__graph_initialize(const fv__graph *graph, uint64_t seed, float *weights);

// A copy that can be cut without touching the original. Parameters keep their indices and offsets.
fv_status fv__graph_copy(const fv__graph *graph, fv__graph *copy, fv_error *error);

// Keeps the nodes marked in `kept` (node_count), which grows by what they read, inputs and weights; frees the others.
// places[n] is where node n went, or -1.
void fv__graph_keep(fv__graph *graph, bool *kept, int *places);

// Takes back what was added last: keeps the first `nodes` nodes and `parameters` parameters.
void fv__graph_truncate(fv__graph *graph, int nodes, int parameters);

// Trained values, without paddings; trainable ones only if asked.
size_t fv__graph_count_parameters(const fv__graph *graph, bool trainable_only);

// Multiply-adds of a node's forward for one sample.
double fv__node_multiply_adds(const fv__node *node);

// Their sum over the graph; not what is computed once a step.
double fv__graph_multiply_adds(const fv__graph *graph);

#endif
