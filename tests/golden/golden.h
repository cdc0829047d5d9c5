// SPDX-License-Identifier: Apache-2.0
// Reference cases: one safetensors file a case, with inputs, weights, results and gradients computed elsewhere, and in
// its metadata what it is (`layer`, `config`). A case is rebuilt as a graph from those and from the tensors' shapes.
#ifndef FOVEA_TESTS_GOLDEN_H
#define FOVEA_TESTS_GOLDEN_H

#include <jansson.h>

#include "base/pool.h"
#include "formats/safetensors.h"
#include "fovea.h"
#include "graph/runner.h"

enum { GOLDEN_BINDINGS = 32 };

// A tensor of the file that a node of the graph stands for. `values` are as the node sees them.
typedef struct binding {
    const char *name;
    int node;
    float *values; // inputs: (batch, shape); NULL for weights
} binding;

typedef struct golden_case {
    const char *folder; // of the case
    const fv__tensor_file *file;
    json_t *config;
    const fv__kernels *kernels;
    fv__pool *pool;
    fv__graph graph;
    float *weights;
    int batch;
    binding bindings[GOLDEN_BINDINGS];
    int binding_count;
    int attention; // node whose auxiliary output is the tensor `attention`, or -1
    double worst;  // largest error met, as a share of what is allowed
    // A failed step stays failed: later calls do nothing.
    fv_status status;
    fv_error error;
} golden_case;

// A kind of case: how it is built and checked.
typedef struct golden_kind {
    const char *layer;
    void (*run)(golden_case *golden);
} golden_kind;
void golden_run_model(golden_case *golden);    // models.c
void golden_run_backbone(golden_case *golden); // backbone.c: MobileNetV2 by itself
void golden_run_head(golden_case *golden);     // backbone.c: what stands on its features
extern const golden_kind golden_layers[], golden_built_layers[], golden_others[]; // each ends with {0}
void golden_check_model(golden_case *golden, fv_model *model,
                        bool rewrite);                 // models.c: with the file's weights, trained
void golden_check_attention_call(golden_case *golden); // attention_call.c: once more, through fv_attention_forward

// --- Reading the case
const fv__tensor_entry *golden_tensor(golden_case *golden, const char *name); // fails when it is not there
const float *golden_floats(golden_case *golden, const char *name);
int golden_int(golden_case *golden, const char *key, int otherwise); // from config
double golden_number(golden_case *golden, const char *key, double otherwise);
const char *golden_text(golden_case *golden, const char *key, const char *otherwise);
double golden_value(const fv__tensor_entry *entry, size_t index); // whatever its type
void golden_fail(golden_case *golden, const char *format, ...) __attribute__((format(printf, 2, 3)));
void golden_skip(golden_case *golden, const char *format, ...) __attribute__((format(printf, 2, 3)));

// --- Building its graph
int golden_input(golden_case *golden, const char *name);
int golden_weight(golden_case *golden, const char *name, const fv__shape *shape); // NULL: as in the file
int golden_has(golden_case *golden, const char *name);
int golden_op(golden_case *golden, const fv__op *op, const void *attributes, int count, const int *inputs);

// Runs forward and backward from `dy` and compares `y`, `attention` and every gradient that the file has.
void golden_check(golden_case *golden, int output);

// Largest difference against what is allowed: `tolerance` times the largest magnitude in `expected`, but no less than
// times `floor`. Fails when more; `what` names the array.
void golden_compare(golden_case *golden, const char *what, const float *actual, const float *expected, size_t count,
                    double tolerance, double floor);

// The largest upstream or given gradient: what "small" means for gradients that vanish in exact arithmetic.
double golden_gradient_scale(const golden_case *golden);

#define GOLDEN_FORWARD 1e-5  // of float32 results, relative to the largest value
#define GOLDEN_GRADIENT 1e-4 // of gradients, likewise
#define GOLDEN_DEEP 3e-5     // of results of fifty layers
#define GOLDEN_PIXELS 4e-6   // of resampled pixels, of 255: a thousandth of a byte's step

#endif
