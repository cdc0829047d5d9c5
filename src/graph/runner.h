// SPDX-License-Identifier: Apache-2.0
// What runs graphs: the kernels of one instruction-set level, a pool of threads, and one graph as the algebra pass left
// it. Prediction, training, features, explanation and the attention call each hold one; plans are made and run through
// it.
#ifndef FOVEA_GRAPH_RUNNER_H
#define FOVEA_GRAPH_RUNNER_H

#include "graph/plan.h"
#include "graph/rewrite.h"

typedef struct fv__runner {
    const fv__kernels *kernels;
    fv__pool *pool;
    bool shared;         // kernels and pool belong to another runner
    fv__rewrite rewrite; // empty before fv__runner_rewrite
} fv__runner;

// Chooses the kernels and starts `threads` workers (0: as many as the machine allows). fv__runner_stop is fine also
// after a failure, and for a runner of zeros.
fv_status fv__runner_start(fv__runner *runner, int threads, fv_error *error);

// Uses the kernels and threads of another runner, which must outlive this one.
void fv__runner_share(fv__runner *runner, const fv__runner *other);

void fv__runner_stop(fv__runner *runner);

// The graph that is going to run: runner->rewrite.graph, with node_of for the nodes that are wanted.
fv_status fv__runner_rewrite(fv__runner *runner, const fv__graph *graph, const fv__rewrite_options *options,
                             fv_error *error);

int fv__runner_threads(const fv__runner *runner);

// A plan of any graph for these kernels and threads; `graph` NULL: the rewritten one. Release with fv__plan_destroy.
fv_status fv__runner_plan(const fv__runner *runner, const fv__graph *graph, const fv__plan_options *options,
                          fv__plan **out, fv_error *error);

fv_status fv__runner_run(const fv__runner *runner, fv__plan *plan, const fv__feed *feed, fv_error *error);

#endif
