// SPDX-License-Identifier: Apache-2.0
// The options of optimizers in a recipe. Defaults are Keras's.
#include <math.h>
#include <stddef.h>

#include "train/optimizer.h"

#define MEMBER(name) .offset = offsetof(fv__optimizer_settings, name)

#define LEARNING_RATE(text)                                                                                            \
    {                                                                                                                  \
        .name = "lr", .kind = FV__FLOAT, MEMBER(lr), .primary = true, .above_minimum = true, .minimum = 0,             \
        .maximum = INFINITY, .default_text = (text), .sentence = "Learning rate, before the schedule."                 \
    }

// Beyond these a float would be 1, or 0, and the first step divide by zero.
#define MOST_BETA 0.999999
#define LEAST_EPSILON 1e-30

#define ADAM_CONSTANTS                                                                                                 \
    {.name = "beta1",                                                                                                  \
     .kind = FV__FLOAT,                                                                                                \
     MEMBER(beta1),                                                                                                    \
     .minimum = 0,                                                                                                     \
     .maximum = MOST_BETA,                                                                                             \
     .default_text = "0.9",                                                                                            \
     .sentence = "How much of the running mean of the gradient stays each step."},                                     \
        {.name = "beta2",                                                                                              \
         .kind = FV__FLOAT,                                                                                            \
         MEMBER(beta2),                                                                                                \
         .minimum = 0,                                                                                                 \
         .maximum = MOST_BETA,                                                                                         \
         .default_text = "0.999",                                                                                      \
         .sentence = "How much of the running mean of the squared gradient stays each step."},                         \
    {                                                                                                                  \
        .name = "epsilon", .kind = FV__FLOAT, MEMBER(epsilon), .minimum = LEAST_EPSILON, .maximum = 1,                 \
        .default_text = "1e-7", .sentence = "Added to the root of the running mean square, before its correction."     \
    }

static const fv__option sgd_table[] = {LEARNING_RATE("0.01"),
                                       {.name = "momentum",
                                        .kind = FV__FLOAT,
                                        MEMBER(momentum),
                                        .below_maximum = true,
                                        .minimum = 0,
                                        .maximum = 1,
                                        .default_text = "0",
                                        .sentence = "Share of the last movement that goes on."},
                                       {.name = "nesterov",
                                        .kind = FV__BOOL,
                                        MEMBER(nesterov),
                                        .default_text = "false",
                                        .sentence = "Whether the momentum looks one step ahead (Nesterov)."},
                                       {0}};

static const fv__option adam_table[] = {LEARNING_RATE("0.001"), ADAM_CONSTANTS, {0}};

static const fv__option adamw_table[] = {
    LEARNING_RATE("0.001"),
    ADAM_CONSTANTS,
    {.name = "weight_decay",
     .kind = FV__FLOAT,
     MEMBER(weight_decay),
     .minimum = 0,
     .maximum = INFINITY,
     .default_text = "0.004",
     .sentence = "Every trainable weight, biases and norms too, shrinks by lr · weight_decay of itself each step."},
    {0}};

const fv__variant fv__optimizer_variants[] = {
    [FV__OPTIMIZER_SGD] = {"sgd", "Gradient descent, with momentum if asked for.", sgd_table},
    [FV__OPTIMIZER_ADAM] = {"adam", "Adam (Kingma and Ba 2015).", adam_table},
    [FV__OPTIMIZER_ADAMW] = {"adamw", "Adam with decoupled weight decay (Loshchilov and Hutter 2019).", adamw_table},
    {0}};
