// SPDX-License-Identifier: Apache-2.0
// The algebra pass: the same function, cheaper. It makes a new graph from a model's graph and says where the old
// nodes' values are found in it.
//
// A node whose value somebody asked for keeps its value; parameters keep their indices and places, and nodes their
// random draws, so that weights, gradients and dropout are the same with and without the pass.
#ifndef FOVEA_GRAPH_REWRITE_H
#define FOVEA_GRAPH_REWRITE_H

#include "base/text.h"
#include "graph/graph.h"

typedef struct fv__rewrite {
    fv__graph graph;
    int *node_of;   // by node of the source: the node with its value; -1: nobody has it
    fv__text notes; // one line for each rewrite made
} fv__rewrite;

typedef struct fv__rewrite_options {
    bool rules;        // false: a plain copy
    bool training;     // dropout draws
    int batch;         // samples over which work once a step must pay
    const int *wanted; // nodes whose values (or auxiliary outputs) will be read; what they do not depend on is left
    int wanted_count;  // out, but for inputs and weights
} fv__rewrite_options;

// Release with fv__rewrite_free.
fv_status fv__rewrite_make(const fv__graph *source, const fv__rewrite_options *options, fv__rewrite *out,
                           fv_error *error);
void fv__rewrite_free(fv__rewrite *rewrite);

#endif
