// SPDX-License-Identifier: Apache-2.0
// Layers: what people call layers, as graphs of ops. A layer type declares its options beside itself and knows how to
// add its nodes; a model is a list of layers, some of which (residual, repeat) hold lists of their own.
//
// Adding a layer: one file here, one line in FV__LAYER_LIST.
#ifndef FOVEA_LAYERS_LAYER_H
#define FOVEA_LAYERS_LAYER_H

#include <stddef.h>

#include "formats/options.h"
#include "graph/graph.h"
#include "ops/convolution.h"
#include "ops/softmax.h"

// name in recipes: the type `const fv__layer_type fv__layer_NAME` is defined in src/layers/NAME.c (both global pools in
// global_pool.c)
#define FV__LAYER_LIST(X)                                                                                              \
    X(conv2d)                                                                                                          \
    X(max_pool2d)                                                                                                      \
    X(dense)                                                                                                           \
    X(activation)                                                                                                      \
    X(softmax)                                                                                                         \
    X(dropout)                                                                                                         \
    X(flatten)                                                                                                         \
    X(reshape)                                                                                                         \
    X(layer_norm)                                                                                                      \
    X(norm_l)                                                                                                          \
    X(patches)                                                                                                         \
    X(position_embedding)                                                                                              \
    X(class_token)                                                                                                     \
    X(take_token)                                                                                                      \
    X(attention)                                                                                                       \
    X(multi_head_attention)                                                                                            \
    X(external_attention)                                                                                              \
    X(global_average_pool)                                                                                             \
    X(global_max_pool)                                                                                                 \
    X(depthwise_conv2d)                                                                                                \
    X(batch_norm)                                                                                                      \
    X(mobilenet_v2)                                                                                                    \
    X(residual)                                                                                                        \
    X(repeat)

typedef struct fv__builder fv__builder;

typedef struct fv__layer_type {
    const char *name;
    const char *sentence;      // what it does and where it comes from
    const fv__option *options; // table of `options_size` bytes of options; NULL: none
    size_t options_size;
    // Adds nodes that compute the layer from node `input`; *output is the last.
    fv_status (*build)(fv__builder *builder, const void *options, int input, int *output, fv_error *error);
} fv__layer_type;

#define X(name) extern const fv__layer_type fv__layer_##name;
FV__LAYER_LIST(X)
#undef X

// A line of the summary: one layer as built.
typedef struct fv__layer_entry {
    char *name; // "dense_1", unique in the model
    const fv__layer_type *type;
    int depth;              // 0; more inside residual and repeat
    int first_node, output; // its nodes are first_node … up to the next entry's; `output` carries its result
    int first_parameter, parameter_count; // its own and those of the layers inside
} fv__layer_entry;

struct fv__builder {
    fv__graph *graph;
    fv__layer_entry *entries;
    int entry_count, entry_capacity;
    int depth;
    int repeats;       // of how many repeats the layer is inside: there a given name is numbered like any other
    const char *layer; // name of the layer being built: prefix of its weights and nodes
    bool located;      // the message of a failure already tells file and line
};

enum {
    FV__MAX_LAYERS = 4096,      // of a model, after all repeats
    FV__MAX_ELEMENTS = 1 << 28, // of one value or weight
    FV__MAX_TOKENS = 1 << 16,   // of attention
    FV__MAX_LAYER_NAME = 64     // bytes
};

// The row that every layer's table has; its struct has `const char *name`.
#define FV__LAYER_NAME(type)                                                                                           \
    {                                                                                                                  \
        .name = "name", .kind = FV__TEXT, .offset = offsetof(type, name),                                              \
        .sentence = "Name of the layer and prefix of its weights; by default its type, numbered where that is taken."  \
    }

// Builds one layer after another from a recipe's list; errors name file, line and layer. Layers take their option
// `name` or else the type's name, with _1, _2, … where it is taken. After a failure graph and entries hold what was
// built before it: fv__graph_truncate and fv__layer_entries_truncate take that back.
fv_status fv__layers_build(fv__builder *builder, const fv__value *list, int input, int *output, fv_error *error);

// Frees the entries from `count` on; with 0 the array itself too.
void fv__layer_entries_truncate(fv__layer_entry **entries, int *entry_count, int count);

// All types, for reference pages; NULL after the last.
const fv__layer_type *fv__layer_type_at(int index);
const fv__layer_type *fv__layer_type_find(const char *name); // NULL: there is none

// --- For build functions: nodes named after the layer, weights "layer/name"

fv_status fv__build_op(fv__builder *builder, const fv__op *op, const void *attributes, const int *inputs,
                       int input_count, int *output, fv_error *error);
fv_status fv__build_parameter(fv__builder *builder, const char *name, const fv__shape *shape,
                              fv__initializer initializer, int *node, fv_error *error);

// A dense node with its weights "name/kernel" and, if asked, "name/bias" (`name` NULL: "kernel", "bias").
fv_status fv__build_dense(fv__builder *builder, const char *name, int input, int units, bool bias,
                          fv__activation activation, int *output, fv_error *error);

// A convolution of an image with its weights, named likewise. `filters` 0: a depthwise one.
fv_status fv__build_convolution(fv__builder *builder, const char *name, int input, int filters, const int kernel[2],
                                bool bias, const fv__conv2d_attributes *attributes, int *output, fv_error *error);

// A batch norm by stored statistics, with its weights "part/gamma", … (`part` NULL: "gamma", …).
fv_status fv__build_batch_norm(fv__builder *builder, const char *part, double epsilon, int input, int *output,
                               fv_error *error);

// What `activation` of a layer can be: an fv__activation by its number, and where softmax is allowed, that after them.
enum { FV__LAYER_SOFTMAX = FV__ACTIVATION_COUNT };
extern const char *const fv__activation_names[];             // NULL-terminated
extern const char *const fv__activation_names_and_softmax[]; // NULL-terminated

extern const char *const fv__padding_names[]; // as fv__padding; NULL-terminated

fv_status fv__build_softmax(fv__builder *builder, int input, fv__axis axis, int *output, fv_error *error);

fv_status fv__build_reshape(fv__builder *builder, int input, const fv__shape *shape, int *output, fv_error *error);

// What attention works on: (tokens, features) as it is, the positions of an image (height, width, channels) as tokens.
fv_status fv__build_tokens(fv__builder *builder, int input, int *tokens, fv_error *error);

// A failure of the layer being built, named in the message.
#define FV__LAYER_FAIL(builder, error, format, ...)                                                                    \
    fv__fail(error, FV_INVALID, "layer %s: " format, (builder)->layer, __VA_ARGS__)

#endif
