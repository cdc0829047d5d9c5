// SPDX-License-Identifier: Apache-2.0
// Runs a plan: phase after phase, each task on a worker that is free.
//
//     main      │ prepare │ samples             │ rows    │ samples             │ tiles   │ …
//     worker 0  │ n0 n2   │ g0 g2 g3 …          │ r0 r1 … │ g0 g1 g3 …          │ t0 t2 … │
//     worker 1  │ n1      │ g1 g4 …             │ r2 …    │ g2 …                │ t1 …    │
//
// Where a phase ends, all workers meet. A task g of a sample phase carries the samples of one group through all
// instructions of the phase, a micro-batch at a time, in the worker's own arena; r is a run of samples and t a tile of
// the weights, for the one instruction that such a phase has.
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "graph/plan_internal.h"

// What the tasks of one run share.
typedef struct run_state {
    fv__plan *plan;
    const fv__feed *feed;
    const fv__phase *phase;
    const uint64_t *sample_ids;
    // The failure of the first sample that failed, in the order of the samples.
    pthread_mutex_t mutex;
    int failed_sample;
    fv_error failure;
} run_state;

// --- Where arrays are

// Sample `first` of a value, as worker `worker` sees it while it carries a micro-batch that starts there.
static char *value_at(const fv__plan *plan, int value, int worker, int first) {
    if (value == FV__NO_VALUE) {
        return NULL;
    }
    const fv__plan_array *entry = &plan->values[value];
    return entry->scope == FV__SCOPE_LOCAL ? plan->worker_arenas[worker] + entry->offset
                                           : plan->batch_arena + entry->offset + (size_t)first * entry->bytes;
}

static const float *weight_at(const run_state *run, int node) {
    const fv__step_value *step = &run->plan->steps[node];
    const float *base = run->plan->graph->nodes[node].parameter >= 0 ? run->feed->weights : run->plan->computed;
    return base + step->offset;
}

static fv__call base_call(const run_state *run, int n, int worker, int first, int samples) {
    const fv__plan *plan = run->plan;
    const fv__node *node = &plan->graph->nodes[n];
    fv__call call = {.node = &node->view,
                     .kernels = plan->kernels,
                     .samples = samples,
                     .batch = run->feed->samples,
                     .training = plan->training,
                     .prepared = plan->prepared[n],
                     .scratch = plan->worker_arenas[worker] + plan->local_bytes,
                     .seed = run->feed->seed,
                     .epoch = run->feed->epoch,
                     .sample_ids = run->sample_ids + first,
                     .targets = run->feed->targets ? run->feed->targets + first : NULL};
    for (int i = 0; i < node->view.input_count; i++) {
        if (node->view.input_is_weight[i]) {
            call.in[i] = weight_at(run, node->inputs[i]);
        }
    }
    return call;
}

// The call of one instruction on samples first … first+samples-1. Weight gradients go to `group`'s slot, or, for group
// -1, to the sum itself.
static fv__call make_call(const run_state *run, const fv__instruction *instruction, int worker, int first, int samples,
                          int group) {
    const fv__plan *plan = run->plan;
    fv__call call = base_call(run, instruction->node, worker, first, samples);
    const fv__node *node = &plan->graph->nodes[instruction->node];
    for (int i = 0; i < node->view.input_count; i++) {
        if (!node->view.input_is_weight[i]) {
            call.in[i] = (const float *)(const void *)value_at(plan, instruction->in[i], worker, first);
            call.d_in[i] = (float *)(void *)value_at(plan, instruction->d_in[i], worker, first);
        } else if (instruction->weight_gradient[i]) {
            const fv__step_value *step = &plan->steps[node->inputs[i]];
            call.d_in[i] = group < 0 ? plan->gradients + step->gradient_offset
                                     : plan->slots + (size_t)group * plan->slot_count + step->slot_offset;
        }
    }
    call.out = (float *)(void *)value_at(plan, instruction->out, worker, first);
    call.d_out = (const float *)(const void *)value_at(plan, instruction->d_out, worker, first);
    call.saved = value_at(plan, instruction->saved, worker, first);
    call.auxiliary = (float *)(void *)value_at(plan, instruction->auxiliary, worker, first);
    return call;
}

// --- Tasks

static void note_time(fv__plan *plan, const fv__instruction *instruction, int worker, double start) {
    fv__node_time *time = &plan->times[worker * plan->graph->node_count + instruction->node];
    *(instruction->kind == FV__RUN_FORWARD ? &time->forward : &time->backward) += fv__seconds() - start;
}

static void render(run_state *run, const fv__instruction *instruction, int worker, int first, int samples) {
    fv_error error = {0};
    float *out = (float *)(void *)value_at(run->plan, instruction->out, worker, first);
    if (run->feed->render(run->feed->context, instruction->node, first, samples, worker, out, &error)) {
        memset(out, 0, (size_t)samples * run->plan->values[instruction->out].bytes);
        pthread_mutex_lock(&run->mutex);
        if (run->failed_sample < 0 || first < run->failed_sample) {
            run->failed_sample = first;
            run->failure = error;
        }
        pthread_mutex_unlock(&run->mutex);
    }
}

static void sum(const run_state *run, const fv__instruction *instruction, int worker, int first, int samples) {
    const fv__plan *plan = run->plan;
    const float *terms[2] = {(const float *)(const void *)value_at(plan, instruction->in[0], worker, first),
                             (const float *)(const void *)value_at(plan, instruction->in[1], worker, first)};
    float *out = (float *)(void *)value_at(plan, instruction->out, worker, first);
    plan->kernels->add(terms[0], terms[1], out, (size_t)samples * plan->values[instruction->out].bytes / sizeof(float));
}

static void execute(run_state *run, const fv__instruction *instruction, int worker, int first, int samples, int group) {
    const fv__node *node = &run->plan->graph->nodes[instruction->node];
    double start = run->plan->times ? fv__seconds() : 0;
    if (instruction->kind == FV__RUN_SUM) {
        sum(run, instruction, worker, first, samples);
    } else if (node->op == &fv__op_input) {
        render(run, instruction, worker, first, samples);
    } else {
        fv__call call = make_call(run, instruction, worker, first, samples, group);
        (instruction->kind == FV__RUN_FORWARD ? node->op->forward : node->op->backward)(&call);
    }
    if (run->plan->times) {
        note_time(run->plan, instruction, worker, start);
    }
}

// Carries samples begin … end-1 through all instructions of the phase, `most` at a time.
static void carry(run_state *run, int begin, int end, int most, int worker, int group) {
    for (int first = begin; first < end; first += most) {
        int samples = end - first < most ? end - first : most;
        for (int i = run->phase->begin; i < run->phase->end; i++) {
            execute(run, &run->plan->instructions[i], worker, first, samples, group);
        }
    }
}

// Part `task` of every sample, for the phase's one node.
static void share(const run_state *run, int task, int worker) {
    fv__plan *plan = run->plan;
    const fv__instruction *instruction = &plan->instructions[run->phase->begin];
    const fv__node *node = &plan->graph->nodes[instruction->node];
    const long slices = node->op->slices(&node->view, plan->kernels), tasks = run->phase->tasks;
    const double start = plan->times ? fv__seconds() : 0;
    for (int sample = 0; sample < run->feed->samples; sample++) {
        const fv__call call = make_call(run, instruction, worker, sample, 1, -1);
        node->op->forward_slices(&call, (int)(slices * task / tasks), (int)(slices * (task + 1) / tasks));
    }
    if (plan->times) {
        note_time(plan, instruction, worker, start);
    }
}

static void reduce(const run_state *run, int task) {
    fv__plan *plan = run->plan;
    size_t begin = (size_t)task * FV__WEIGHTS_PER_TASK, end = begin + FV__WEIGHTS_PER_TASK;
    for (int n = 0; n < plan->graph->node_count; n++) {
        const fv__step_value *step = &plan->steps[n];
        if (!step->has_slot) {
            continue;
        }
        size_t count = fv__shape_elements(&plan->graph->nodes[n].view.output);
        size_t first = step->slot_offset > begin ? step->slot_offset : begin;
        size_t last = step->slot_offset + count < end ? step->slot_offset + count : end;
        if (first < last) {
            plan->kernels->sum_slots(plan->gradients + step->gradient_offset + (first - step->slot_offset),
                                     plan->slots + first, plan->slot_count, plan->groups, last - first);
        }
    }
}

// Task `task` of a phase that shares out the samples: which it carries, and how many at a time.
static void carry_part(run_state *run, int task, int worker) {
    const long samples = run->feed->samples, tasks = run->phase->tasks;
    const int begin = (int)(samples * task / tasks), end = (int)(samples * (task + 1) / tasks);
    if (run->phase->kind == FV__PHASE_SAMPLES) {
        carry(run, begin, end, run->plan->micro_batch, worker, task);
    } else {
        carry(run, begin, end, end - begin > 0 ? end - begin : 1, worker, -1);
    }
}

static void prepare(const run_state *run, int task, int worker) {
    const fv__plan *plan = run->plan;
    const int n = plan->prepare_nodes[task];
    const fv__call call = base_call(run, n, worker, 0, 1);
    plan->graph->nodes[n].op->prepare(&call, plan->needs_gradient[n]);
}

static void run_tile(const run_state *run, int task, int worker) {
    fv__plan *plan = run->plan;
    const fv__instruction *instruction = &plan->instructions[run->phase->begin];
    const double start = plan->times ? fv__seconds() : 0;
    const fv__call call = make_call(run, instruction, worker, 0, run->feed->samples, -1);
    plan->graph->nodes[instruction->node].op->backward_tile(&call, task);
    if (plan->times) {
        note_time(plan, instruction, worker, start);
    }
}

// A node that depends on weights only.
static void run_step(const run_state *run, int task, int worker) {
    const fv__plan *plan = run->plan;
    const fv__instruction *instruction = &plan->instructions[run->phase->begin + task];
    const fv__node *node = &plan->graph->nodes[instruction->node];
    const fv__step_value *step = &plan->steps[instruction->node];
    fv__call call = make_call(run, instruction, worker, 0, 1, -1);
    call.out = plan->computed + step->offset;
    if (instruction->kind == FV__RUN_FORWARD) {
        node->op->forward(&call);
        return;
    }
    float *gradient = plan->gradients + step->gradient_offset;
    call.d_out = gradient;
    node->op->backward(&call);
    memset(gradient, 0, fv__shape_elements(&node->view.output) * sizeof *gradient); // for the next run
}

static void run_task(void *context, int task, int worker) {
    run_state *run = context;
    switch (run->phase->kind) {
    case FV__PHASE_STEP_FORWARD:
    case FV__PHASE_STEP_BACKWARD:
        run_step(run, task, worker);
        break;
    case FV__PHASE_PREPARE:
        prepare(run, task, worker);
        break;
    case FV__PHASE_SAMPLES:
    case FV__PHASE_ROWS:
        carry_part(run, task, worker);
        break;
    case FV__PHASE_SLICES:
        share(run, task, worker);
        break;
    case FV__PHASE_TILES:
        run_tile(run, task, worker);
        break;
    case FV__PHASE_REDUCE:
        reduce(run, task);
        break;
    }
}

fv_status fv__plan_run(fv__plan *plan, fv__pool *pool, const fv__feed *feed, fv_error *error) {
    run_state run = {.plan = plan,
                     .feed = feed,
                     .sample_ids = feed->sample_ids ? feed->sample_ids : plan->identity_ids,
                     .mutex = PTHREAD_MUTEX_INITIALIZER,
                     .failed_sample = -1};
    if (feed->samples < 1 || feed->samples > plan->batch) {
        return fv__fail(error, FV_INVALID, "%d samples for a plan of at most %d", feed->samples, plan->batch);
    }
    for (int p = 0; p < plan->phase_count && run.failed_sample < 0; p++) {
        run.phase = &plan->phases[p];
        bool derives = run.phase->kind == FV__PHASE_STEP_FORWARD || run.phase->kind == FV__PHASE_PREPARE;
        if (run.phase->tasks && (plan->stale || !derives)) {
            fv__pool_run(pool, run.phase->tasks, run_task, &run);
        }
    }
    plan->stale = false;
    if (run.failed_sample >= 0) {
        if (error) {
            *error = run.failure;
        }
        if (plan->backward) { // half a step's gradients must not leak into the next
            memset(plan->gradients, 0, plan->gradient_count * sizeof(float));
            memset(plan->slots, 0, (size_t)plan->groups * plan->slot_count * sizeof(float));
        }
        return run.failure.status;
    }
    return FV_OK;
}

// --- What is read afterwards

const float *fv__plan_value(const fv__plan *plan, int node) {
    return (const float *)(const void *)value_at(plan, plan->value_of[node], 0, 0);
}

const float *fv__plan_gradient(const fv__plan *plan, int node) {
    return (const float *)(const void *)value_at(plan, plan->gradient_of[node], 0, 0);
}

const float *fv__plan_auxiliary(const fv__plan *plan, int node) {
    return (const float *)(const void *)value_at(plan, plan->auxiliary_of[node], 0, 0);
}

float *fv__plan_weight_gradients(fv__plan *plan) {
    return plan->gradients;
}
