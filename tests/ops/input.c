// The input: its shape, nothing more.
#include "harness.h"

static const op_case cases[] = {
    {.name = "image", .attributes = &(fv__shape)SHAPE(28, 28, 1), .output = SHAPE(28, 28, 1)},
    {.name = "size 0", .attributes = &(fv__shape)SHAPE(28, 0), .refusal = "(28, 0)"},
    {.name = "too large", .attributes = &(fv__shape)SHAPE(100000, 100000), .refusal = "(100000, 100000)"},
};
const op_cases cases_input = CASES(cases);
