// SPDX-License-Identifier: Apache-2.0
// Where everything of a plan lies and how its work is cut.
//
// An array that begins and ends in one sample phase lives in the worker's arena, for one micro-batch; its place is
// reused by arrays that live later. All others are kept for the whole batch. Arrays may share a place where their lives
// do not overlap. Three arrays of a worker, by instruction:
//
//     offset 0      ┌─ a1: 1 … 2 ─┐      ┌─ a5: 4 … 6 ─┐      a5 begins after a1 has ended: the same place
//     offset 4096   └──── a2: 2 … 5 ────┘                     a2 overlaps both: a place of its own
//
// The largest is placed first, each at the lowest offset that is free all its life.
//
// The batch is cut into groups, which add up their gradients in slots of their own, and a group into micro-batches:
//
//     batch 64 = 16 groups of 4 samples = 16 tasks of a sample phase, each 2 micro-batches of 2 samples
//
// The number of groups depends on the model and the batch, never on the machine, so that neither do the bits.
#include <string.h>

#include "base/memory.h"
#include "graph/plan_internal.h"

enum {
    LINE = FV__ALIGNMENT,
    MOST_GROUPS = 64,              // threads that a batch can feed
    NOMINAL_CACHE = 1024 * 1024,   // bytes of a worker's arrays that should stay near its core
    ROWS_PER_TASK = 32,            // least rows (tokens of all samples) of a task of a batch-cadence node
    MOST_ROW_TASKS = 16,           // each reads all of the weights
    OPERATIONS_PER_SLOT_BYTE = 100 // least arithmetic for each byte that gradient slots move
};

static size_t round_up(size_t bytes) {
    return (bytes + LINE - 1) / LINE * LINE;
}

// --- Arenas

// Lifetimes clash if they overlap: in instructions for a worker's arrays, in phases for those of the whole batch, where
// different samples are at different instructions of a phase.
static bool clash(const fv__plan *plan, const fv__plan_array *a, const fv__plan_array *b) {
    int a_first = a->first, a_last = a->last, b_first = b->first, b_last = b->last;
    if (a->scope == FV__SCOPE_BATCH) {
        a_first = plan->instructions[a_first].phase;
        b_first = plan->instructions[b_first].phase;
        a_last = a->kept ? plan->phase_count : plan->instructions[a_last].phase;
        b_last = b->kept ? plan->phase_count : plan->instructions[b_last].phase;
    }
    return a_first <= b_last && b_first <= a_last;
}

// Lays out the values of one scope for `samples` samples, the largest first, each at the lowest place that is free all
// its life. Returns the arena's size.
static size_t place_values(fv__plan *plan, fv__scope scope, int samples, int *order) {
    int count = 0;
    for (int v = 0; v < plan->value_count; v++) {
        if (plan->values[v].scope == scope) {
            int at = count++;
            for (; at > 0 && plan->values[order[at - 1]].bytes < plan->values[v].bytes; at--) {
                order[at] = order[at - 1];
            }
            order[at] = v;
        }
    }
    size_t arena = 0;
    for (int i = 0; i < count; i++) { // those before i are in the order of their places
        const int v = order[i];
        fv__plan_array *value = &plan->values[v];
        size_t size = round_up(value->bytes * (size_t)samples);
        value->offset = 0;
        for (int j = 0; j < i; j++) {
            const fv__plan_array *other = &plan->values[order[j]];
            size_t other_end = other->offset + round_up(other->bytes * (size_t)samples);
            if (clash(plan, value, other) && value->offset < other_end) {
                if (value->offset + size <= other->offset) {
                    break; // it fits below
                }
                value->offset = other_end;
            }
        }
        int at = i;
        for (; at > 0 && plan->values[order[at - 1]].offset > value->offset; at--) {
            order[at] = order[at - 1];
        }
        order[at] = v;
        arena = arena > value->offset + size ? arena : value->offset + size;
    }
    return arena;
}

static void assign_scopes(fv__plan *plan) {
    for (int v = 0; v < plan->value_count; v++) {
        fv__plan_array *value = &plan->values[v];
        if (value->last < value->first) { // written, never read
            value->last = value->first;
        }
        const fv__instruction *first = &plan->instructions[value->first];
        bool one_phase = first->phase == plan->instructions[value->last].phase;
        bool local = one_phase && !value->kept && plan->phases[first->phase].kind == FV__PHASE_SAMPLES;
        value->scope = local ? FV__SCOPE_LOCAL : FV__SCOPE_BATCH;
    }
}

// --- How the batch is cut

static int divide_up(size_t count, size_t part) {
    return (int)((count + part - 1) / part);
}

// The most groups, a power of two, whose gradient slots cost little next to the arithmetic of the step.
static int choose_groups(const fv__plan *plan) {
    int groups = 1;
    double operations = 2 * 3 * plan->multiply_adds * plan->batch;
    while (2 * groups <= plan->batch && 2 * groups <= MOST_GROUPS) {
        double moved = 3.0 * 2 * groups * (double)plan->slot_count * sizeof(float); // accumulated, summed, cleared
        if (plan->backward && operations < OPERATIONS_PER_SLOT_BYTE * moved) {
            break;
        }
        groups *= 2;
    }
    return groups;
}

// The samples of a group that a worker carries at a time: parts of the group, as equal as possible, whose arrays fit
// into the core's cache. `one_sample` is the arena's size for one.
static int choose_micro_batch(const fv__plan *plan, size_t one_sample) {
    const int group = divide_up((size_t)plan->batch, (size_t)plan->groups);
    const size_t fitting = one_sample && one_sample < NOMINAL_CACHE ? NOMINAL_CACHE / one_sample : 1;
    size_t parts = 1;
    while (one_sample && (size_t)divide_up((size_t)group, parts) > fitting) {
        parts++;
    }
    return divide_up((size_t)group, parts);
}

static void place_slots(fv__plan *plan) {
    for (int n = 0; n < plan->graph->node_count; n++) {
        fv__step_value *step = &plan->steps[n];
        if (step->has_slot) {
            size_t count = fv__shape_elements(&plan->graph->nodes[n].view.output);
            step->slot_offset = plan->slot_count;
            plan->slot_count += round_up(count * sizeof(float)) / sizeof(float);
        }
    }
}

// Tasks of the forward pass of a batch-cadence node.
static int row_tasks(const fv__plan *plan, int n) {
    const fv__shape *output = &plan->graph->nodes[n].view.output;
    const size_t rows = fv__shape_elements(output) / (size_t)output->size[output->rank - 1] * (size_t)plan->batch;
    int tasks = divide_up(rows, ROWS_PER_TASK);
    tasks = tasks < MOST_ROW_TASKS ? tasks : MOST_ROW_TASKS;
    return tasks < plan->batch ? tasks : plan->batch;
}

// Sets the number of tasks of each phase, and the largest scratch any call wants.
static void cut_phases(fv__plan *plan) {
    for (int p = 0; p < plan->phase_count; p++) {
        fv__phase *phase = &plan->phases[p];
        int samples = 1;
        switch (phase->kind) {
        case FV__PHASE_STEP_FORWARD:
        case FV__PHASE_STEP_BACKWARD:
            phase->tasks = phase->end - phase->begin;
            break;
        case FV__PHASE_PREPARE:
            phase->tasks = plan->prepare_count;
            break;
        case FV__PHASE_SAMPLES:
            phase->tasks = plan->groups;
            samples = plan->micro_batch;
            break;
        case FV__PHASE_SLICES: {
            const fv__node *node = &plan->graph->nodes[plan->instructions[phase->begin].node];
            const int slices = node->op->slices(&node->view, plan->kernels);
            phase->tasks = slices < plan->threads ? slices : plan->threads;
            break;
        }
        case FV__PHASE_ROWS:
            phase->tasks = row_tasks(plan, plan->instructions[phase->begin].node);
            samples = divide_up((size_t)plan->batch, (size_t)phase->tasks);
            break;
        case FV__PHASE_TILES: {
            const fv__node *node = &plan->graph->nodes[plan->instructions[phase->begin].node];
            phase->tasks = node->op->tiles(&node->view);
            samples = plan->batch;
            break;
        }
        case FV__PHASE_REDUCE:
            phase->tasks = divide_up(plan->slot_count, FV__WEIGHTS_PER_TASK);
            break;
        }
        for (int i = phase->begin; i < phase->end; i++) {
            if (plan->instructions[i].kind != FV__RUN_SUM) {
                const size_t scratch = round_up(fv__plan_needs(plan, plan->instructions[i].node, samples).scratch);
                plan->scratch_bytes = plan->scratch_bytes > scratch ? plan->scratch_bytes : scratch;
            }
        }
    }
}

// --- Memory

// Lists the nodes that prepare something and where each puts it.
static void place_prepared(fv__plan *plan, size_t *offsets) {
    for (int n = 0; n < plan->graph->node_count; n++) {
        const fv__node *node = &plan->graph->nodes[n];
        if (!plan->used[n] || !node->op->prepare) {
            continue;
        }
        const size_t prepared = fv__plan_needs(plan, n, 1).prepared;
        if (prepared) {
            offsets[n] = plan->prepared_bytes;
            plan->prepared_bytes += round_up(prepared);
            plan->prepare_nodes[plan->prepare_count++] = n;
        }
    }
}

static bool allocate(fv__plan *plan, const size_t *prepared_offsets) {
    plan->batch_arena = fv__alloc(plan->batch_bytes + LINE);
    plan->prepared_arena = fv__alloc(plan->prepared_bytes + LINE);
    plan->computed = fv__alloc_array(plan->computed_count + LINE, sizeof(float));
    plan->identity_ids = fv__alloc_array((size_t)plan->batch, sizeof *plan->identity_ids);
    plan->worker_arenas = fv__alloc_array((size_t)plan->threads, sizeof *plan->worker_arenas);
    if (!plan->batch_arena || !plan->prepared_arena || !plan->computed || !plan->identity_ids || !plan->worker_arenas) {
        return false;
    }
    if (plan->backward) {
        plan->gradients = fv__alloc_array(plan->gradient_count + LINE, sizeof(float));
        plan->slots = fv__alloc_array((size_t)plan->groups * plan->slot_count + LINE, sizeof(float));
        if (!plan->gradients || !plan->slots) {
            return false;
        }
    }
    for (int t = 0; t < plan->threads; t++) {
        plan->worker_arenas[t] = fv__alloc(plan->local_bytes + plan->scratch_bytes + LINE);
        if (!plan->worker_arenas[t]) {
            return false;
        }
    }
    for (int i = 0; i < plan->prepare_count; i++) {
        int n = plan->prepare_nodes[i];
        plan->prepared[n] = plan->prepared_arena + prepared_offsets[n];
    }
    for (int i = 0; i < plan->batch; i++) {
        plan->identity_ids[i] = (uint64_t)i;
    }
    return true;
}

fv_status fv__plan_layout(fv__plan *plan, fv_error *error) {
    fv_status status = FV_OK;
    int *order = fv__alloc_array((size_t)plan->value_count + 1, sizeof *order);
    size_t *prepared_offsets = fv__alloc_array((size_t)plan->graph->node_count, sizeof *prepared_offsets);
    FV__TRY_OR_DONE(order && prepared_offsets ? FV_OK : fv__fail_memory(error, "the plan"));
    assign_scopes(plan);
    place_slots(plan);
    plan->groups = choose_groups(plan);
    plan->micro_batch = choose_micro_batch(plan, place_values(plan, FV__SCOPE_LOCAL, 1, order));
    plan->local_bytes = place_values(plan, FV__SCOPE_LOCAL, plan->micro_batch, order);
    plan->batch_bytes = place_values(plan, FV__SCOPE_BATCH, plan->batch, order);
    place_prepared(plan, prepared_offsets);
    cut_phases(plan);
    FV__TRY_OR_DONE(
        allocate(plan, prepared_offsets) ? FV_OK : fv__fail_memory(error, "the arrays of a step: try a smaller batch"));
done:
    fv__free(order);
    fv__free(prepared_offsets);
    return status;
}

fv__plan_report fv__plan_describe(const fv__plan *plan) {
    size_t workers = (size_t)plan->threads * (plan->local_bytes + plan->scratch_bytes);
    size_t gradients = plan->backward ? plan->gradient_count + (size_t)plan->groups * plan->slot_count : 0;
    return (fv__plan_report){.bytes = workers + plan->batch_bytes + plan->prepared_bytes +
                                      (gradients + plan->computed_count) * sizeof(float),
                             .groups = plan->groups,
                             .micro_batch = plan->micro_batch,
                             .phases = plan->phase_count,
                             .multiply_adds = plan->multiply_adds};
}
