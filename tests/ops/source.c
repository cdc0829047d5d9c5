// SPDX-License-Identifier: Apache-2.0
// Inputs and weights: their shape, nothing more.
#include "harness.h"

static const op_case inputs[] = {
    {.name = "image", .attributes = &(fv__shape)SHAPE(28, 28, 1), .output = SHAPE(28, 28, 1)},
    {.name = "size 0", .attributes = &(fv__shape)SHAPE(28, 0), .refusal = "(28, 0)"},
    {.name = "too large", .attributes = &(fv__shape)SHAPE(100000, 100000), .refusal = "(100000, 100000)"},
};
const op_cases cases_input = CASES(inputs, NULL);

static const op_case parameters[] = {
    {.name = "kernel", .attributes = &(fv__shape)SHAPE(3, 3, 1, 32), .output = SHAPE(3, 3, 1, 32)},
    {.name = "scalar", .attributes = &(fv__shape)SCALAR, .output = SCALAR},
    {.name = "negative size", .attributes = &(fv__shape)SHAPE(3, -1), .refusal = "(3, -1)"},
};
const op_cases cases_parameter = CASES(parameters, NULL);
