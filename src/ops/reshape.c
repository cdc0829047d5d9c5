// SPDX-License-Identifier: Apache-2.0
// The same numbers seen in another shape; one size may be -1: what is left.
#include "ops/check.h"
#include "ops/tokens.h"

static fv_status infer(fv__op_node *node, fv_error *error) {
    fv__shape shape = ((const fv__reshape_attributes *)node->attributes)->shape;
    FV__TRY(fv__op_expect_inputs(node, "reshape", 1, 1, "one, x", error));
    FV__TRY(fv__op_expect_sample(node, "reshape", 0, "x", 0, FV__MAX_RANK, error));
    if (shape.rank < 0 || shape.rank > FV__MAX_RANK) {
        return fv__fail(error, FV_INVALID, "reshape: to %d sizes, but at most %d fit", shape.rank, FV__MAX_RANK);
    }
    const fv__shape asked = shape;
    const long long elements = (long long)fv__shape_elements(&node->inputs[0]);
    int open = -1;
    long long known = 1;
    for (int i = 0; i < shape.rank; i++) {
        if (shape.size[i] == -1 && open < 0) {
            open = i;
        } else if (shape.size[i] < 1) {
            return fv__fail(error, FV_INVALID, "reshape: to %s: sizes are above 0, and one of them may be -1",
                            fv__shape_print(&asked).text);
        } else {
            known = known <= elements ? known * shape.size[i] : known; // beyond, it is wrong already
        }
    }
    if (open >= 0 && elements % known == 0) {
        shape.size[open] = (int)(elements / known);
        known = elements;
    }
    if (known != elements) {
        return fv__fail(error, FV_INVALID,
                        "reshape: %s has %lld elements, which do not make %s; the sizes must multiply to %lld",
                        fv__shape_print(&node->inputs[0]).text, elements, fv__shape_print(&asked).text, elements);
    }
    FV__TRY(fv__op_expect_sizes(&shape, "reshape", error));
    node->output = shape;
    return FV_OK;
}

const fv__op fv__op_reshape = {
    .name = "reshape",
    .attributes_size = sizeof(fv__reshape_attributes),
    .view = true,
    .infer = infer,
};
