// SPDX-License-Identifier: Apache-2.0
// The part of a plan that runs once a step: nodes that depend on weights only, forward before the samples and backward
// after them. A node's depth is one more than its deepest input's, and nodes of one depth are the tasks of one phase.
#include "base/memory.h"
#include "graph/plan_internal.h"

void fv__plan_place_steps(fv__plan *plan) {
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
            int depth = plan->steps[node->inputs[i]].depth + 1;
            step->depth = step->depth > depth ? step->depth : depth;
        }
    }
}

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

fv_status fv__plan_compile_steps(fv__plan *plan, fv__phase_kind kind) {
    int highest = 0;
    for (int n = 0; n < plan->graph->node_count; n++) {
        highest = plan->steps[n].depth > highest ? plan->steps[n].depth : highest;
    }
    bool forward = kind == FV__PHASE_STEP_FORWARD;
    for (int l = 1; l <= highest; l++) {
        int depth = forward ? l : highest + 1 - l;
        bool opened = false;
        for (int n = 0; n < plan->graph->node_count; n++) {
            if (!plan->steps[n].present || plan->steps[n].depth != depth ||
                (!forward && !plan->steps[n].wants_gradient)) {
                continue;
            }
            fv__instruction instruction = fv__plan_instruction(forward ? FV__RUN_FORWARD : FV__RUN_BACKWARD, n);
            const fv__node *node = &plan->graph->nodes[n];
            for (int i = 0; !forward && i < node->view.input_count; i++) {
                instruction.weight_gradient[i] = plan->steps[node->inputs[i]].wants_gradient;
            }
            bool alone = !opened || (!forward && shares_weight(plan, n));
            FV__TRY(fv__plan_open_phase(plan, kind, alone));
            FV__TRY(fv__plan_add_instruction(plan, &instruction));
            opened = true;
        }
    }
    return FV_OK;
}
