// What an op is: one mathematical function with its shapes, its derivative and its cost, told only raw arrays.
//
// An op sees no graph and no thread: a call covers a few samples (a micro-batch) whose arrays lie one behind the other.
// Conventions, everywhere:
//   - forward writes `out`.
//   - backward *writes* the gradients of inputs that have a batch axis (the plan adds up where a value is used twice),
//     and *accumulates* (+=) into the gradients of inputs without one (weights).
//   - a gradient that nobody wants is NULL.
// Adding an op: one file here, one line in FV__OP_LIST.
#ifndef FOVEA_OPS_OP_H
#define FOVEA_OPS_OP_H

#include "base/error.h"
#include "kernels/activation.h"
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

// How often an op runs: once a step (it depends on weights only), for each micro-batch, or once over the whole batch.
typedef enum fv__rate { FV__RATE_STEP, FV__RATE_SAMPLE, FV__RATE_BATCH } fv__rate;

// What stays the same from call to call: the node as the op sees it.
typedef struct fv__op_node {
    const void *attributes; // the op's own struct
    fv__rate rate;
    int input_count;
    fv__shape inputs[FV__MAX_INPUTS];
    bool input_is_weight[FV__MAX_INPUTS]; // no batch axis
    fv__shape output;
    uint32_t id; // distinguishes the random draws of two nodes
} fv__op_node;

// Memory an op wants beside its inputs and outputs, in bytes.
typedef struct fv__op_needs {
    size_t prepared; // written by `prepare` once a step, read by forward and backward: packed weights
    size_t saved;    // for each sample, from forward to backward: what neither input nor output tells
    size_t scratch;  // for one call of `samples` samples; contents are lost between calls
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

typedef struct fv__op {
    const char *name;
    size_t attributes_size;

    // True for ops whose output is the input seen in another shape: no code runs, no memory is used.
    bool view;
    // True where every input's gradient is the output's gradient itself: backward is not called.
    bool passes_gradient;
    // True for losses, where gradients start: a scalar for each sample, and backward takes d_out NULL as all ones.
    bool starts_gradient;
    // True where, outside training, the output is the input: the plan leaves the op out of inference.
    bool identity_in_inference;

    // Whether, in training, the output depends on random draws; NULL: it does not.
    bool (*draws)(const fv__op_node *node);
    // Sets `output` from `inputs` and `attributes`, or says which shape does not fit and what would.
    fv_status (*infer)(fv__op_node *node, fv_error *error);
    // Which of its values backward reads (FV__READS_*).
    uint32_t (*backward_reads)(const fv__op_node *node);
    // Memory; may be NULL (none). `samples` is the largest call; `backward` whether backward will run.
    void (*needs)(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward, fv__op_needs *needs);
    // Once a step, before any forward: derives `prepared` from the weights; may be NULL. `backward` as in needs.
    void (*prepare)(const fv__call *call, bool backward);
    void (*forward)(const fv__call *call);
    void (*backward)(const fv__call *call); // NULL: no derivative (input, parameter)
    // Ops that can run at batch rate cut their backward into independent tiles over the whole batch: how many there
    // are, and the work of one. NULL: the op never runs at batch rate. Together the tiles do what backward does.
    int (*tiles)(const fv__op_node *node);
    void (*backward_tile)(const fv__call *call, int tile);
    // Ops whose forward of one sample can be shared by workers cut it into independent units (rows of an image, tokens,
    // heads): how many there are, and the work of units begin … end-1, with scratch as for one sample. NULL: no units.
    // Together the units do what forward does, to the bit.
    int (*units)(const fv__op_node *node, const fv__kernels *kernels);
    void (*forward_units)(const fv__call *call, int begin, int end);
    // Multiply-adds of forward for one sample.
    double (*multiply_adds)(const fv__op_node *node);
    // Shape of what is given out through `auxiliary` for one sample; NULL: nothing.
    void (*auxiliary)(const fv__op_node *node, fv__shape *shape);
    // For ops over windows of an image (input 0): which they are, so that tokens can be placed. NULL: other ops.
    void (*windows)(const fv__op_node *node, fv__windows *windows);
} fv__op;

#define X(name) extern const fv__op fv__op_##name;
FV__OP_LIST(X)
#undef X

// --- Attributes of the ops that have some

typedef enum fv__padding { FV__PADDING_VALID, FV__PADDING_SAME } fv__padding;

// y = activation(x · W + b): inputs x (..., in), W (in, out), optional b (out).
typedef struct fv__dense_attributes {
    fv__activation activation;
} fv__dense_attributes;

// Cross-correlation as in Keras: inputs x (height, width, in), kernel (kh, kw, in, out), optional bias (out).
// Depthwise: kernel (kh, kw, in, 1), optional bias (in).
typedef struct fv__conv2d_attributes {
    int stride[2]; // vertical, horizontal
    fv__padding padding;
    fv__activation activation;
} fv__conv2d_attributes;

// A convolution with bias, then a depthwise one, then one of 1×1 with stride 1. The depthwise activation is linear,
// ReLU or ReLU6.
typedef struct fv__bottleneck_attributes {
    fv__conv2d_attributes first, depthwise, last;
} fv__bottleneck_attributes;

// Largest value of each window, then the activation (a monotonic one commutes with the maximum).
typedef struct fv__max_pool2d_attributes {
    int size[2], stride[2];
    fv__padding padding;
    fv__activation activation;
} fv__max_pool2d_attributes;

typedef struct fv__activation_attributes {
    fv__activation activation;
} fv__activation_attributes;

typedef enum fv__axis { FV__AXIS_FEATURES, FV__AXIS_TOKENS } fv__axis;

typedef struct fv__softmax_attributes {
    fv__axis axis; // over the last axis, or for each feature over the tokens
} fv__softmax_attributes;

typedef enum fv__score { FV__SCORE_DOT, FV__SCORE_ADDITIVE } fv__score;

// Attention inside each of `groups` equal runs of tokens: inputs query (groups*Tq, heads*dk), key (groups*Tk,
// heads*dk), value (groups*Tk, heads*dv), then, if has_mask, mask (broadcastable to (heads, Tq, Tk), 0 = replaced by
// -1e9), then, if has_scale, a trainable scale: a scalar for dot (scores are multiplied by it), (dk) for additive.
// Output (groups*Tq, heads*dv); auxiliary: the weights ([groups,] heads, Tq, Tk), before dropout.
typedef struct fv__attention_attributes {
    int heads, groups;
    fv__score score;
    float scale; // fixed factor on the scores: 1, or 1/sqrt(dk)
    bool has_mask, has_scale;
    bool causal;                   // query i sees keys 0 … i alone; not with a mask
    bool shared_key, shared_value; // every head sees the whole key (groups*Tk, dk), the whole value (groups*Tk, dv)
    float dropout;                 // on the weights
} fv__attention_attributes;

// epsilon beside the variance (layer_norm, batch_norm, and what the algebra pass folds of the last) or beside the
// deviation (norm_l). Inputs x (..., features), gamma, beta; batch_norm takes the mean and the variance after them.
typedef struct fv__norm_attributes {
    float epsilon;
} fv__norm_attributes;

// An image (height, width, channels) as (tokens, size * size * channels).
typedef struct fv__patches_attributes {
    int size;
} fv__patches_attributes;

typedef struct fv__take_token_attributes {
    int index;
} fv__take_token_attributes;

typedef struct fv__dropout_attributes {
    float rate;
} fv__dropout_attributes;

typedef struct fv__reshape_attributes {
    fv__shape shape;
} fv__reshape_attributes;

typedef enum fv__pooling { FV__POOLING_AVERAGE, FV__POOLING_MAX } fv__pooling;

// Over every axis but the last: (tokens, features) or (height, width, channels) to (features).
typedef struct fv__global_pool_attributes {
    fv__pooling pooling;
} fv__global_pool_attributes;

// Softmax cross-entropy of logits (classes) against call->targets, averaged over the batch in the gradient; the output
// is the loss of the sample itself (a scalar).
typedef struct fv__cross_entropy_attributes {
    float label_smoothing;
} fv__cross_entropy_attributes;

// A product of weights, once a step (the algebra pass makes these): inputs A, seen as (rows, inner), X, seen as
// (blocks, inner, columns), and an optional offset (columns):
//   y[h] = A · X[h] + offset for each block h, or, with sum_blocks, y = Σ_h A · X[h] + offset
// The output has the elements of (blocks, rows, columns), or (rows, columns), in the shape asked for.
typedef struct fv__weight_product_attributes {
    int rows, inner, blocks, columns;
    bool sum_blocks;
    fv__shape shape;
} fv__weight_product_attributes;

// The kernel of two convolutions one after the other, with nothing between them: inputs A (h, w, in, middle), the
// first, which moves by `stride`, and B (h, w, middle, out), the second.
typedef struct fv__convolution_product_attributes {
    int stride[2];
} fv__convolution_product_attributes;

// A product of two weights for each head, once a step (the algebra pass makes these): see head_product.c.
typedef struct fv__head_product_attributes {
    int heads;
    bool transposed; // the second weight's head is
} fv__head_product_attributes;

// The mean over the queries of dot-product attention (the algebra pass makes these): inputs query (Tq, heads*dk), key
// (Tk, heads*dk) and value (Tk, heads*dv); output (heads*dv). With shared_value every head attends to the whole value
// (Tk, features): output (heads, features).
typedef struct fv__pooled_attention_attributes {
    int heads;
    bool shared_value;
    float scale; // on the scores, above 0
} fv__pooled_attention_attributes;

// Op head_dense has no attributes: y[h] = x[h] · W[h] + b[h], inputs x (heads, in), W (in, heads*out), optional b
// (heads*out); output (heads*out).

#endif
