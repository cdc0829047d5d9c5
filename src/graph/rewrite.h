// The algebra pass: the same function, cheaper. It makes a new graph from a model's graph and tells where the old
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

// With `rules` false the result is a plain copy. `wanted` are nodes whose values (or auxiliary outputs) will be read;
// what they do not depend on is left out, but for inputs and weights.
// `batch` is the number of samples over which work once a step must pay. Release with fv__rewrite_free.
fv_status fv__rewrite_make(const fv__graph *source, bool rules, int batch, const int *wanted, int wanted_count,
                           fv__rewrite *out, fv_error *error);
void fv__rewrite_free(fv__rewrite *rewrite);

#endif
