// The walk over the source graph, shared by rewrite.c (what is copied, and how) and compose.c (linear layers joined).
#ifndef FOVEA_GRAPH_REWRITE_INTERNAL_H
#define FOVEA_GRAPH_REWRITE_INTERNAL_H

#include "graph/rewrite.h"

typedef struct fv__walk {
    const fv__graph *source;
    fv__rewrite *out;
    int batch;
    bool rules;
    int *uses;              // by source node: how many nodes read it
    bool *wanted;           // by source node
    bool *activation_moves; // by source node: its activation is taken over by the node that reads it
} fv__walk;

// Only `n`'s one reader sees it, so that its value may change.
bool fv__walk_is_private(const fv__walk *walk, int n);

// Joins source node n, with these attributes, to the linear layer of its kind before it, if there is one and it pays.
// *copy is the node of the new graph with n's value, or -1: nothing was done.
fv_status fv__walk_compose(fv__walk *walk, int n, const void *attributes, int *copy, fv_error *error);

#endif
