// The walk over the source graph, shared by rewrite.c (what is copied, and how), compose.c (linear layers joined) and
// fold.c (what follows them taken in), share.c (keys and values of heads) and average.c (averages moved to the front).
#ifndef FOVEA_GRAPH_REWRITE_INTERNAL_H
#define FOVEA_GRAPH_REWRITE_INTERNAL_H

#include "graph/rewrite.h"

typedef struct fv__walk {
    const fv__graph *source;
    fv__rewrite *out;
    int batch;
    bool rules, training;
    int *uses;              // by source node: how many nodes read it
    bool *wanted;           // by source node
    bool *activation_moves; // by source node: its activation is taken over by the node that reads it
    bool *trained;          // by source node: something trainable stands before it, or its gradient is wanted
    fv__text notes; // a line for each rewrite: the node of the new graph it made (-1: none alone), a blank, what it is
    // What was folded into the layers called fold_name and is not noted yet.
    const char *fold_name;
    int folded_norms, folded_activations;
} fv__walk;

// Only `n`'s one reader sees it, so that its value may change.
bool fv__walk_is_private(const fv__walk *walk, int n);

// Whether multiply-adds `saved` for each sample are worth what they cost once a step.
bool fv__walk_pays(const fv__walk *walk, double saved, double cost);

// fv__graph_add to the new graph.
fv_status fv__walk_add(fv__walk *walk, const char *name, const fv__op *op, const void *attributes, const int *inputs,
                       int count, int *node, fv_error *error);

// Notes in a line what made node `node` of the new graph (-1: no node alone).
void fv__walk_note(fv__walk *walk, int node, const char *format, ...) __attribute__((format(printf, 3, 4)));

// The end of a note on what that saves: millions of multiply-adds of one sample, after and before.
#define FV__NOTE_GAIN ": %.2f instead of %.2f million multiply-adds"

// Takes back the notes on nodes that are gone.
void fv__walk_unnote(fv__walk *walk, const bool *gone);

// Joins source node n, with these attributes, to the linear layer of its kind before it, if there is one and it pays.
// *copy is the node of the new graph with n's value, or -1: nothing was done.
fv_status fv__walk_compose(fv__walk *walk, int n, const void *attributes, int *copy, fv_error *error);

// The same for a batch norm or an activation behind a linear layer: the layer with both in it.
fv_status fv__walk_fold(fv__walk *walk, int n, int *copy, fv_error *error);
void fv__walk_note_folds(fv__walk *walk); // writes a line of what was folded since the last

// If source node n is attention, or the dense layer behind it: with a key, or a value, that its heads share, if it
// pays. *copy as above.
fv_status fv__walk_share(fv__walk *walk, int n, int *copy, fv_error *error);

// If source node n is an average over tokens: takes it before the linear layers and the attention that it follows.
// *copy as above.
fv_status fv__walk_pool(fv__walk *walk, int n, int *copy, fv_error *error);

#endif
