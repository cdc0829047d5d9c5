// SPDX-License-Identifier: Apache-2.0
// A plan as text.
#include "graph/plan_internal.h"

static const char *name_of(const fv__plan *plan, int node) {
    return plan->graph->nodes[node].name;
}

// --- Phases

static const char *phase_name(fv__phase_kind kind) {
    static const char *const names[] = {[FV__PHASE_STEP_FORWARD] = "weights forward",
                                        [FV__PHASE_PREPARE] = "prepare",
                                        [FV__PHASE_SAMPLES] = "samples",
                                        [FV__PHASE_SLICES] = "slices",
                                        [FV__PHASE_ROWS] = "rows",
                                        [FV__PHASE_TILES] = "tiles",
                                        [FV__PHASE_REDUCE] = "reduce",
                                        [FV__PHASE_STEP_BACKWARD] = "weights backward"};
    return names[kind];
}

static void add_arrays(fv__text *out, const char *before, const int *values, int count) {
    for (int i = 0; i < count; i++) {
        if (values[i] != FV__NO_VALUE) {
            fv__text_addf(out, "%sa%d", before, values[i]);
            before = " ";
        }
    }
}

static void print_instruction(const fv__plan *plan, int index, fv__text *out) {
    static const char *const kinds[] = {
        [FV__RUN_FORWARD] = "forward", [FV__RUN_BACKWARD] = "backward", [FV__RUN_SUM] = "sum"};
    const fv__instruction *instruction = &plan->instructions[index];
    const fv__node *node = &plan->graph->nodes[instruction->node];
    const bool backward = instruction->kind == FV__RUN_BACKWARD;
    int reads[FV__MAX_INPUTS + 3], count = 0;
    for (int i = 0; i < FV__MAX_INPUTS; i++) {
        reads[count++] = instruction->in[i];
    }
    reads[count++] = backward ? instruction->out : FV__NO_VALUE;
    reads[count++] = backward ? instruction->saved : FV__NO_VALUE;
    reads[count++] = instruction->d_out;
    fv__text_addf(out, "%6d  %-8s  %s (%s)", index, kinds[instruction->kind], node->name, node->op->name);
    add_arrays(out, "  reads ", reads, count);
    const int written[] = {backward ? FV__NO_VALUE : instruction->out, backward ? FV__NO_VALUE : instruction->saved,
                           instruction->auxiliary};
    add_arrays(out, "  writes ", backward ? instruction->d_in : written, backward ? FV__MAX_INPUTS : 3);
    for (int i = 0; i < node->view.input_count; i++) {
        if (instruction->weight_gradient[i]) {
            fv__text_addf(out, "  +d %s", name_of(plan, node->inputs[i]));
        }
    }
    fv__text_add(out, "\n");
}

static void print_phase(const fv__plan *plan, int index, fv__text *out) {
    const fv__phase *phase = &plan->phases[index];
    fv__text_addf(out, "phase %d: %s, tasks: %d\n", index, phase_name(phase->kind), phase->tasks);
    for (int i = 0; phase->kind == FV__PHASE_PREPARE && i < plan->prepare_count; i++) {
        fv__text_addf(out, "          prepare   %s (%s)\n", name_of(plan, plan->prepare_nodes[i]),
                      plan->graph->nodes[plan->prepare_nodes[i]].op->name);
    }
    for (int i = phase->begin; i < phase->end; i++) {
        print_instruction(plan, i, out);
    }
}

// --- Arrays

// What the instruction that writes it makes of an array: "conv2d", "d conv2d", "conv2d saved".
static void add_holds(const fv__plan *plan, int value, fv__text *out) {
    const fv__instruction *writer = &plan->instructions[plan->values[value].first];
    const fv__node *node = &plan->graph->nodes[writer->node];
    if (writer->kind == FV__RUN_BACKWARD) {
        for (int i = 0; i < node->view.input_count; i++) {
            if (writer->d_in[i] == value) {
                fv__text_addf(out, "d %s", name_of(plan, node->inputs[i]));
            }
        }
        return;
    }
    const char *what = value == writer->saved ? " saved" : value == writer->auxiliary ? " auxiliary" : "";
    fv__text_addf(out, "%s%s%s", writer->kind == FV__RUN_SUM ? "d " : "", node->name, what);
}

static void print_arrays(const fv__plan *plan, fv__text *out) {
    fv__text_add(out, "array  bytes a sample  lives        place            holds\n");
    for (int v = 0; v < plan->value_count; v++) {
        const fv__plan_array *array = &plan->values[v];
        fv__text_addf(out, "a%-4d  %14zu  %3d … ", v, array->bytes, array->first);
        fv__text_addf(out, array->kept ? "the end" : "%-7d", array->last);
        fv__text_addf(out, "  %s +%-9zu ", array->scope == FV__SCOPE_LOCAL ? "worker" : "batch ", array->offset);
        add_holds(plan, v, out);
        fv__text_add(out, "\n");
    }
}

// --- The whole

void fv__plan_print(const fv__plan *plan, fv__text *out) {
    fv__text_addf(out, "batch: %d, groups: %d, micro-batch: %d, instructions: %d, phases: %d\n", plan->batch,
                  plan->groups, plan->micro_batch, plan->instruction_count, plan->phase_count);
    for (int p = 0; p < plan->phase_count; p++) {
        print_phase(plan, p, out);
    }
    print_arrays(plan, out);
    fv__text_addf(out, "bytes: %zu for each of %d workers (%zu of them scratch), %zu for the batch, %zu prepared",
                  plan->local_bytes + plan->scratch_bytes, plan->threads, plan->scratch_bytes, plan->batch_bytes,
                  plan->prepared_bytes);
    if (plan->backward) {
        fv__text_addf(out, ", %zu of gradients, %zu of slots", plan->gradient_count * sizeof(float),
                      (size_t)plan->groups * plan->slot_count * sizeof(float));
    }
    fv__text_add(out, "\n");
}
