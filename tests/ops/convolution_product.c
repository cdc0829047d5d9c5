// SPDX-License-Identifier: Apache-2.0
// The kernel of two convolutions.
#include <string.h>

#include "harness.h"
#include "ops/weight_products.h"

static void reference(const reference_call *call) {
    const fv__convolution_product_attributes *attributes = call->test->attributes;
    const int *a = call->node->inputs[0].size, *b = call->node->inputs[1].size, *k = call->node->output.size;
    memset(call->out, 0, fv__shape_elements(&call->node->output) * sizeof *call->out);
    for (int n = 0; n < a[0] * a[1] * a[2] * a[3]; n++) {
        const int m = n % a[3], c = n / a[3] % a[2], j = n / a[3] / a[2] % a[1], i = n / a[3] / a[2] / a[1];
        for (int tap = 0; tap < b[0] * b[1]; tap++) {
            const int y = tap / b[1] * attributes->stride[0] + i, x = tap % b[1] * attributes->stride[1] + j;
            for (int o = 0; o < b[3]; o++) {
                call->out[((y * k[1] + x) * k[2] + c) * k[3] + o] +=
                    call->in[0][n] * call->in[1][(tap * b[2] + m) * b[3] + o];
            }
        }
    }
}

#define STRIDE(...)                                                                                                    \
    &(const fv__convolution_product_attributes) {                                                                      \
        { __VA_ARGS__ }                                                                                                \
    }

static const op_case cases[] = {
    {.name = "3x3 and 3x3",
     .attributes = STRIDE(1, 1),
     .inputs = {WEIGHT(3, 3, 1, 8), WEIGHT(3, 3, 8, 20)},
     .samples = 1,
     .output = SHAPE(5, 5, 1, 20)},
    {.name = "ragged, first one strided",
     .attributes = STRIDE(2, 1),
     .inputs = {WEIGHT(2, 3, 3, 5), WEIGHT(3, 1, 5, 7)},
     .samples = 1,
     .output = SHAPE(6, 3, 3, 7)},
    {.name = "kernels that do not follow each other",
     .attributes = STRIDE(1, 1),
     .inputs = {WEIGHT(3, 3, 1, 8), WEIGHT(3, 3, 4, 8)},
     .refusal = "are not kernels that follow each other"},
};
const op_cases cases_convolution_product = CASES(cases, reference);
