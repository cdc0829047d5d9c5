// SPDX-License-Identifier: Apache-2.0
// Compiles a graph into instructions and phases. The order is the graph's own; its reverse gives the backward pass.
//
// An instruction is one call of an op on some samples. It reads arrays and writes new ones (static single assignment:
// no array is written twice), and an array lives from the instruction that writes it to the last one that reads it.
// For x → conv → relu → dense → loss, where the dense layer's weights are so large that it runs over the whole batch:
//
//     phase    instruction          reads          writes          lives
//     samples  0 input                             a0 x            0 … 6
//              1 conv     forward   a0             a1              1 … 2
//              2 relu     forward   a1             a2              2 … 5
//     rows     3 dense    forward   a2             a3              3 … 4
//     samples  4 loss     forward   a3             a4              4
//              … loss     backward  a3             a5 = d a3
//     tiles    5 dense    backward  a2, a5         a6 = d a2, and the gradient of its weights
//     samples  6 relu, conv backward …             slots for the gradients of conv's weights
//     reduce     the slots are added up
//
// A phase is a run of instructions that a worker can do for its samples without meeting the others. Nodes of sample
// cadence continue the phase before; every other kind begins its own. Weights, and what depends on them alone, are no
// arrays: they have their places from the start (compile_steps.c), and their gradients too. docs/plan.md walks through a
// real plan.
#include "base/memory.h"
#include "graph/plan_internal.h"

// --- Phases, instructions and arrays. What fails here fails with FV_MEMORY, which fv__plan_create puts in words.

fv_status fv__plan_open_phase(fv__plan *plan, fv__phase_kind kind, bool alone) {
    const fv__phase *last = plan->phase_count ? &plan->phases[plan->phase_count - 1] : NULL;
    if (!alone && last && last->kind == kind) {
        return FV_OK;
    }
    if (!fv__reserve((void **)&plan->phases, plan->phase_count, &plan->phase_capacity, sizeof *plan->phases)) {
        return FV_MEMORY;
    }
    plan->phases[plan->phase_count++] =
        (fv__phase){.kind = kind, .begin = plan->instruction_count, .end = plan->instruction_count};
    return FV_OK;
}

fv__instruction fv__plan_instruction(fv__instruction_kind kind, int node) {
    fv__instruction instruction = {.kind = kind,
                                   .node = node,
                                   .out = FV__NO_VALUE,
                                   .d_out = FV__NO_VALUE,
                                   .saved = FV__NO_VALUE,
                                   .auxiliary = FV__NO_VALUE};
    for (int i = 0; i < FV__MAX_INPUTS; i++) {
        instruction.in[i] = instruction.d_in[i] = FV__NO_VALUE;
    }
    return instruction;
}

fv_status fv__plan_add_instruction(fv__plan *plan, const fv__instruction *instruction) {
    if (!fv__reserve((void **)&plan->instructions, plan->instruction_count, &plan->instruction_capacity,
                     sizeof *plan->instructions)) {
        return FV_MEMORY;
    }
    plan->instructions[plan->instruction_count] = *instruction;
    plan->instructions[plan->instruction_count++].phase = plan->phase_count - 1;
    plan->phases[plan->phase_count - 1].end = plan->instruction_count;
    return FV_OK;
}

// A new array of so many bytes a sample, written by the next instruction.
static fv_status add_value(fv__plan *plan, size_t bytes, int *value) {
    if (!fv__reserve((void **)&plan->values, plan->value_count, &plan->value_capacity, sizeof *plan->values)) {
        return FV_MEMORY;
    }
    plan->values[plan->value_count] = (fv__plan_array){.bytes = bytes, .first = plan->instruction_count};
    *value = plan->value_count++;
    return FV_OK;
}

// The next instruction reads this array.
static void read_value(fv__plan *plan, int value) {
    if (value != FV__NO_VALUE) {
        plan->values[value].last = plan->instruction_count;
    }
}

// --- What takes part

static size_t sample_bytes(const fv__shape *shape) {
    return fv__shape_elements(shape) * sizeof(float);
}

static bool is_alias(const fv__plan *plan, const fv__node *node) {
    return node->op->view || (node->op->identity_in_inference && !plan->training);
}

static void mark_used(fv__plan *plan, const fv__plan_options *options) {
    plan->used[options->root] = true;
    for (int i = 0; i < options->kept_count; i++) {
        plan->used[options->kept[i]] = true;
    }
    for (int i = 0; i < options->auxiliary_count; i++) {
        plan->used[options->auxiliary[i]] = true;
    }
    for (int n = plan->graph->node_count - 1; n >= 0; n--) {
        const fv__node *node = &plan->graph->nodes[n];
        for (int i = 0; plan->used[n] && i < node->view.input_count; i++) {
            plan->used[node->inputs[i]] = true;
        }
    }
}

static void mark_gradients(fv__plan *plan) {
    for (int n = 0; plan->backward && n < plan->graph->node_count; n++) {
        const fv__node *node = &plan->graph->nodes[n];
        bool needs =
            node->wants_gradient || (node->parameter >= 0 && plan->graph->parameters[node->parameter].trainable);
        for (int i = 0; i < node->view.input_count; i++) {
            needs = needs || plan->needs_gradient[node->inputs[i]];
        }
        plan->needs_gradient[n] = plan->used[n] && needs;
    }
}

// --- Forward

// Where there are fewer samples than workers, these share the nodes that are worth it.
static fv__phase_kind forward_phase(const fv__plan *plan, const fv__node *node) {
    enum { LEAST_WORK = 1 << 18 }; // multiply-adds for which the workers meet: some 10 µs
    const bool worth = node->op->slices && fv__node_multiply_adds(node) >= LEAST_WORK;
    if (worth && !plan->backward && plan->batch < plan->threads) {
        return FV__PHASE_SLICES;
    }
    return node->view.cadence == FV__CADENCE_BATCH ? FV__PHASE_ROWS : FV__PHASE_SAMPLES;
}

static fv_status forward_node(fv__plan *plan, int n) {
    const fv__node *node = &plan->graph->nodes[n];
    const fv__phase_kind kind = forward_phase(plan, node);
    FV__TRY(fv__plan_open_phase(plan, kind, kind != FV__PHASE_SAMPLES));
    fv__instruction instruction = fv__plan_instruction(FV__RUN_FORWARD, n);
    for (int i = 0; i < node->view.input_count; i++) {
        instruction.in[i] = plan->value_of[node->inputs[i]];
        read_value(plan, instruction.in[i]);
    }
    FV__TRY(add_value(plan, sample_bytes(&node->view.output), &instruction.out));
    plan->value_of[n] = instruction.out;
    const size_t saved = fv__plan_needs(plan, n, 1).saved;
    if (saved && plan->needs_gradient[n]) {
        FV__TRY(add_value(plan, saved, &instruction.saved));
        plan->saved_of[n] = instruction.saved;
    }
    if (plan->auxiliary_of[n] != FV__NO_VALUE) { // asked for: see fv__plan_create
        fv__shape shape;
        node->op->auxiliary(&node->view, &shape);
        FV__TRY(add_value(plan, sample_bytes(&shape), &instruction.auxiliary));
        plan->auxiliary_of[n] = instruction.auxiliary;
        plan->values[instruction.auxiliary].kept = true;
    }
    plan->multiply_adds += fv__node_multiply_adds(node);
    return fv__plan_add_instruction(plan, &instruction);
}

static fv_status compile_forward(fv__plan *plan) {
    for (int n = 0; n < plan->graph->node_count; n++) {
        const fv__node *node = &plan->graph->nodes[n];
        if (!plan->used[n] || node->view.cadence == FV__CADENCE_STEP) {
            continue;
        }
        if (is_alias(plan, node)) {
            plan->value_of[n] = plan->value_of[node->inputs[0]];
        } else {
            FV__TRY(forward_node(plan, n));
        }
    }
    return FV_OK;
}

// --- Backward

// Adds a contribution to what has been gathered of a node's gradient.
static fv_status contribute(fv__plan *plan, int node, int contribution) {
    const int gathered = plan->gradient_of[node];
    if (gathered == FV__NO_VALUE) {
        plan->gradient_of[node] = contribution;
        return FV_OK;
    }
    FV__TRY(fv__plan_open_phase(plan, FV__PHASE_SAMPLES, false));
    fv__instruction instruction = fv__plan_instruction(FV__RUN_SUM, node);
    instruction.in[0] = gathered;
    instruction.in[1] = contribution;
    read_value(plan, gathered);
    read_value(plan, contribution);
    FV__TRY(add_value(plan, plan->values[gathered].bytes, &instruction.out));
    plan->gradient_of[node] = instruction.out;
    return fv__plan_add_instruction(plan, &instruction);
}

static fv_status backward_node(fv__plan *plan, int n) {
    const fv__node *node = &plan->graph->nodes[n];
    const bool whole_batch = node->view.cadence == FV__CADENCE_BATCH;
    FV__TRY(fv__plan_open_phase(plan, whole_batch ? FV__PHASE_TILES : FV__PHASE_SAMPLES, whole_batch));
    fv__instruction instruction = fv__plan_instruction(FV__RUN_BACKWARD, n);
    const uint32_t reads = node->op->backward_reads ? node->op->backward_reads(&node->view) : 0;
    instruction.d_out = plan->gradient_of[n];
    instruction.saved = plan->saved_of[n];
    instruction.out = reads & FV__READS_OUTPUT ? plan->value_of[n] : FV__NO_VALUE;
    read_value(plan, instruction.d_out);
    read_value(plan, instruction.saved);
    read_value(plan, instruction.out);
    for (int i = 0; i < node->view.input_count; i++) {
        const int input = node->inputs[i];
        if (node->view.input_is_weight[i]) {
            fv__step_value *step = &plan->steps[input];
            instruction.weight_gradient[i] = step->wants_gradient;
            step->has_slot |= step->wants_gradient && !whole_batch;
            continue;
        }
        if (reads & FV__READS_INPUT(i)) {
            instruction.in[i] = plan->value_of[input];
            read_value(plan, instruction.in[i]);
        }
        if (plan->needs_gradient[input]) {
            FV__TRY(add_value(plan, sample_bytes(&node->view.inputs[i]), &instruction.d_in[i]));
        }
    }
    FV__TRY(fv__plan_add_instruction(plan, &instruction));
    for (int i = 0; i < node->view.input_count; i++) {
        if (instruction.d_in[i] != FV__NO_VALUE) {
            FV__TRY(contribute(plan, node->inputs[i], instruction.d_in[i]));
        }
    }
    return FV_OK;
}

// The gradient of the output is that of every input.
static fv_status pass_gradient(fv__plan *plan, int n) {
    const fv__node *node = &plan->graph->nodes[n];
    for (int i = 0; i < node->view.input_count; i++) {
        if (plan->needs_gradient[node->inputs[i]]) {
            FV__TRY(contribute(plan, node->inputs[i], plan->gradient_of[n]));
        }
    }
    return FV_OK;
}

// Whether a node hands gradients on; one whose own gradient is asked for need not.
static bool feeds_gradient(const fv__plan *plan, const fv__node *node) {
    for (int i = 0; i < node->view.input_count; i++) {
        if (plan->needs_gradient[node->inputs[i]]) {
            return true;
        }
    }
    return false;
}

static fv_status compile_backward(fv__plan *plan) {
    for (int n = plan->graph->node_count - 1; n >= 0; n--) {
        const fv__node *node = &plan->graph->nodes[n];
        const bool reached = n == plan->root || plan->gradient_of[n] != FV__NO_VALUE;
        if (!reached || node->view.cadence == FV__CADENCE_STEP || !feeds_gradient(plan, node)) {
            continue;
        }
        if (is_alias(plan, node) || node->op->passes_gradient) {
            FV__TRY(pass_gradient(plan, n));
        } else if (node->op->backward) {
            FV__TRY(backward_node(plan, n));
        }
    }
    return FV_OK;
}

// --- The whole

// What is read after the run.
static void keep_values(fv__plan *plan, const fv__plan_options *options) {
    plan->values[plan->value_of[plan->root]].kept = true;
    for (int i = 0; i < options->kept_count; i++) {
        plan->values[plan->value_of[options->kept[i]]].kept = true;
    }
    for (int n = 0; n < plan->graph->node_count; n++) {
        if (plan->graph->nodes[n].wants_gradient && plan->gradient_of[n] != FV__NO_VALUE) {
            plan->values[plan->gradient_of[n]].kept = true;
        }
    }
}

fv_status fv__plan_compile(fv__plan *plan, const fv__plan_options *options) {
    mark_used(plan, options);
    mark_gradients(plan);
    fv__plan_place_steps(plan);
    FV__TRY(fv__plan_compile_steps(plan, FV__PHASE_STEP_FORWARD));
    FV__TRY(fv__plan_open_phase(plan, FV__PHASE_PREPARE, true));
    FV__TRY(compile_forward(plan));
    if (plan->backward) {
        FV__TRY(compile_backward(plan));
        FV__TRY(fv__plan_open_phase(plan, FV__PHASE_REDUCE, true));
        FV__TRY(fv__plan_compile_steps(plan, FV__PHASE_STEP_BACKWARD));
    }
    keep_values(plan, options);
    return FV_OK;
}
