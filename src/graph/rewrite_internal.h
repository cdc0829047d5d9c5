// SPDX-License-Identifier: Apache-2.0
// The rewriter: a walk over the source graph that copies its nodes in order. rewrite.c says what is copied and how,
// rewrite_match.c what the rules look for; the rules are compose.c (linear layers joined), fold.c (what follows them
// taken in), share.c (keys and values of heads) and average.c (averages moved to the front).
#ifndef FOVEA_GRAPH_REWRITE_INTERNAL_H
#define FOVEA_GRAPH_REWRITE_INTERNAL_H

#include "graph/rewrite.h"
#include "ops/convolution.h"
#include "ops/dense.h"

// A rewrite that was made, in words.
typedef struct fv__note {
    int node; // the node of the new graph it made; -1: none alone
    char *what;
} fv__note;

typedef struct fv__rewriter {
    const fv__graph *source;
    fv__rewrite *out;
    int batch;
    bool rules, training;
    int *uses;              // by source node: how many nodes read it
    bool *wanted;           // by source node
    bool *activation_moves; // by source node: the node that reads it takes over its activation
    bool *trained;          // by source node: it depends on something trainable, or its gradient is wanted
    fv__note *notes;
    int note_count, note_capacity;
    bool out_of_memory; // for a note
    // What was folded into the layers called fold_name and is not noted yet.
    const char *fold_name;
    int folded_norms, folded_activations;
} fv__rewriter;

// --- What the rules look for (rewrite_match.c)

// The node of the new graph with the value of source node n.
const fv__node *fv__rewriter_copy_of(const fv__rewriter *rewriter, int n);

// Only `n`'s one reader sees it, so that its value may change.
bool fv__rewriter_is_private(const fv__rewriter *rewriter, int n);

// The activation at the end of a dense layer or a convolution; NULL for other ops.
const fv__activation *fv__node_activation(const fv__node *node);

// Dense layers and convolutions are linear where no activation ends them.
bool fv__node_is_linear(const fv__node *node);

// Source node n is a linear dense layer that only one node reads.
bool fv__rewriter_is_private_dense(const fv__rewriter *rewriter, int n);

// The linear layer of the new graph that source node n reads, through views if asked, where nobody else sees its value:
// its node, and *source the source node whose value it has; -1: there is none.
int fv__rewriter_linear_before(const fv__rewriter *rewriter, int n, bool through_views, int *source);

// The bias of a dense layer or convolution, as a node of its graph; -1: it has none. And of a source node, in the new
// graph.
int fv__node_bias(const fv__node *node);
int fv__rewriter_bias_of(const fv__rewriter *rewriter, const fv__node *source);

// The nodes of the new graph that a source node reads.
void fv__rewriter_find_inputs(const fv__rewriter *rewriter, const fv__node *source, int inputs[FV__MAX_INPUTS]);

// Whether multiply-adds `saved` for each sample are worth what they cost once a step.
bool fv__rewriter_pays(const fv__rewriter *rewriter, double saved, double cost);

// --- What the rules do (rewrite.c)

// fv__graph_add to the new graph.
fv_status fv__rewriter_add(fv__rewriter *rewriter, const char *name, const fv__op *op, const void *attributes,
                           const int *inputs, int count, int *node, fv_error *error);

// The same for two inputs and perhaps a third: x, weights and bias, or two factors and an offset; inputs[2] is -1 where
// there is none.
fv_status fv__rewriter_add_biased(fv__rewriter *rewriter, const char *name, const fv__op *op, const void *attributes,
                                  const int inputs[3], int *node, fv_error *error);

// Notes what made node `node` of the new graph (-1: no node alone).
void fv__rewriter_note(fv__rewriter *rewriter, int node, const char *format, ...) __attribute__((format(printf, 3, 4)));

// The end of a note on what that saves: millions of multiply-adds of one sample, after and before.
#define FV__NOTE_GAIN ": %.2f instead of %.2f million multiply-adds"

// Takes back the notes on nodes that are gone.
void fv__rewriter_unnote(fv__rewriter *rewriter, const bool *gone);

// --- The rules. Each looks at source node n; *copy becomes the node of the new graph with its value where the rule
// applies and pays, and stays -1 otherwise.

// Joins n, with these attributes, to the linear layer of its kind before it.
fv_status fv__rewriter_compose(fv__rewriter *rewriter, int n, const void *attributes, int *copy, fv_error *error);

// n is a batch norm or an activation after a linear layer: the layer with both in it.
fv_status fv__rewriter_fold(fv__rewriter *rewriter, int n, int *copy, fv_error *error);
void fv__rewriter_note_folds(fv__rewriter *rewriter); // notes what was folded since the last

// n is attention, or the dense layer after it: with a key, or a value, that its heads share.
fv_status fv__rewriter_share(fv__rewriter *rewriter, int n, int *copy, fv_error *error);

// n is an average over tokens: takes it before the linear layers and the attention that it follows.
fv_status fv__rewriter_average(fv__rewriter *rewriter, int n, int *copy, fv_error *error);

#endif
