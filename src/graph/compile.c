// Compiles a graph into instructions and phases. The order is the graph's own; its reverse gives the backward pass.
#include "base/memory.h"
#include "graph/plan_internal.h"

// --- Growing lists

// A new value, or FV__NO_VALUE when there is no memory.
static int add_value(fv__plan *plan, size_t bytes) {
    if (!fv__reserve((void **)&plan->values, plan->value_count, &plan->value_capacity, sizeof *plan->values)) {
        return FV__NO_VALUE;
    }
    plan->values[plan->value_count] = (fv__plan_array){.bytes = bytes, .first = plan->instruction_count};
    return plan->value_count++;
}

static void read_value(fv__plan *plan, int value) {
    if (value != FV__NO_VALUE) {
        plan->values[value].last = plan->instruction_count;
    }
}

// The phase that the next instruction belongs to: sample phases are continued, all others stand alone.
static bool open_phase(fv__plan *plan, fv__phase_kind kind, bool alone) {
    fv__phase *last = plan->phase_count ? &plan->phases[plan->phase_count - 1] : NULL;
    if (!alone && last && last->kind == kind) {
        return true;
    }
    if (!fv__reserve((void **)&plan->phases, plan->phase_count, &plan->phase_capacity, sizeof *plan->phases)) {
        return false;
    }
    plan->phases[plan->phase_count++] =
        (fv__phase){.kind = kind, .begin = plan->instruction_count, .end = plan->instruction_count};
    return true;
}

static fv__instruction blank_instruction(fv__instruction_kind kind, int node) {
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

// Appends to the phase opened last.
static bool add_instruction(fv__plan *plan, const fv__instruction *instruction) {
    if (!fv__reserve((void **)&plan->instructions, plan->instruction_count, &plan->instruction_capacity,
                     sizeof *plan->instructions)) {
        return false;
    }
    plan->instructions[plan->instruction_count] = *instruction;
    plan->instructions[plan->instruction_count++].phase = plan->phase_count - 1;
    plan->phases[plan->phase_count - 1].end = plan->instruction_count;
    return true;
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

// Places for the values and gradients of nodes that depend on weights only.
static void place_steps(fv__plan *plan) {
    enum { LINE = 16 };
    plan->gradient_count = plan->graph->weight_count;
    for (int n = 0; n < plan->graph->node_count; n++) {
        const fv__node *node = &plan->graph->nodes[n];
        fv__step_value *step = &plan->steps[n];
        if (!plan->used[n] || node->view.cadence != FV__CADENCE_STEP) {
            continue;
        }
        step->present = true;
        step->wants_gradient = plan->needs_gradient[n];
        if (node->parameter >= 0) {
            step->offset = step->gradient_offset = plan->graph->parameters[node->parameter].offset;
            continue;
        }
        size_t count = (fv__shape_elements(&node->view.output) + LINE - 1) / LINE * LINE;
        step->offset = plan->computed_count;
        step->gradient_offset = plan->gradient_count;
        plan->computed_count += count;
        plan->gradient_count += count;
        for (int i = 0; i < node->view.input_count; i++) {
            int level = plan->steps[node->inputs[i]].level + 1;
            step->level = step->level > level ? step->level : level;
        }
    }
}

// --- Forward

// Whether two backwards, one of node `n` and one of the phase opened last, would add to the gradient of one weight.
static bool shares_weight(const fv__plan *plan, int n) {
    const fv__phase *phase = &plan->phases[plan->phase_count - 1];
    const fv__node *node = &plan->graph->nodes[n];
    for (int i = phase->begin; i < phase->end; i++) {
        const fv__node *other = &plan->graph->nodes[plan->instructions[i].node];
        for (int a = 0; a < node->view.input_count; a++) {
            for (int b = 0; b < other->view.input_count; b++) {
                if (node->inputs[a] == other->inputs[b]) {
                    return true;
                }
            }
        }
    }
    return false;
}

// One phase for each level of nodes that depend on weights only, forwards or backwards (there more, so that tasks of
// one phase never add to the same gradient).
static bool compile_steps(fv__plan *plan, fv__phase_kind kind) {
    int highest = 0;
    for (int n = 0; n < plan->graph->node_count; n++) {
        highest = plan->steps[n].level > highest ? plan->steps[n].level : highest;
    }
    bool forward = kind == FV__PHASE_STEP_FORWARD;
    for (int l = 1; l <= highest; l++) {
        int level = forward ? l : highest + 1 - l;
        bool opened = false;
        for (int n = 0; n < plan->graph->node_count; n++) {
            if (!plan->steps[n].present || plan->steps[n].level != level ||
                (!forward && !plan->steps[n].wants_gradient)) {
                continue;
            }
            fv__instruction instruction = blank_instruction(forward ? FV__RUN_FORWARD : FV__RUN_BACKWARD, n);
            const fv__node *node = &plan->graph->nodes[n];
            for (int i = 0; !forward && i < node->view.input_count; i++) {
                instruction.weight_gradient[i] = plan->steps[node->inputs[i]].wants_gradient;
            }
            bool alone = !opened || (!forward && shares_weight(plan, n));
            if (!open_phase(plan, kind, alone) || !add_instruction(plan, &instruction)) {
                return false;
            }
            opened = true;
        }
    }
    return true;
}

// What the op keeps or derives, asked with room for one sample; layout.c asks again for scratch.
static fv__op_needs node_needs(const fv__plan *plan, int n, int samples) {
    const fv__node *node = &plan->graph->nodes[n];
    fv__op_needs needs = {0};
    if (node->op->needs) {
        node->op->needs(&node->view, plan->kernels, samples, plan->needs_gradient[n], &needs);
    }
    return needs;
}

// Where there are fewer samples than workers, these share the nodes that are worth it.
static fv__phase_kind forward_phase(const fv__plan *plan, const fv__node *node) {
    enum { LEAST_WORK = 1 << 18 }; // multiply-adds for which the workers meet: some 10 µs
    const bool worth = node->op->slices && fv__node_multiply_adds(node) >= LEAST_WORK;
    if (worth && !plan->backward && plan->batch < plan->threads) {
        return FV__PHASE_SLICES;
    }
    return node->view.cadence == FV__CADENCE_BATCH ? FV__PHASE_ROWS : FV__PHASE_SAMPLES;
}

static bool compile_forward(fv__plan *plan) {
    for (int n = 0; n < plan->graph->node_count; n++) {
        const fv__node *node = &plan->graph->nodes[n];
        if (!plan->used[n] || node->view.cadence == FV__CADENCE_STEP) {
            continue;
        }
        if (is_alias(plan, node)) {
            plan->value_of[n] = plan->value_of[node->inputs[0]];
            continue;
        }
        const fv__phase_kind kind = forward_phase(plan, node);
        if (!open_phase(plan, kind, kind != FV__PHASE_SAMPLES)) {
            return false;
        }
        fv__instruction instruction = blank_instruction(FV__RUN_FORWARD, n);
        for (int i = 0; i < node->view.input_count; i++) {
            instruction.in[i] = plan->value_of[node->inputs[i]];
            read_value(plan, instruction.in[i]);
        }
        plan->value_of[n] = instruction.out = add_value(plan, sample_bytes(&node->view.output));
        if (instruction.out == FV__NO_VALUE) {
            return false;
        }
        size_t saved = node_needs(plan, n, 1).saved;
        if (saved && plan->needs_gradient[n]) {
            plan->saved_of[n] = instruction.saved = add_value(plan, saved);
            if (instruction.saved == FV__NO_VALUE) {
                return false;
            }
        }
        if (plan->auxiliary_of[n] != FV__NO_VALUE) { // asked for: see fv__plan_create
            fv__shape shape;
            node->op->auxiliary(&node->view, &shape);
            plan->auxiliary_of[n] = instruction.auxiliary = add_value(plan, sample_bytes(&shape));
            if (instruction.auxiliary == FV__NO_VALUE) {
                return false;
            }
            plan->values[instruction.auxiliary].kept = true;
        }
        plan->multiply_adds += fv__node_multiply_adds(node);
        if (!add_instruction(plan, &instruction)) {
            return false;
        }
    }
    return true;
}

// --- Backward

// Joins a contribution to what has been gathered of a node's gradient.
static bool contribute(fv__plan *plan, int node, int contribution) {
    int gathered = plan->gradient_of[node];
    if (gathered == FV__NO_VALUE) {
        plan->gradient_of[node] = contribution;
        return true;
    }
    if (!open_phase(plan, FV__PHASE_SAMPLES, false)) {
        return false;
    }
    fv__instruction instruction = blank_instruction(FV__RUN_SUM, node);
    instruction.in[0] = gathered;
    instruction.in[1] = contribution;
    read_value(plan, gathered);
    read_value(plan, contribution);
    plan->gradient_of[node] = instruction.out = add_value(plan, plan->values[gathered].bytes);
    return instruction.out != FV__NO_VALUE && add_instruction(plan, &instruction);
}

static bool backward_node(fv__plan *plan, int n) {
    const fv__node *node = &plan->graph->nodes[n];
    bool whole_batch = node->view.cadence == FV__CADENCE_BATCH;
    if (!open_phase(plan, whole_batch ? FV__PHASE_TILES : FV__PHASE_SAMPLES, whole_batch)) {
        return false;
    }
    fv__instruction instruction = blank_instruction(FV__RUN_BACKWARD, n);
    uint32_t reads = node->op->backward_reads ? node->op->backward_reads(&node->view) : 0;
    instruction.d_out = plan->gradient_of[n];
    instruction.saved = plan->saved_of[n];
    instruction.out = reads & FV__READS_OUTPUT ? plan->value_of[n] : FV__NO_VALUE;
    read_value(plan, instruction.d_out);
    read_value(plan, instruction.saved);
    read_value(plan, instruction.out);
    for (int i = 0; i < node->view.input_count; i++) {
        int input = node->inputs[i];
        if (node->view.input_is_weight[i]) {
            instruction.weight_gradient[i] = plan->steps[input].wants_gradient;
            if (instruction.weight_gradient[i] && !whole_batch) {
                plan->steps[input].has_slot = true;
            }
            continue;
        }
        if (reads & FV__READS_INPUT(i)) {
            instruction.in[i] = plan->value_of[input];
            read_value(plan, instruction.in[i]);
        }
        if (plan->needs_gradient[input]) {
            instruction.d_in[i] = add_value(plan, sample_bytes(&node->view.inputs[i]));
            if (instruction.d_in[i] == FV__NO_VALUE) {
                return false;
            }
        }
    }
    if (!add_instruction(plan, &instruction)) {
        return false;
    }
    for (int i = 0; i < node->view.input_count; i++) {
        if (instruction.d_in[i] != FV__NO_VALUE && !contribute(plan, node->inputs[i], instruction.d_in[i])) {
            return false;
        }
    }
    return true;
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

static bool compile_backward(fv__plan *plan) {
    for (int n = plan->graph->node_count - 1; n >= 0; n--) {
        const fv__node *node = &plan->graph->nodes[n];
        bool reached = n == plan->root || plan->gradient_of[n] != FV__NO_VALUE;
        if (!reached || node->view.cadence == FV__CADENCE_STEP || !feeds_gradient(plan, node)) {
            continue;
        }
        if (is_alias(plan, node) || node->op->passes_gradient) {
            for (int i = 0; i < node->view.input_count; i++) {
                int input = node->inputs[i];
                if (plan->needs_gradient[input] && !contribute(plan, input, plan->gradient_of[n])) {
                    return false;
                }
            }
        } else if (node->op->backward && !backward_node(plan, n)) {
            return false;
        }
    }
    return true;
}

// --- The whole

bool fv__plan_compile(fv__plan *plan, const fv__plan_options *options) {
    mark_used(plan, options);
    mark_gradients(plan);
    place_steps(plan);
    if (!compile_steps(plan, FV__PHASE_STEP_FORWARD) || !open_phase(plan, FV__PHASE_PREPARE, true) ||
        !compile_forward(plan)) {
        return false;
    }
    if (plan->backward && (!compile_backward(plan) || !open_phase(plan, FV__PHASE_REDUCE, true) ||
                           !compile_steps(plan, FV__PHASE_STEP_BACKWARD))) {
        return false;
    }
    // What is read after the run.
    plan->values[plan->value_of[plan->root]].kept = true;
    for (int i = 0; i < options->kept_count; i++) {
        plan->values[plan->value_of[options->kept[i]]].kept = true;
    }
    for (int n = 0; n < plan->graph->node_count; n++) {
        if (plan->graph->nodes[n].wants_gradient && plan->gradient_of[n] != FV__NO_VALUE) {
            plan->values[plan->gradient_of[n]].kept = true;
        }
    }
    return true;
}
