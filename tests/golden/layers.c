// SPDX-License-Identifier: Apache-2.0
// Cases that are one layer: what graph they are.
#include <math.h>
#include <string.h>

#include "golden.h"
#include "ops/attention.h"
#include "ops/convolution.h"
#include "ops/dense.h"
#include "ops/normalized.h"
#include "ops/pooling.h"
#include "ops/softmax.h"
#include "ops/tokens.h"

static fv__activation activation(golden_case *golden) {
    static const char *const names[] = {
#define X(name, formula) #name,
        FV__ACTIVATION_LIST(X)
#undef X
    };
    const char *wanted = golden_text(golden, "activation", "linear");
    for (int i = 0; i < FV__ACTIVATION_COUNT; i++) {
        if (strcmp(wanted, names[i]) == 0) {
            return (fv__activation)i;
        }
    }
    if (strcmp(wanted, "softmax") != 0) { // which is a node of its own
        golden_skip(golden, "no activation is called '%s'", wanted);
    }
    return FV__ACTIVATION_linear;
}

static bool ends_in_softmax(golden_case *golden) {
    return strcmp(golden_text(golden, "activation", "linear"), "softmax") == 0;
}

// A number, or a list of two, under `key`.
static void pair(golden_case *golden, const char *key, int otherwise, int out[2]) {
    const json_t *value = json_object_get(golden->config, key);
    for (int i = 0; i < 2; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, (size_t)i) : value;
        out[i] = json_is_number(item) ? (int)json_number_value(item) : otherwise;
    }
}

static fv__padding padding(golden_case *golden) {
    return strcmp(golden_text(golden, "padding", "valid"), "same") == 0 ? FV__PADDING_SAME : FV__PADDING_VALID;
}

static void finish(golden_case *golden, int node) {
    if (ends_in_softmax(golden)) {
        node = golden_op(golden, &fv__op_softmax, &(fv__softmax_attributes){FV__AXIS_FEATURES}, 1, &node);
    }
    golden_check(golden, node);
}

// dense(x, kernel[, bias]) with the names the file uses.
static int dense(golden_case *golden, int x, const char *kernel, const char *bias, const fv__shape *kernel_shape,
                 const fv__shape *bias_shape, fv__activation kind) {
    int inputs[3] = {x, golden_weight(golden, kernel, kernel_shape), -1};
    if (bias) {
        inputs[2] = golden_weight(golden, bias, bias_shape);
    }
    return golden_op(golden, &fv__op_dense, &(fv__dense_attributes){kind}, bias ? 3 : 2, inputs);
}

static void run_dense(golden_case *golden) {
    finish(golden, dense(golden, golden_input(golden, "x"), "kernel", golden_has(golden, "bias") ? "bias" : NULL, NULL,
                         NULL, activation(golden)));
}

static void run_convolution(golden_case *golden, const fv__op *op) {
    fv__conv2d_attributes attributes = {.padding = padding(golden), .activation = activation(golden)};
    pair(golden, "stride", 1, attributes.stride);
    int inputs[3] = {golden_input(golden, "x"), golden_weight(golden, "kernel", NULL), -1};
    bool bias = golden_has(golden, "bias");
    if (bias) {
        inputs[2] = golden_weight(golden, "bias", NULL);
    }
    finish(golden, golden_op(golden, op, &attributes, bias ? 3 : 2, inputs));
}

static void run_conv2d(golden_case *golden) {
    run_convolution(golden, &fv__op_conv2d);
}

static void run_depthwise_conv2d(golden_case *golden) {
    run_convolution(golden, &fv__op_depthwise_conv2d);
}

static void run_max_pool2d(golden_case *golden) {
    fv__max_pool2d_attributes attributes = {.padding = padding(golden)};
    pair(golden, "size", 2, attributes.size);
    pair(golden, "stride", attributes.size[0], attributes.stride);
    int x = golden_input(golden, "x");
    golden_check(golden, golden_op(golden, &fv__op_max_pool2d, &attributes, 1, &x));
}

static void run_norm(golden_case *golden, const fv__op *op, const char *gain, const char *offset, double epsilon) {
    int x = golden_input(golden, "x");
    if (golden->status) {
        return;
    }
    const fv__shape *shape = fv__graph_shape(&golden->graph, x);
    fv__shape features = {.rank = 1, .size = {shape->size[shape->rank - 1]}};
    int inputs[3] = {x, golden_weight(golden, gain, &features), golden_weight(golden, offset, &features)};
    fv__norm_attributes attributes = {(float)golden_number(golden, "epsilon", epsilon)};
    golden_check(golden, golden_op(golden, op, &attributes, 3, inputs));
}

static void run_batch_norm(golden_case *golden) {
    static const char *const names[] = {"gamma", "beta", "moving_mean", "moving_variance"};
    int inputs[5] = {golden_input(golden, "x")};
    for (int i = 0; i < 4; i++) {
        inputs[i + 1] = golden_weight(golden, names[i], NULL);
        if (!golden->status && i >= 2) {
            golden->graph.parameters[golden->graph.parameter_count - 1].trainable = false;
        }
    }
    fv__norm_attributes attributes = {(float)golden_number(golden, "epsilon", 1e-3)};
    golden_check(golden, golden_op(golden, &fv__op_batch_norm, &attributes, 5, inputs));
}

static void run_layer_norm(golden_case *golden) {
    run_norm(golden, &fv__op_layer_norm, "gamma", "beta", 1e-3);
}

static void run_norm_l(golden_case *golden) {
    run_norm(golden, &fv__op_norm_l, "a", "b", 1e-6);
}

static void run_softmax(golden_case *golden) {
    fv__axis axis =
        strcmp(golden_text(golden, "axis", "features"), "tokens") == 0 ? FV__AXIS_TOKENS : FV__AXIS_FEATURES;
    int x = golden_input(golden, "x");
    golden_check(golden, golden_op(golden, &fv__op_softmax, &(fv__softmax_attributes){axis}, 1, &x));
}

static void run_global_average_pool(golden_case *golden) {
    int x = golden_input(golden, "x");
    golden_check(golden,
                 golden_op(golden, &fv__op_global_pool, &(fv__global_pool_attributes){FV__POOLING_AVERAGE}, 1, &x));
}

static int reshape(golden_case *golden, int node, fv__shape shape) {
    return golden_op(golden, &fv__op_reshape, &(fv__reshape_attributes){shape}, 1, &node);
}

static void run_scaled_dot_product(golden_case *golden) {
    int inputs[3] = {golden_input(golden, "query"), golden_input(golden, "key"), golden_input(golden, "value")};
    if (golden->status) {
        return;
    }
    int heads = golden_int(golden, "heads", 1), head_dim = golden_int(golden, "head_dim", 1);
    fv__attention_attributes attributes = {
        .heads = heads, .groups = 1, .scale = (float)golden_number(golden, "scale", 1 / sqrt(head_dim))};
    fv__shape shape = *fv__graph_shape(&golden->graph, inputs[0]);
    if (strcmp(golden_text(golden, "over", "positions"), "heads") == 0) {
        attributes.groups = shape.size[0];
        attributes.heads = 1;
        for (int i = 0; i < 3; i++) {
            inputs[i] = reshape(golden, inputs[i], (fv__shape){2, {shape.size[0] * heads, head_dim}});
        }
    }
    golden->attention = golden_op(golden, &fv__op_attention, &attributes, 3, inputs);
    golden_check(golden, reshape(golden, golden->attention, shape));
}

// Keras's Attention and AdditiveAttention over the tokens x themselves, with or without projections.
static void run_attention(golden_case *golden) {
    int x = golden_input(golden, "x");
    int query = x, key = x;
    if (golden_has(golden, "query_kernel")) {
        query = dense(golden, x, "query_kernel", NULL, NULL, NULL, FV__ACTIVATION_linear);
        key = dense(golden, x, "key_kernel", NULL, NULL, NULL, FV__ACTIVATION_linear);
    }
    bool additive = strcmp(golden_text(golden, "score", "dot"), "additive") == 0;
    fv__attention_attributes attributes = {.heads = 1,
                                           .groups = 1,
                                           .score = additive ? FV__SCORE_ADDITIVE : FV__SCORE_DOT,
                                           .scale = 1,
                                           .trained_scale = golden_has(golden, "scale")};
    int inputs[4] = {query, key, x, -1};
    if (attributes.trained_scale) {
        inputs[3] = golden_weight(golden, "scale", additive ? NULL : &(fv__shape){0});
    }
    golden->attention = golden_op(golden, &fv__op_attention, &attributes, attributes.trained_scale ? 4 : 3, inputs);
    golden_check(golden, golden->attention);
}

static void run_multi_head_attention(golden_case *golden) {
    static const char *const names[3][3] = {
        {"query", "wq_kernel", "wq_bias"}, {"key", "wk_kernel", "wk_bias"}, {"value", "wv_kernel", "wv_bias"}};
    int inputs[4] = {-1, -1, -1, -1};
    for (int i = 0; i < 3; i++) {
        inputs[i] = dense(golden, golden_input(golden, names[i][0]), names[i][1], names[i][2], NULL, NULL,
                          FV__ACTIVATION_linear);
    }
    int heads = golden_int(golden, "heads", 1);
    const bool masked = golden_has(golden, "mask");
    fv__attention_attributes attributes = {
        .heads = heads, .groups = 1, .mask = masked ? FV__MASK_INPUT : FV__MASK_NONE};
    attributes.scale = (float)(1 / sqrt((double)golden_int(golden, "d_model", 1) / heads));
    if (masked) {
        inputs[3] = golden_input(golden, "mask");
    }
    golden->attention = golden_op(golden, &fv__op_attention, &attributes, masked ? 4 : 3, inputs);
    golden_check(golden, dense(golden, golden->attention, "wo_kernel", "wo_bias", NULL, NULL, FV__ACTIVATION_linear));
    golden_check_attention_call(golden);
}

const golden_kind golden_layers[] = {{"dense", run_dense},
                                     {"conv2d", run_conv2d},
                                     {"depthwise_conv2d", run_depthwise_conv2d},
                                     {"batch_norm", run_batch_norm},
                                     {"max_pool2d", run_max_pool2d},
                                     {"layer_norm", run_layer_norm},
                                     {"norm_l", run_norm_l},
                                     {"softmax", run_softmax},
                                     {"global_average_pool", run_global_average_pool},
                                     {"scaled_dot_product", run_scaled_dot_product},
                                     {"attention", run_attention},
                                     {"multi_head_attention", run_multi_head_attention},
                                     {0}};
