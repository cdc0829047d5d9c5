// SPDX-License-Identifier: Apache-2.0
// Inside the attention call: the layer, and graph and plan for the shapes of one call.
#ifndef FOVEA_ATTENTION_ATTENTION_H
#define FOVEA_ATTENTION_ATTENTION_H

#include "fovea.h"
#include "graph/runner.h"
#include "ops/attention.h"

enum { FV__MASK = FV__VALUE + 1, FV__D_OUTPUT, FV__ATTENTION_INPUTS }; // after query, key and value
enum { FV__ATTENTION_ARRAYS = 8 }; // arrays: kernel and bias of query, key, value, output

extern const char *const fv__attention_input_names[FV__ATTENTION_INPUTS];

// What a graph and its plan were made for.
typedef struct fv__attention_shapes {
    int batch, queries, keys;
    int masked, backward, weights; // truths; all members are int so that two are equal if their bytes are
    int mask[3];                   // of one sample: (heads or 1, queries or 1, keys or 1)
    int wanted[3];                 // gradients of query, key, value
} fv__attention_shapes;

typedef struct fv__attention_plan {
    fv__graph graph;
    fv__plan *plan; // NULL: nothing is prepared
    fv__attention_shapes shapes;
    int inputs[FV__ATTENTION_INPUTS], attention, output; // nodes
} fv__attention_plan;

struct fv_attention {
    fv_attention_parameters parameters, parameter_gradients; // what is given out
    fv_attention_options options;
    int widths[3];    // features of query, key, value
    float *values;    // the trained arrays, as the graphs lay them out
    float *gradients; // likewise
    size_t count;     // floats of each
    size_t offsets[FV__ATTENTION_ARRAYS];
    fv__runner runner;                    // started by the first call
    fv__attention_plan forward, backward; // the last of each
};

// Adds the trained arrays: always the same and first, so that any graph's weights lie alike. nodes: of each.
fv_status fv__attention_add_arrays(const fv_attention *attention, fv__graph *graph, int nodes[FV__ATTENTION_ARRAYS],
                                   fv_error *error);

// Makes graph and plan for the shapes, unless they are there already.
fv_status fv__attention_prepare(fv_attention *attention, fv__attention_plan *prepared,
                                const fv__attention_shapes *shapes, fv_error *error);
void fv__attention_drop(fv__attention_plan *prepared);

#endif
