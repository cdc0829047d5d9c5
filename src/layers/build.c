// SPDX-License-Identifier: Apache-2.0
// What build functions of layers share: nodes and weights named after the layer, and pieces that several layers have.
#include "base/memory.h"
#include "layers/layer.h"
#include "ops/dense.h"
#include "ops/tokens.h"

const char *const fv__activation_names[] = {
#define X(name, formula) #name,
    FV__ACTIVATION_LIST(X)
#undef X
        NULL};

const char *const fv__activation_names_and_softmax[] = {
#define X(name, formula) #name,
    FV__ACTIVATION_LIST(X)
#undef X
        "softmax",
    NULL};

const char *const fv__padding_names[] = {[FV__PADDING_VALID] = "valid", [FV__PADDING_SAME] = "same", NULL};

// Sizes come from users and files: everything later counts elements in an int.
static fv_status check_elements(const fv__builder *builder, const char *what, const fv__shape *shape, fv_error *error) {
    double elements = 1;
    for (int i = 0; i < shape->rank; i++) {
        elements *= shape->size[i];
    }
    if (elements > FV__MAX_ELEMENTS) {
        return FV__LAYER_FAIL(builder, error, "%s of shape %s has more than %d numbers; make the layer smaller", what,
                              fv__shape_print(shape).text, FV__MAX_ELEMENTS);
    }
    return FV_OK;
}

fv_status fv__build_op(fv__builder *builder, const fv__op *op, const void *attributes, const int *inputs,
                       int input_count, int *output, fv_error *error) {
    int node;
    fv_status status = fv__graph_add(builder->graph, builder->layer, op, attributes, inputs, input_count, &node, error);
    if (!status) {
        status = check_elements(builder, "an output", fv__graph_shape(builder->graph, node), error);
    }
    if (!status) {
        *output = node;
    }
    return status;
}

fv_status fv__build_parameter(fv__builder *builder, const char *name, const fv__shape *shape,
                              fv__initializer initializer, int *node, fv_error *error) {
    fv_status status = check_elements(builder, name, shape, error);
    if (status) {
        return status;
    }
    char *full = fv__format("%s/%s", builder->layer, name);
    if (!full) {
        return fv__fail_memory(error, "the graph");
    }
    status = fv__graph_add_parameter(builder->graph, full, shape, initializer, node, error);
    fv__free(full);
    return status;
}

// "kernel", or "query/kernel" for the part `part` of a layer.
static fv_status build_part(fv__builder *builder, const char *part, const char *name, const fv__shape *shape,
                            fv__initializer initializer, int *node, fv_error *error) {
    if (!part) {
        return fv__build_parameter(builder, name, shape, initializer, node, error);
    }
    char *full = fv__format("%s/%s", part, name);
    if (!full) {
        return fv__fail_memory(error, "the graph");
    }
    fv_status status = fv__build_parameter(builder, full, shape, initializer, node, error);
    fv__free(full);
    return status;
}

// An op on `input`, "kernel" and, unless `biases` is 0, as many values "bias".
static fv_status build_weighted(fv__builder *builder, const char *part, const fv__op *op, const void *attributes,
                                int input, const fv__shape *kernel, int biases, int *output, fv_error *error) {
    const fv__shape bias = {.rank = 1, .size = {biases}};
    int inputs[3] = {input};
    fv_status status = build_part(builder, part, "kernel", kernel, FV__INITIAL_GLOROT_UNIFORM, &inputs[1], error);
    if (!status && biases) {
        status = build_part(builder, part, "bias", &bias, FV__INITIAL_ZEROS, &inputs[2], error);
    }
    if (!status) {
        status = fv__build_op(builder, op, attributes, inputs, biases ? 3 : 2, output, error);
    }
    return status;
}

fv_status fv__build_dense(fv__builder *builder, const char *name, int input, int units, bool bias,
                          fv__activation activation, int *output, fv_error *error) {
    const fv__shape *x = fv__graph_shape(builder->graph, input);
    if (x->rank < 1) {
        return FV__LAYER_FAIL(builder, error, "the input is a single number %s; dense needs an axis of features",
                              fv__shape_print(x).text);
    }
    const fv__shape kernel = {.rank = 2, .size = {x->size[x->rank - 1], units}};
    const fv__dense_attributes attributes = {.activation = activation};
    return build_weighted(builder, name, &fv__op_dense, &attributes, input, &kernel, bias ? units : 0, output, error);
}

fv_status fv__build_convolution(fv__builder *builder, const char *name, int input, int filters, const int kernel[2],
                                bool bias, const fv__conv2d_attributes *attributes, int *output, fv_error *error) {
    const fv__shape *x = fv__graph_shape(builder->graph, input);
    if (x->rank != 3) {
        return FV__LAYER_FAIL(builder, error, "needs an image (height, width, channels), not %s",
                              fv__shape_print(x).text);
    }
    const int channels = x->size[2], filtered = filters ? filters : channels;
    const fv__op *op = filters ? &fv__op_conv2d : &fv__op_depthwise_conv2d;
    const fv__shape shape = {.rank = 4, .size = {kernel[0], kernel[1], channels, filters ? filters : 1}};
    return build_weighted(builder, name, op, attributes, input, &shape, bias ? filtered : 0, output, error);
}

fv_status fv__build_softmax(fv__builder *builder, int input, fv__axis axis, int *output, fv_error *error) {
    fv__softmax_attributes attributes = {.axis = axis};
    return fv__build_op(builder, &fv__op_softmax, &attributes, &input, 1, output, error);
}

fv_status fv__build_reshape(fv__builder *builder, int input, const fv__shape *shape, int *output, fv_error *error) {
    fv__reshape_attributes attributes = {.shape = *shape};
    return fv__build_op(builder, &fv__op_reshape, &attributes, &input, 1, output, error);
}

fv_status fv__build_tokens(fv__builder *builder, int input, int *tokens, fv_error *error) {
    fv__shape x = *fv__graph_shape(builder->graph, input);
    if (x.rank != 2 && x.rank != 3) {
        return FV__LAYER_FAIL(
            builder, error,
            "needs (tokens, features) or (height, width, channels), not %s; put it before flatten, or "
            "a reshape before it",
            fv__shape_print(&x).text);
    }
    double count = x.rank == 2 ? x.size[0] : (double)x.size[0] * x.size[1];
    if (count > FV__MAX_TOKENS) {
        return FV__LAYER_FAIL(builder, error, "%.0f tokens in %s are more than %d; pool the image first", count,
                              fv__shape_print(&x).text, FV__MAX_TOKENS);
    }
    *tokens = input;
    if (x.rank == 2) {
        return FV_OK;
    }
    return fv__build_reshape(builder, input, &(fv__shape){.rank = 2, .size = {(int)count, x.size[2]}}, tokens, error);
}
