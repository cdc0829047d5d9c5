// SPDX-License-Identifier: Apache-2.0
#include "graph/runner.h"

fv_status fv__runner_start(fv__runner *runner, int threads, fv_error *error) {
    *runner = (fv__runner){0};
    FV__TRY(fv__kernels_select(NULL, &runner->kernels, error));
    return fv__pool_create(threads, &runner->pool, error);
}

void fv__runner_share(fv__runner *runner, const fv__runner *other) {
    *runner = (fv__runner){.kernels = other->kernels, .pool = other->pool, .shared = true};
}

void fv__runner_stop(fv__runner *runner) {
    fv__rewrite_free(&runner->rewrite);
    if (!runner->shared) {
        fv__pool_destroy(runner->pool);
    }
    *runner = (fv__runner){0};
}

fv_status fv__runner_rewrite(fv__runner *runner, const fv__graph *graph, const fv__rewrite_options *options,
                             fv_error *error) {
    return fv__rewrite_make(graph, options, &runner->rewrite, error);
}

int fv__runner_threads(const fv__runner *runner) {
    return fv__pool_threads(runner->pool);
}

fv_status fv__runner_plan(const fv__runner *runner, const fv__graph *graph, const fv__plan_options *options,
                          fv__plan **out, fv_error *error) {
    return fv__plan_create(graph ? graph : &runner->rewrite.graph, runner->kernels, fv__runner_threads(runner), options,
                           out, error);
}

fv_status fv__runner_run(const fv__runner *runner, fv__plan *plan, const fv__feed *feed, fv_error *error) {
    return fv__plan_run(plan, runner->pool, feed, error);
}
