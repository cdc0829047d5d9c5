// A trainable weight, or a constant that comes with the model.
#include "ops/check.h"
#include "ops/op.h"

// The attributes are the shape itself.
static fv_status infer(fv__op_node *node, fv_error *error) {
    const fv__shape *shape = node->attributes;
    FV__TRY(fv__op_expect_inputs(node, "parameter", 0, 0, "none", error));
    FV__TRY(fv__op_expect_sizes(shape, "parameter", error));
    node->output = *shape;
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    (void)node;
    return 0;
}

static double multiply_adds(const fv__op_node *node) {
    (void)node;
    return 0;
}

const fv__op fv__op_parameter = {
    .name = "parameter",
    .attributes_size = sizeof(fv__shape),
    .infer = infer,
    .backward_reads = backward_reads,
    .multiply_adds = multiply_adds,
};
