// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy against one label or a mix of two.
#include <math.h>

#include "harness.h"
#include "ops/softmax.h"

static void reference(const reference_call *call) {
    const double smoothing = (double)((const fv__cross_entropy_attributes *)call->test->attributes)->label_smoothing;
    const int classes = call->node->inputs[0].size[0];
    const double mix = (double)call->target->mix;
    double largest = call->in[0][0], sum = 0;
    for (int i = 1; i < classes; i++) {
        largest = fmax(largest, call->in[0][i]);
    }
    for (int i = 0; i < classes; i++) {
        sum += exp(call->in[0][i] - largest);
    }
    call->out[0] = 0;
    for (int i = 0; i < classes; i++) {
        const double hard = (call->target->label == i ? 1 - mix : 0) + (call->target->other == i ? mix : 0);
        const double target = hard * (1 - smoothing) + smoothing / classes;
        call->out[0] -= target * (call->in[0][i] - largest - log(sum));
    }
    call->out[0] *= (double)call->target->weight;
}

static void large(const op_case *test, int input, float *values, size_t count) {
    (void)test, (void)input;
    for (size_t i = 0; i < count; i++) {
        values[i] = values[i] * 80 + 500;
    }
}

#define CASE(label, smoothing, how, classes)                                                                           \
    {                                                                                                                  \
        .name = label " " #classes, .attributes = &(fv__cross_entropy_attributes){smoothing},                          \
        .inputs = {SAMPLE(classes)}, .output = SCALAR, .prepare = how, .averages = true                                \
    }

static const op_case cases[] = {
    CASE("plain", 0, NULL, 3),
    CASE("smooth", 0.1f, NULL, 3),
    CASE("plain", 0, NULL, 5),
    CASE("smooth", 0.1f, NULL, 5),
    CASE("plain", 0, NULL, 7),
    CASE("smooth", 0.1f, NULL, 7),
    CASE("plain", 0, NULL, 10),
    CASE("smooth", 0.1f, NULL, 10),
    CASE("plain", 0, NULL, 17),
    CASE("smooth", 0.1f, NULL, 17),
    CASE("plain", 0, NULL, 31),
    CASE("smooth", 0.1f, NULL, 31),
    CASE("plain", 0, NULL, 33),
    CASE("smooth", 0.1f, NULL, 33),
    CASE("far from 0", 0.1f, large, 100),
    {.name = "an image",
     .attributes = &(fv__cross_entropy_attributes){0},
     .inputs = {SAMPLE(2, 3, 4)},
     .refusal = "(2, 3, 4) of rank 3, but rank 1 fits"},
    {.name = "smoothing 1",
     .attributes = &(fv__cross_entropy_attributes){1},
     .inputs = {SAMPLE(3)},
     .refusal = "label smoothing is 1"},
};
const op_cases cases_cross_entropy = CASES(cases, reference);
