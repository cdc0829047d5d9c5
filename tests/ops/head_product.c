// SPDX-License-Identifier: Apache-2.0
// Products of weights head by head, both layouts.
#include "harness.h"
#include "ops/weight_products.h"

static void reference(const reference_call *call) {
    const fv__head_product_attributes *a = call->test->attributes;
    const fv__shape *left = &call->node->inputs[0], *right = &call->node->inputs[1];
    const int row = left->size[left->rank - 1], inner = row / a->heads;
    const int rows = left->rank == 1 ? 1 : left->size[0], columns = right->size[a->transposed ? 0 : 1];
    for (int h = 0; h < a->heads; h++) {
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                double sum = 0;
                for (int k = h * inner; k < (h + 1) * inner; k++) {
                    sum += call->in[0][r * row + k] * call->in[1][a->transposed ? c * row + k : k * columns + c];
                }
                call->out[a->transposed ? (r * a->heads + h) * columns + c : (h * rows + r) * columns + c] = sum;
            }
        }
    }
}

#define ATTRIBUTES(...)                                                                                                \
    &(const fv__head_product_attributes) {                                                                             \
        __VA_ARGS__                                                                                                    \
    }

static const op_case cases[] = {
    {.name = "transposed",
     .attributes = ATTRIBUTES(3, true),
     .inputs = {WEIGHT(5, 21), WEIGHT(18, 21)},
     .samples = 1,
     .output = SHAPE(5, 54)},
    {.name = "a bias, transposed",
     .attributes = ATTRIBUTES(4, true),
     .inputs = {WEIGHT(68), WEIGHT(6, 68)},
     .samples = 1,
     .output = SHAPE(24)},
    {.name = "heads below each other",
     .attributes = ATTRIBUTES(3, false),
     .inputs = {WEIGHT(19, 15), WEIGHT(15, 33)},
     .samples = 1,
     .output = SHAPE(57, 33)},
    {.name = "one head",
     .attributes = ATTRIBUTES(1, false),
     .inputs = {WEIGHT(4, 70), WEIGHT(70, 3)},
     .samples = 1,
     .output = SHAPE(4, 3)},
    {.name = "sizes that do not fit",
     .attributes = ATTRIBUTES(3, true),
     .inputs = {WEIGHT(5, 21), WEIGHT(21, 18)},
     .refusal = "are not weights of 3 heads"},
};
const op_cases cases_head_product = CASES(cases, reference);
