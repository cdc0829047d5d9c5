// SPDX-License-Identifier: Apache-2.0
// What an op is: one mathematical function with its shapes, its derivative and its cost. It sees raw arrays only.
//
// An op sees no graph and no thread: a call covers a few samples (a micro-batch) whose arrays lie one after the other.
// Conventions, everywhere:
//   - forward writes `out`.
//   - backward *writes* the gradients of inputs that have a batch axis (the plan adds up where a value is used twice),
//     and *accumulates* (+=) into the gradients of inputs without one (weights).
//   - an unwanted gradient is NULL.
//
// To add an op:
//   src/ops/NAME.c         its table, `const fv__op fv__op_NAME`; struct fv__op below says what each member is for
//   FV__OP_LIST            its line
//   src/ops/FAMILY.h       its attributes, if it has some, next to those of its relatives
//   tests/ops/NAME.c       cases with a naive reference; without them test_ops does not link. test_ops also calls
//                          fv__op_check
//   src/kernels            where its inner loops are new: see kernels/kernels.h
//   src/layers/NAME.c      where a recipe should name it: see layers/layer.h
#ifndef FOVEA_OPS_OP_H
#define FOVEA_OPS_OP_H

#include "base/error.h"
#include "kernels/kernels.h"

// name: the table `const fv__op fv__op_NAME` is defined in src/ops/NAME.c
#define FV__OP_LIST(X)                                                                                                 \
    X(input)                                                                                                           \
    X(parameter)                                                                                                       \
    X(dense)                                                                                                           \
    X(conv2d)                                                                                                          \
    X(max_pool2d)                                                                                                      \
    X(activation)                                                                                                      \
    X(softmax)                                                                                                         \
    X(attention)                                                                                                       \
    X(layer_norm)                                                                                                      \
    X(norm_l)                                                                                                          \
    X(add)                                                                                                             \
    X(position_embedding)                                                                                              \
    X(patches)                                                                                                         \
    X(class_token)                                                                                                     \
    X(take_token)                                                                                                      \
    X(double_norm)                                                                                                     \
    X(dropout)                                                                                                         \
    X(reshape)                                                                                                         \
    X(global_pool)                                                                                                     \
    X(cross_entropy)                                                                                                   \
    X(weight_product)                                                                                                  \
    X(convolution_product)                                                                                             \
    X(head_product)                                                                                                    \
    X(depthwise_conv2d)                                                                                                \
    X(batch_norm)                                                                                                      \
    X(folded_kernel)                                                                                                   \
    X(bottleneck)                                                                                                      \
    X(folded_bias)                                                                                                     \
    X(pooled_attention)                                                                                                \
    X(head_dense)                                                                                                      \
    X(dot)

enum { FV__MAX_RANK = 4, FV__MAX_INPUTS = 8 };

// The shape of one sample (without the batch axis), or of a weight. A scalar has rank 0.
typedef struct fv__shape {
    int rank;
    int size[FV__MAX_RANK];
} fv__shape;

size_t fv__shape_elements(const fv__shape *shape);
bool fv__shape_equal(const fv__shape *a, const fv__shape *b);

// "(28, 28, 1)" into `text`, which is also returned.
typedef struct fv__shape_text {
    char text[64];
} fv__shape_text;
fv__shape_text fv__shape_print(const fv__shape *shape);

// "1, 2, 4, 8": the numbers that divide both a and b, which are above 0; where there are many, the small ones.
typedef struct fv__divisors_text {
    char text[128];
} fv__divisors_text;
fv__divisors_text fv__divisors_print(int a, int b);

// What the loss of one sample is measured against: class `label`, or for mixed samples (1 - mix) of `label` and `mix`
// of `other`; and how much the sample counts.
typedef struct fv__target {
    int32_t label, other;
    float mix;
    float weight; // 1: as much as any
} fv__target;

// When an op runs: once a step (it depends on weights only), for each micro-batch, or once over the whole batch.
typedef enum fv__cadence { FV__CADENCE_STEP, FV__CADENCE_SAMPLE, FV__CADENCE_BATCH } fv__cadence;

// What stays the same from call to call: the node as the op sees it.
typedef struct fv__op_node {
    const void *attributes; // the op's own struct
    fv__cadence cadence;
    int input_count;
    fv__shape inputs[FV__MAX_INPUTS];
    bool input_is_weight[FV__MAX_INPUTS]; // no batch axis
    fv__shape output;
    uint32_t id; // distinguishes the random draws of two nodes
} fv__op_node;

// Memory an op wants besides its inputs and outputs, in bytes.
typedef struct fv__op_needs {
    size_t prepared; // written by `prepare` once a step, read by forward and backward: packed weights
    size_t saved;    // for each sample, from forward to backward, besides inputs and output
    size_t scratch;  // for one call of `samples` samples; lost between calls
} fv__op_needs;

typedef struct fv__call {
    const fv__op_node *node;
    const fv__kernels *kernels;
    int samples;   // of this call
    int batch;     // of the whole step: losses are averaged over it
    bool training; // dropout is on

    const float *in[FV__MAX_INPUTS]; // (samples, inputs[i]) or, for a weight, inputs[i]
    float *out;                      // (samples, output)
    const float *d_out;              // (samples, output); NULL: all ones, where gradients start (losses)
    float *d_in[FV__MAX_INPUTS];     // as `in`; NULL: not wanted

    // As announced by needs; NULL where nothing was. `saved` is NULL when backward will not run; `prepare` has
    // `scratch` too.
    void *prepared, *saved, *scratch;
    float *auxiliary; // (samples, auxiliary shape), e.g. attention weights; NULL: not asked for

    uint64_t seed, epoch;
    const uint64_t *sample_ids; // (samples): the samples' numbers in the data set
    const fv__target *targets;  // (samples)
} fv__call;

// Which values backward reads, so that the plan keeps exactly those.
#define FV__READS_OUTPUT (1u << 31)
#define FV__READS_INPUT(i) (1u << (i))

// An op's table. Members are required unless they say what NULL (or false) means; fv__op_check checks that.
typedef struct fv__op {
    const char *name;
    size_t attributes_size; // 0: the op has none

    // --- What is special about the op: usually none of these

    bool view;                  // the output is the input in another shape: no code runs, no memory is used
    bool passes_gradient;       // every input's gradient is the output's own (addition): backward never runs
    bool starts_gradient;       // a loss: a scalar for each sample, and backward takes d_out NULL as all ones
    bool identity_in_inference; // outside training the output is the input, and the plan leaves the op out

    // --- Shapes and cost

    // Sets `output` from `inputs` and `attributes`, or says which shape does not fit and what would.
    fv_status (*infer)(fv__op_node *node, fv_error *error);
    // Multiply-adds of forward for one sample. NULL: none, the op only passes values on.
    double (*multiply_adds)(const fv__op_node *node);
    // Whether, in training, the output depends on random numbers. NULL: it does not.
    bool (*draws)(const fv__op_node *node);

    // --- Forward

    void (*forward)(const fv__call *call); // NULL: for views, and for inputs and weights, which others write
    // Memory for `samples` samples, the largest call; `backward` says whether backward will run. NULL: no memory.
    void (*needs)(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward, fv__op_needs *needs);
    // Once a step, before any forward: derives `prepared` from the weights. `backward` as in needs. NULL: nothing to
    // derive.
    void (*prepare)(const fv__call *call, bool backward);

    // --- Backward

    void (*backward)(const fv__call *call); // NULL: no derivative, and no gradient reaches the inputs
    // Which of inputs and output backward reads (FV__READS_*). NULL: none of them, d_out is enough.
    uint32_t (*backward_reads)(const fv__op_node *node);

    // --- Other ways to cut the work; both members of a pair, or NULL for neither

    // At batch cadence backward is cut into independent tiles over the whole batch: how many there are, and the work of
    // one. Together they do what backward does. NULL: the op never runs at batch cadence.
    int (*tiles)(const fv__op_node *node);
    void (*backward_tile)(const fv__call *call, int tile);
    // Where workers share one sample, forward is cut into independent slices (rows of an image, tokens, heads): how many
    // there are, and the work of slices begin … end-1, with scratch as for one sample. Together they do what forward
    // does, to the bit. NULL: a sample is one piece.
    int (*slices)(const fv__op_node *node, const fv__kernels *kernels);
    void (*forward_slices)(const fv__call *call, int begin, int end);

    // --- For explanations

    // Shape of what forward writes to `auxiliary` for one sample, as attention weights. NULL: nothing.
    void (*auxiliary)(const fv__op_node *node, fv__shape *shape);
    // For ops over windows of an image (input 0): which they are, so that tokens can be placed. NULL: other ops.
    void (*windows)(const fv__op_node *node, fv__windows *windows);
} fv__op;

#define X(name) extern const fv__op fv__op_##name;
FV__OP_LIST(X)
#undef X

// What is wrong with an op's table, in a sentence; NULL if it is as above. For tests.
const char *fv__op_check(const fv__op *op);

#endif
