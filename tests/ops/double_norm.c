// SPDX-License-Identifier: Apache-2.0
// Softmax over tokens, then division by the sum over the slots of each head.
#include <math.h>

#include "harness.h"

static void reference(const reference_call *call) {
    const fv__shape *shape = &call->node->output;
    const int tokens = shape->size[0], slots = shape->size[shape->rank - 1];
    const int features = (int)fv__shape_elements(shape) / tokens;
    const double *x = call->in[0];
    for (int j = 0; j < features; j++) {
        double largest = x[j], sum = 0;
        for (int t = 0; t < tokens; t++) {
            largest = fmax(largest, x[t * features + j]);
        }
        for (int t = 0; t < tokens; t++) {
            sum += exp(x[t * features + j] - largest);
        }
        for (int t = 0; t < tokens; t++) {
            call->out[t * features + j] = exp(x[t * features + j] - largest) / sum;
        }
    }
    for (int head = 0; head < tokens * features / slots; head++) {
        double sum = 1e-9;
        for (int k = 0; k < slots; k++) {
            sum += call->out[head * slots + k];
        }
        for (int k = 0; k < slots; k++) {
            call->out[head * slots + k] /= sum;
        }
    }
}

static void shifted(const op_case *test, int input, float *values, size_t count) {
    (void)test, (void)input;
    for (size_t i = 0; i < count; i++) {
        values[i] = values[i] * 4 + 1000;
    }
}

// One token far above the others, whose shares vanish beside the epsilon.
static void peaked(const op_case *test, int input, float *values, size_t count) {
    (void)input;
    const size_t features = count / 3 / (size_t)test->inputs[0].shape.size[0];
    for (size_t i = 0; i < count; i++) {
        values[i] += i / features % (size_t)test->inputs[0].shape.size[0] == 1 ? 18 : 0;
    }
}

#define CASE(label, how, ...)                                                                                          \
    { .name = label " " #__VA_ARGS__, .inputs = {SAMPLE(__VA_ARGS__)}, .output = SHAPE(__VA_ARGS__), .prepare = how }

static const op_case cases[] = {
    CASE("two slots", NULL, 3, 2),
    CASE("one token", NULL, 1, 5),
    CASE("one head", NULL, 9, 3),
    CASE("one head", NULL, 5, 16),
    CASE("one head", NULL, 4, 17),
    CASE("one head", NULL, 3, 64),
    CASE("heads", NULL, 7, 2, 3),
    CASE("heads", NULL, 5, 3, 8),
    CASE("heads", NULL, 5, 5, 4),
    CASE("heads", NULL, 3, 16, 16),
    CASE("heads", NULL, 3, 9, 16),
    CASE("heads", NULL, 3, 2, 24),
    CASE("heads", NULL, 3, 3, 32),
    CASE("heads, far from 0", shifted, 4, 3, 16),
    CASE("a token that takes all", peaked, 4, 2, 5),
    {.name = "a vector", .inputs = {SAMPLE(5)}, .refusal = "(5) of rank 1, but rank 2 to 3 fits"},
};
const op_cases cases_double_norm = CASES(cases, reference);
