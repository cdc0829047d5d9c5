// SPDX-License-Identifier: Apache-2.0
// MobileNetV2 (Sandler et al. 2018, "MobileNetV2: inverted residuals and linear bottlenecks"), layer by layer as
// keras.applications.MobileNetV2, whose names the weights have: "Conv1/kernel", "block_1_expand_BN/gamma", …
//
// An inverted residual block widens its input sixfold (1×1), convolves each channel by itself (3×3) and projects back
// (1×1) without an activation; where shapes agree, the input is added. Keras pads by hand before convolutions of stride
// 2, (0, 1) of an even size and (1, 1) of an odd one: what `same` gives.
#include <math.h>
#include <stdio.h>

#include "layers/layer.h"
#include "ops/pointwise.h"
#include "ops/pooling.h"

enum { BLOCKS = 17, CLASSES = 1000, LEAST_SIZE = 32 };
#define EPSILON 1e-3

typedef struct mobilenet_v2_options {
    double width;
    bool top, trainable;
    int train_last;
    double lr_factor;
    const char *name;
} mobilenet_v2_options;

static const fv__option table[] = {
    {.name = "width",
     .kind = FV__FLOAT,
     .offset = offsetof(mobilenet_v2_options, width),
     .default_text = "1",
     .minimum = 0.05,
     .maximum = 4,
     .sentence = "Multiplier of every layer's channels (Keras's `alpha`); there are ImageNet weights for 0.35, 0.5, "
                 "0.75, 1, 1.3 and 1.4."},
    {.name = "top",
     .kind = FV__BOOL,
     .offset = offsetof(mobilenet_v2_options, top),
     .default_text = "false",
     .sentence =
         "Whether it ends with the average over positions and probabilities of ImageNet's 1000 classes, instead "
         "of with features (height / 32, width / 32, 1280)."},
    {.name = "trainable",
     .kind = FV__BOOL,
     .offset = offsetof(mobilenet_v2_options, trainable),
     .default_text = "false",
     .sentence = "Whether training changes its weights. The batch norms' statistics always stay."},
    {.name = "train_last",
     .kind = FV__INT,
     .offset = offsetof(mobilenet_v2_options, train_last),
     .default_text = "0",
     .minimum = 0,
     .maximum = BLOCKS,
     .sentence = "Fine-tuning: training changes the last blocks, so many of the 17, and what follows them."},
    {.name = "lr_factor",
     .kind = FV__FLOAT,
     .offset = offsetof(mobilenet_v2_options, lr_factor),
     .default_text = "0.1",
     .minimum = 0.000001,
     .maximum = 1,
     .sentence = "Fine-tuning: what `train_last` trains learns at this share of the learning rate, so that what it "
                 "knows is not lost while the layers behind it begin."},
    FV__LAYER_NAME(mobilenet_v2_options),
    {0}};

// Channels, stride and expansion of each block.
static const struct {
    int filters, stride, expansion;
} blocks[BLOCKS] = {{16, 1, 1}, {24, 2, 6},  {24, 1, 6},  {32, 2, 6},  {32, 1, 6}, {32, 1, 6},
                    {64, 2, 6}, {64, 1, 6},  {64, 1, 6},  {64, 1, 6},  {96, 1, 6}, {96, 1, 6},
                    {96, 1, 6}, {160, 2, 6}, {160, 1, 6}, {160, 1, 6}, {320, 1, 6}};

// A network in the making. A failed step stays failed: later ones do nothing.
typedef struct network {
    fv__builder *builder;
    fv_error *error;
    fv_status status;
    int x; // the last node
} network;

// Keras's `_make_divisible`: the multiple of 8 next to `channels`, but not under nine tenths of it.
static int make_divisible(double channels) {
    const int next = (int)((channels + 4) / 8) * 8, divisible = next < 8 ? 8 : next;
    return divisible < 0.9 * channels ? divisible + 8 : divisible;
}

static int channels_of(const network *net) {
    return fv__graph_shape(net->builder->graph, net->x)->size[2];
}

static void add(network *net, const fv__op *op, const void *attributes, const int *inputs, int count) {
    if (!net->status) {
        net->status = fv__build_op(net->builder, op, attributes, inputs, count, &net->x, net->error);
    }
}

// A convolution called PREFIX+LAYER without bias, its batch norm, called `norm` likewise, and perhaps ReLU6.
// `filters` 0: depthwise.
static void convolve(network *net, const char *prefix, const char *layer, const char *norm, int filters, int kernel,
                     int stride, bool activated) {
    const fv__conv2d_attributes attributes = {.stride = {stride, stride}, .padding = FV__PADDING_SAME};
    char name[64];
    snprintf(name, sizeof name, "%s%s", prefix, layer);
    if (!net->status) {
        net->status = fv__build_convolution(net->builder, name, net->x, filters, (const int[]){kernel, kernel}, false,
                                            &attributes, &net->x, net->error);
    }
    snprintf(name, sizeof name, "%s%s", prefix, norm);
    if (!net->status) {
        net->status = fv__build_batch_norm(net->builder, name, EPSILON, net->x, &net->x, net->error);
    }
    if (activated) {
        add(net, &fv__op_activation, &(fv__activation_attributes){FV__ACTIVATION_relu6}, &net->x, 1);
    }
}

static void add_block(network *net, int number, double width) {
    const int start = net->x, filters = make_divisible((int)(blocks[number].filters * width));
    const int stride = blocks[number].stride, expansion = blocks[number].expansion;
    char prefix[32] = "expanded_conv_";
    if (net->status) {
        return;
    }
    const bool adds = stride == 1 && channels_of(net) == filters;
    if (number > 0) {
        snprintf(prefix, sizeof prefix, "block_%d_", number);
        convolve(net, prefix, "expand", "expand_BN", expansion * channels_of(net), 1, 1, true);
    }
    convolve(net, prefix, "depthwise", "depthwise_BN", 0, 3, stride, true);
    convolve(net, prefix, "project", "project_BN", filters, 1, 1, false);
    if (adds) {
        add(net, &fv__op_add, NULL, (const int[]){start, net->x}, 2);
    }
}

static void add_top(network *net) {
    add(net, &fv__op_global_pool, &(fv__global_pool_attributes){FV__POOLING_AVERAGE}, &net->x, 1);
    if (!net->status) {
        net->status = fv__build_dense(net->builder, "predictions", net->x, CLASSES, true, FV__ACTIVATION_linear,
                                      &net->x, net->error);
    }
    if (!net->status) {
        net->status = fv__build_softmax(net->builder, net->x, FV__AXIS_FEATURES, &net->x, net->error);
    }
}

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const mobilenet_v2_options *options = opaque;
    const fv__shape *x = fv__graph_shape(builder->graph, input);
    if (x->rank != 3 || x->size[0] < LEAST_SIZE || x->size[1] < LEAST_SIZE) {
        return FV__LAYER_FAIL(builder, error, "needs an image (height, width, channels) of at least %d by %d, not %s",
                              LEAST_SIZE, LEAST_SIZE, fv__shape_print(x).text);
    }
    network net = {.builder = builder, .error = error, .x = input};
    const int first = builder->graph->parameter_count, trained = options->trainable ? BLOCKS : options->train_last;
    int frozen_end = first; // parameters first … frozen_end-1 stay
    convolve(&net, "", "Conv1", "bn_Conv1", make_divisible(32 * options->width), 3, 2, true);
    for (int b = 0; b < BLOCKS; b++) {
        if (b == BLOCKS - trained && !options->trainable) {
            frozen_end = builder->graph->parameter_count;
        }
        add_block(&net, b, options->width);
    }
    const double widest = options->width > 1 ? options->width : 1;
    convolve(&net, "", "Conv_1", "Conv_1_bn", make_divisible(1280 * widest), 1, 1, true);
    if (options->top) {
        add_top(&net);
    }
    if (!trained) {
        frozen_end = builder->graph->parameter_count;
    }
    for (int p = first; p < builder->graph->parameter_count; p++) {
        fv__parameter *parameter = &builder->graph->parameters[p];
        parameter->trainable = parameter->trainable && p >= frozen_end;
        parameter->lr_factor = options->trainable ? 1 : (float)options->lr_factor;
    }
    *output = net.x;
    return net.status;
}

const fv__layer_type fv__layer_mobilenet_v2 = {
    .name = "mobilenet_v2",
    .sentence =
        "MobileNetV2 (Sandler et al. 2018), as keras.applications.MobileNetV2, from images normalized to -1 … 1 "
        "(normalize: symmetric) to features; frozen unless said otherwise.",
    .options = table,
    .options_size = sizeof(mobilenet_v2_options),
    .build = build};
