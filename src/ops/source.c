// SPDX-License-Identifier: Apache-2.0
// Where values come from: `input`, what the data set gives (an image or a row of numbers for each sample), and
// `parameter`, a trained weight or a constant that comes with the model. The attributes are the shape itself.
#include "ops/check.h"

static fv_status infer_source(fv__op_node *node, const char *op, fv_error *error) {
    const fv__shape *shape = node->attributes;
    FV__TRY(fv__op_expect_inputs(node, op, 0, 0, "none", error));
    FV__TRY(fv__op_expect_sizes(shape, op, error));
    node->output = *shape;
    return FV_OK;
}

static fv_status infer_input(fv__op_node *node, fv_error *error) {
    return infer_source(node, "input", error);
}

static fv_status infer_parameter(fv__op_node *node, fv_error *error) {
    return infer_source(node, "parameter", error);
}

const fv__op fv__op_input = {.name = "input", .attributes_size = sizeof(fv__shape), .infer = infer_input};
const fv__op fv__op_parameter = {.name = "parameter", .attributes_size = sizeof(fv__shape), .infer = infer_parameter};
