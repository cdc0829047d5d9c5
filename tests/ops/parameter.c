// A weight: its shape, nothing more.
#include "harness.h"

static const op_case cases[] = {
    {.name = "kernel", .attributes = &(fv__shape)SHAPE(3, 3, 1, 32), .output = SHAPE(3, 3, 1, 32)},
    {.name = "scalar", .attributes = &(fv__shape)SCALAR, .output = SCALAR},
    {.name = "negative size", .attributes = &(fv__shape)SHAPE(3, -1), .refusal = "(3, -1)"},
};
const op_cases cases_parameter = CASES(cases);
