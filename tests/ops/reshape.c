// SPDX-License-Identifier: Apache-2.0
// Other shapes of the same numbers: infer is all there is.
#include "harness.h"
#include "ops/tokens.h"

#define CASE(label, to, result, ...)                                                                                   \
    { .name = label, .attributes = &(fv__reshape_attributes){to}, .inputs = {SAMPLE(__VA_ARGS__)}, .output = result }
#define REFUSED(label, to, words, ...)                                                                                 \
    { .name = label, .attributes = &(fv__reshape_attributes){to}, .inputs = {SAMPLE(__VA_ARGS__)}, .refusal = words }
// Shapes as one macro argument.
#define TO(...) SHAPE(__VA_ARGS__)

static const op_case cases[] = {
    CASE("flatten", TO(-1), TO(6912), 6, 6, 192),
    CASE("tokens", TO(-1, 192), TO(36, 192), 6, 6, 192),
    CASE("middle", TO(2, -1, 3), TO(2, 4, 3), 24),
    CASE("without -1", TO(3, 8), TO(3, 8), 24),
    CASE("to a scalar", SCALAR, SCALAR, 1, 1),
    REFUSED("elements missing", TO(5, 5), "(4, 6) has 24 elements, which do not make (5, 5)", 4, 6),
    REFUSED("no whole number", TO(-1, 5), "(4, 6) has 24 elements, which do not make (-1, 5)", 4, 6),
    REFUSED("two open sizes", TO(-1, -1), "one of them may be -1", 4, 6),
    REFUSED("size 0", TO(0, 24), "sizes are above 0", 4, 6),
    REFUSED("product overflows", TO(2147483647, 2147483647, 2147483647), "24 elements", 4, 6),
    REFUSED("rank beyond", {.rank = 5}, "at most 4 fit", 4, 6),
};
const op_cases cases_reshape = CASES(cases, NULL);
