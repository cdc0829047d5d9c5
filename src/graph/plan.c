// SPDX-License-Identifier: Apache-2.0
// Making and destroying plans: compile.c finds the instructions, layout.c their places.
#include "graph/plan.h"

#include <string.h>

#include "base/memory.h"
#include "graph/plan_internal.h"

static bool allocate_tables(fv__plan *plan) {
    size_t nodes = (size_t)plan->graph->node_count;
    plan->value_of = fv__alloc_array(nodes, sizeof *plan->value_of);
    plan->gradient_of = fv__alloc_array(nodes, sizeof *plan->gradient_of);
    plan->auxiliary_of = fv__alloc_array(nodes, sizeof *plan->auxiliary_of);
    plan->saved_of = fv__alloc_array(nodes, sizeof *plan->saved_of);
    plan->needs_gradient = fv__alloc_array(nodes, sizeof *plan->needs_gradient);
    plan->used = fv__alloc_array(nodes, sizeof *plan->used);
    plan->steps = fv__alloc_array(nodes, sizeof *plan->steps);
    plan->prepared = fv__alloc_array(nodes, sizeof *plan->prepared);
    plan->prepare_nodes = fv__alloc_array(nodes, sizeof *plan->prepare_nodes);
    if (!plan->value_of || !plan->gradient_of || !plan->auxiliary_of || !plan->saved_of || !plan->needs_gradient ||
        !plan->used || !plan->steps || !plan->prepared || !plan->prepare_nodes) {
        return false;
    }
    for (size_t n = 0; n < nodes; n++) {
        plan->value_of[n] = plan->gradient_of[n] = plan->auxiliary_of[n] = plan->saved_of[n] = FV__NO_VALUE;
    }
    return true;
}

fv__op_needs fv__plan_needs(const fv__plan *plan, int n, int samples) {
    const fv__node *node = &plan->graph->nodes[n];
    fv__op_needs needs = {0};
    if (node->op->needs) {
        node->op->needs(&node->view, plan->kernels, samples, plan->needs_gradient[n], &needs);
    }
    return needs;
}

// Whether what is asked for exists.
static fv_status check_request(const fv__plan *plan, const fv__plan_options *options, fv_error *error) {
    const fv__graph *graph = plan->graph;
    const fv__node *root = &graph->nodes[plan->root];
    if (plan->batch < 1 || plan->threads < 1) {
        return fv__fail(error, FV_INVALID, "a plan for %d samples and %d threads; at least 1 of each is needed",
                        plan->batch, plan->threads);
    }
    if (plan->backward && !root->op->starts_gradient) {
        return fv__fail(error, FV_INVALID, "gradients start from a loss, not from layer %s (%s), which gives %s",
                        root->name, root->op->name, fv__shape_print(&root->view.output).text);
    }
    for (int i = -1; i < options->kept_count; i++) {
        const fv__node *node = &graph->nodes[i < 0 ? plan->root : options->kept[i]];
        if (node->view.cadence == FV__CADENCE_STEP) {
            return fv__fail(error, FV_INVALID, "%s depends on no sample: a plan has no value of it", node->name);
        }
    }
    for (int i = 0; i < options->auxiliary_count; i++) {
        const fv__node *node = &graph->nodes[options->auxiliary[i]];
        if (!node->op->auxiliary) {
            return fv__fail(error, FV_INVALID, "layer %s (%s) has no weights to show: ask for an attention layer's",
                            node->name, node->op->name);
        }
    }
    return FV_OK;
}

fv_status fv__plan_create(const fv__graph *graph, const fv__kernels *kernels, int threads,
                          const fv__plan_options *options, fv__plan **out, fv_error *error) {
    *out = NULL;
    fv__plan *plan = fv__alloc(sizeof *plan);
    if (!plan) {
        return fv__fail_memory(error, "the plan");
    }
    plan->graph = graph;
    plan->kernels = kernels;
    plan->batch = options->batch;
    plan->threads = threads;
    plan->training = options->training;
    plan->backward = options->backward;
    plan->root = options->root;
    plan->stale = true;
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(check_request(plan, options, error));
    FV__TRY_OR_DONE(allocate_tables(plan) ? FV_OK : fv__fail_memory(error, "the plan"));
    for (int i = 0; i < options->auxiliary_count; i++) {
        plan->auxiliary_of[options->auxiliary[i]] = 0;
    }
    FV__TRY_OR_DONE(fv__plan_compile(plan, options) ? fv__fail_memory(error, "the plan") : FV_OK);
    FV__TRY_OR_DONE(fv__plan_layout(plan, error));
done:
    if (status) {
        fv__plan_destroy(plan);
        return status;
    }
    *out = plan;
    return FV_OK;
}

void fv__plan_destroy(fv__plan *plan) {
    if (!plan) {
        return;
    }
    for (int i = 0; plan->worker_arenas && i < plan->threads; i++) {
        fv__free(plan->worker_arenas[i]);
    }
    void *const blocks[] = {plan->instructions, plan->values,         plan->phases,        plan->value_of,
                            plan->gradient_of,  plan->auxiliary_of,   plan->saved_of,      plan->needs_gradient,
                            plan->used,         plan->steps,          plan->prepared,      plan->prepare_nodes,
                            plan->batch_arena,  plan->prepared_arena, plan->worker_arenas, plan->computed,
                            plan->gradients,    plan->slots,          plan->identity_ids,  plan->times};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        fv__free(blocks[i]);
    }
    fv__free(plan);
}

void fv__plan_weights_changed(fv__plan *plan) {
    plan->stale = true;
}

// --- Profiles

fv_status fv__plan_profile(fv__plan *plan, bool on, fv_error *error) {
    fv__free(plan->times);
    plan->times = NULL;
    if (on) {
        plan->times = fv__alloc_array((size_t)plan->threads * (size_t)plan->graph->node_count, sizeof *plan->times);
        if (!plan->times) {
            return fv__fail_memory(error, "the profile");
        }
    }
    return FV_OK;
}

fv__node_time fv__plan_time(const fv__plan *plan, int node) {
    fv__node_time total = {0};
    for (int t = 0; plan->times && t < plan->threads; t++) {
        total.forward += plan->times[t * plan->graph->node_count + node].forward;
        total.backward += plan->times[t * plan->graph->node_count + node].backward;
    }
    return total;
}
