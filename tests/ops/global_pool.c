// SPDX-License-Identifier: Apache-2.0
// Average and largest value over all places.
#include "harness.h"
#include "ops/pooling.h"

static void reference(const reference_call *call) {
    const fv__global_pool_attributes *attributes = call->test->attributes;
    const int features = call->node->output.size[0];
    const int rows = (int)fv__shape_elements(&call->node->inputs[0]) / features;
    for (int i = 0; i < features; i++) {
        double sum = 0, largest = call->in[0][i];
        for (int row = 0; row < rows; row++) {
            const double value = call->in[0][row * features + i];
            sum += value;
            largest = value > largest ? value : largest;
        }
        call->out[i] = attributes->pooling == FV__POOLING_MAX ? largest : sum / rows;
    }
}

#define CASE(kind, features, ...)                                                                                      \
    {                                                                                                                  \
        .name = #kind " " #__VA_ARGS__, .attributes = &(fv__global_pool_attributes){FV__POOLING_##kind},               \
        .inputs = {SAMPLE(__VA_ARGS__)}, .output = SHAPE(features)                                                     \
    }

static const op_case cases[] = {
    CASE(AVERAGE, 1, 33, 1),
    CASE(MAX, 1, 33, 1),
    CASE(AVERAGE, 3, 31, 3),
    CASE(MAX, 3, 31, 3),
    CASE(AVERAGE, 5, 17, 5),
    CASE(MAX, 5, 17, 5),
    CASE(AVERAGE, 7, 10, 7),
    CASE(MAX, 7, 10, 7),
    CASE(AVERAGE, 10, 7, 10),
    CASE(MAX, 10, 7, 10),
    CASE(AVERAGE, 17, 5, 17),
    CASE(MAX, 17, 5, 17),
    CASE(AVERAGE, 31, 3, 31),
    CASE(MAX, 31, 3, 31),
    CASE(AVERAGE, 33, 1, 33),
    CASE(MAX, 33, 1, 33),

    CASE(AVERAGE, 130, 3, 4, 130),
    CASE(MAX, 130, 3, 4, 130),
    {.name = "vector",
     .attributes = &(fv__global_pool_attributes){FV__POOLING_MAX},
     .inputs = {SAMPLE(7)},
     .refusal = "shape (7) of rank 1, but rank 2 to 4 fits"},
};
const op_cases cases_global_pool = CASES(cases, reference);
