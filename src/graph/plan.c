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
    fv_status status = check_request(plan, options, error);
    if (status) {
        goto done;
    }
    if (!allocate_tables(plan)) {
        status = fv__fail_memory(error, "the plan");
        goto done;
    }
    for (int i = 0; i < options->auxiliary_count; i++) {
        plan->auxiliary_of[options->auxiliary[i]] = 0;
    }
    if (!fv__plan_compile(plan, options)) {
        status = fv__fail_memory(error, "the plan");
        goto done;
    }
    status = fv__plan_layout(plan, error);
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
