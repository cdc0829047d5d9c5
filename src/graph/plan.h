// SPDX-License-Identifier: Apache-2.0
// A plan: how one graph runs for one purpose and batch size. It is a list of phases, and a phase is a number of
// independent tasks; all memory is laid out when the plan is made, so that running allocates nothing.
//
// What is computed depends on the graph, the batch and the instruction-set level alone. Threads only share out tasks:
// any number of them gives the same bits.
#ifndef FOVEA_GRAPH_PLAN_H
#define FOVEA_GRAPH_PLAN_H

#include "base/pool.h"
#include "base/text.h"
#include "graph/graph.h"

typedef struct fv__plan fv__plan;

typedef struct fv__plan_options {
    int batch;       // most samples of a run
    bool training;   // dropout is on
    bool backward;   // also compute gradients of the sum of root's elements over all samples
    int root;        // the last node of interest: the loss, or the output
    const int *kept; // nodes whose values can be read after a run (root always can)
    int kept_count;
    const int *auxiliary; // nodes whose auxiliary output can be read after a run
    int auxiliary_count;
} fv__plan_options;

// What one run works on.
typedef struct fv__feed {
    int samples;                // 1 … batch
    const float *weights;       // the slab of all weights
    uint64_t seed, epoch;       // of the random draws
    const uint64_t *sample_ids; // (samples); NULL: 0, 1, 2, …
    const fv__target *targets;  // (samples); NULL where no loss is computed
    // Writes samples first … first+count-1 of the input node `input` to `out`. Called from any worker.
    fv_status (*render)(void *context, int input, int first, int count, int worker, float *out, fv_error *error);
    void *context;
} fv__feed;

// The graph must outlive the plan.
fv_status fv__plan_create(const fv__graph *graph, const fv__kernels *kernels, int threads,
                          const fv__plan_options *options, fv__plan **out, fv_error *error);
void fv__plan_destroy(fv__plan *plan); // NULL is fine

// Says that the weights differ from those of the last run: what is derived from them is computed again.
void fv__plan_weights_changed(fv__plan *plan);

// Runs all phases. The pool may have at most the plan's number of threads. Fails as the first sample's render did.
fv_status fv__plan_run(fv__plan *plan, fv__pool *pool, const fv__feed *feed, fv_error *error);

// After a run: (samples, shape) of a kept node, of its gradient (nodes that want one), of its auxiliary output.
const float *fv__plan_value(const fv__plan *plan, int node);
const float *fv__plan_gradient(const fv__plan *plan, int node);
const float *fv__plan_auxiliary(const fv__plan *plan, int node);

// After a run with backward: the gradient of every weight, laid out as the weights are. Whoever has read it must leave
// it zeroed for the next run.
float *fv__plan_weight_gradients(fv__plan *plan);

// What the plan holds, for summaries and reports.
typedef struct fv__plan_report {
    size_t bytes;    // all memory of the plan
    int groups;      // independent groups of samples: the most threads that find work
    int micro_batch; // samples a worker takes at a time
    int phases;
    double multiply_adds; // of forward for one sample
} fv__plan_report;
fv__plan_report fv__plan_describe(const fv__plan *plan);

// The whole plan as text: phases with their instructions, and the arrays with what they hold, their sizes, lives and
// places. How to read it: docs/plan.md. Fails as an fv__text does.
void fv__plan_print(const fv__plan *plan, fv__text *out);

// Time spent in each node, if asked for: seconds by node and direction, summed over workers.
typedef struct fv__node_time {
    double forward, backward;
} fv__node_time;
fv_status fv__plan_profile(fv__plan *plan, bool on, fv_error *error);
fv__node_time fv__plan_time(const fv__plan *plan, int node); // zero when off

#endif
