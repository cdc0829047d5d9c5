// SPDX-License-Identifier: Apache-2.0
// The parts of a plan, shared by the files that make it (plan.c, compile.c, layout.c), run it (run.c) and print it
// (plan_print.c).
#ifndef FOVEA_GRAPH_PLAN_INTERNAL_H
#define FOVEA_GRAPH_PLAN_INTERNAL_H

#include "graph/plan.h"

enum {
    FV__NO_VALUE = -1,
    FV__WEIGHTS_PER_TASK = 8192 // of a task that sums gradient slots
};

// Where an array lives.
typedef enum fv__scope {
    FV__SCOPE_LOCAL, // in a worker's arena, for one micro-batch
    FV__SCOPE_BATCH, // for all samples of the batch: it outlives a phase, or somebody wants to read it
} fv__scope;

// An array with a batch axis. Static single assignment: one instruction writes it.
typedef struct fv__plan_array {
    size_t bytes;    // of one sample
    int first, last; // instructions that write it and last read it
    bool kept;       // until after the run
    fv__scope scope;
    size_t offset; // in its arena, in bytes
} fv__plan_array;

typedef enum fv__instruction_kind { FV__RUN_FORWARD, FV__RUN_BACKWARD, FV__RUN_SUM } fv__instruction_kind;

typedef struct fv__instruction {
    fv__instruction_kind kind;
    int node; // SUM: the node whose gradient contributions are added
    int phase;
    int in[FV__MAX_INPUTS]; // values read; for weights FV__NO_VALUE. SUM: the two terms
    int out;                // value written by forward and SUM; read by some backwards
    int d_out, d_in[FV__MAX_INPUTS];
    bool weight_gradient[FV__MAX_INPUTS]; // accumulate into this weight's gradient
    int saved, auxiliary;
} fv__instruction;

typedef enum fv__phase_kind {
    FV__PHASE_STEP_FORWARD,  // a task is a node that depends on weights only
    FV__PHASE_PREPARE,       // a task is a node that derives something from its weights
    FV__PHASE_SAMPLES,       // a task is a group of samples
    FV__PHASE_SLICES,        // a task is a part of each sample, for the one node it has: see fv__op.slices
    FV__PHASE_ROWS,          // a task is a run of samples, for the one node of batch cadence it has
    FV__PHASE_TILES,         // a task is a tile of one node's backward over the whole batch
    FV__PHASE_REDUCE,        // a task is a range of the weights whose gradient slots are summed
    FV__PHASE_STEP_BACKWARD, // as STEP_FORWARD
} fv__phase_kind;

typedef struct fv__phase {
    fv__phase_kind kind;
    int begin, end; // instructions
    int tasks;
} fv__phase;

// What a plan knows of a node that depends on weights only.
typedef struct fv__step_value {
    bool present; // the plan uses it
    bool wants_gradient;
    size_t offset;          // in the weights (parameters) or in `computed`, in floats
    size_t gradient_offset; // in `gradients`, in floats
    size_t slot_offset;     // in each slot, in floats
    bool has_slot;          // sample phases contribute to its gradient
    int depth;              // 0: parameter; otherwise one more than its deepest input
} fv__step_value;

struct fv__plan {
    const fv__graph *graph;
    const fv__kernels *kernels;
    int batch, threads;
    bool training, backward;
    int root;

    fv__instruction *instructions;
    int instruction_count, instruction_capacity;
    fv__plan_array *values;
    int value_count, value_capacity;
    fv__phase *phases;
    int phase_count, phase_capacity;

    int *value_of, *gradient_of, *auxiliary_of, *saved_of; // by node
    bool *needs_gradient, *used;                           // by node
    fv__step_value *steps;                                 // by node
    void **prepared;                                       // by node, into prepared_arena
    int *prepare_nodes, prepare_count;

    int groups, micro_batch;
    double multiply_adds;
    size_t local_bytes, scratch_bytes, batch_bytes, prepared_bytes; // local_bytes for micro_batch samples
    size_t computed_count, slot_count, gradient_count;              // floats

    char *batch_arena, *prepared_arena;
    char **worker_arenas; // (threads): local, then scratch
    float *computed, *gradients, *slots;
    uint64_t *identity_ids; // 0, 1, 2, … for feeds without sample ids
    bool stale;             // weights changed since `computed` and `prepared` were derived
    fv__node_time *times;   // (threads, nodes) while profiling
};

// What a node's op wants, for calls of `samples` samples.
fv__op_needs fv__plan_needs(const fv__plan *plan, int n, int samples);

// --- compile.c. What fails here fails with FV_MEMORY and without a message.

fv_status fv__plan_compile(fv__plan *plan, const fv__plan_options *options);

// An instruction that reads and writes nothing yet.
fv__instruction fv__plan_instruction(fv__instruction_kind kind, int node);

// Opens the phase that the next instruction belongs to: `alone` a new one, else the last is continued if it is of that
// kind.
fv_status fv__plan_open_phase(fv__plan *plan, fv__phase_kind kind, bool alone);

// Appends to the phase opened last.
fv_status fv__plan_add_instruction(fv__plan *plan, const fv__instruction *instruction);

// --- compile_steps.c

// Places for the values and gradients of nodes that depend on weights only.
void fv__plan_place_steps(fv__plan *plan);

// One phase for each depth of such nodes, forward or backward (there more, so that tasks of one phase never add to the
// same gradient).
fv_status fv__plan_compile_steps(fv__plan *plan, fv__phase_kind kind);

// --- layout.c: scopes, offsets, groups and micro-batch; sets the sizes above.

fv_status fv__plan_layout(fv__plan *plan, fv_error *error);

#endif
