// SPDX-License-Identifier: Apache-2.0
// Products of weights, plain and block by block.
#include "harness.h"
#include "ops/weight_products.h"

static void reference(const reference_call *call) {
    const fv__weight_product_attributes *a = call->test->attributes;
    const int outputs = a->sum_blocks ? 1 : a->blocks;
    for (int i = 0; i < outputs * a->rows * a->columns; i++) {
        call->out[i] = call->node->input_count == 3 ? call->in[2][i % a->columns] : 0;
    }
    for (int h = 0; h < a->blocks; h++) {
        for (int r = 0; r < a->rows; r++) {
            for (int i = 0; i < a->inner; i++) {
                for (int c = 0; c < a->columns; c++) {
                    call->out[((a->sum_blocks ? 0 : h) * a->rows + r) * a->columns + c] +=
                        call->in[0][r * a->inner + i] * call->in[1][(h * a->inner + i) * a->columns + c];
                }
            }
        }
    }
}

#define ATTRIBUTES(...)                                                                                                \
    &(const fv__weight_product_attributes) {                                                                           \
        __VA_ARGS__                                                                                                    \
    }

static const op_case cases[] = {
    {.name = "plain",
     .attributes = ATTRIBUTES(5, 7, 1, 3, false, SHAPE(5, 3)),
     .inputs = {WEIGHT(5, 7), WEIGHT(7, 3)},
     .samples = 1,
     .output = SHAPE(5, 3)},
    {.name = "first split into heads",
     .attributes = ATTRIBUTES(12, 16, 1, 17, false, SHAPE(3, 68)),
     .inputs = {WEIGHT(3, 64), WEIGHT(16, 17)},
     .samples = 1,
     .output = SHAPE(3, 68)},
    {.name = "blocks",
     .attributes = ATTRIBUTES(9, 5, 4, 33, false, SHAPE(36, 33)),
     .inputs = {WEIGHT(9, 5), WEIGHT(20, 33)},
     .samples = 1,
     .output = SHAPE(36, 33)},
    {.name = "bias of blocks",
     .attributes = ATTRIBUTES(1, 5, 4, 10, true, SHAPE(10)),
     .inputs = {WEIGHT(5), WEIGHT(20, 10), WEIGHT(10)},
     .samples = 1,
     .output = SHAPE(10)},
    {.name = "bias of heads",
     .attributes = ATTRIBUTES(4, 6, 1, 10, false, SHAPE(40)),
     .inputs = {WEIGHT(24), WEIGHT(6, 10), WEIGHT(10)},
     .samples = 1,
     .output = SHAPE(40)},
    {.name = "sizes that do not fit",
     .attributes = ATTRIBUTES(5, 7, 1, 3, false, SHAPE(5, 3)),
     .inputs = {WEIGHT(5, 6), WEIGHT(7, 3)},
     .refusal = "are not (5, 7) and (1, 7, 3)"},
};
const op_cases cases_weight_product = CASES(cases, reference);
