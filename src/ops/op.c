// SPDX-License-Identifier: Apache-2.0
// Shapes, and the checks that all ops share.
#include <stdio.h>

#include "ops/check.h"

size_t fv__shape_elements(const fv__shape *shape) {
    size_t elements = 1;
    for (int i = 0; i < shape->rank; i++) {
        elements *= (size_t)shape->size[i];
    }
    return elements;
}

bool fv__shape_equal(const fv__shape *a, const fv__shape *b) {
    bool equal = a->rank == b->rank;
    for (int i = 0; equal && i < a->rank; i++) {
        equal = a->size[i] == b->size[i];
    }
    return equal;
}

fv__shape_text fv__shape_print(const fv__shape *shape) {
    fv__shape_text out = {"("};
    size_t used = 1;
    for (int i = 0; i < shape->rank && i < FV__MAX_RANK; i++) { // at most 4 numbers of 11 characters: it fits
        used += (size_t)snprintf(out.text + used, sizeof out.text - used, i ? ", %d" : "%d", shape->size[i]);
    }
    snprintf(out.text + used, sizeof out.text - used, ")");
    return out;
}

fv__divisors_text fv__divisors_print(int a, int b) {
    fv__divisors_text out = {""};
    size_t used = 0;
    for (int n = 1; n <= a && n <= b; n++) {
        if (a % n || b % n) {
            continue;
        }
        if (used + 20 > sizeof out.text) { // a number of 11 characters and what follows still fits
            snprintf(out.text + used, sizeof out.text - used, " …");
            break;
        }
        used += (size_t)snprintf(out.text + used, sizeof out.text - used, used ? ", %d" : "%d", n);
    }
    return out;
}

int fv__shape_features(const fv__shape *shape) {
    return shape->rank ? shape->size[shape->rank - 1] : 1;
}

int fv__shape_rows(const fv__shape *shape) {
    int rows = 1;
    for (int i = 0; i + 1 < shape->rank; i++) {
        rows *= shape->size[i];
    }
    return rows;
}

double fv__op_one_each(const fv__op_node *node) {
    return (double)fv__shape_elements(&node->output);
}

const char *fv__op_check(const fv__op *op) {
    const bool source = op == &fv__op_input || op == &fv__op_parameter;
    const struct {
        bool wrong;
        const char *what;
    } rules[] = {
        {!op->name || !op->name[0], "name is required"},
        {!op->infer, "infer is required"},
        {!op->forward != (source || op->view), "forward is required; views, inputs and weights have none"},
        {!op->multiply_adds && op->forward, "multiply_adds is required where there is a forward"},
        {op->view && (op->needs || op->prepare || op->backward), "a view runs no code and needs no memory"},
        {op->view && op->identity_in_inference, "a view is the same in training and inference"},
        {op->passes_gradient && op->backward, "backward never runs where the gradient is passed on"},
        {op->starts_gradient && !op->backward, "a loss needs a backward"},
        {op->backward_reads && !op->backward, "backward_reads without a backward"},
        {op->prepare && !op->needs, "prepare writes what needs asks for: needs is required"},
        {!op->tiles != !op->backward_tile, "tiles and backward_tile are a pair"},
        {op->tiles && !op->backward, "tiles do what backward does: backward is required"},
        {!op->slices != !op->forward_slices, "slices and forward_slices are a pair"},
        {op->draws && !op->forward, "draws without a forward"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].wrong) {
            return rules[i].what;
        }
    }
    return NULL;
}

fv_status fv__op_expect_sizes(const fv__shape *shape, const char *op, fv_error *error) {
    if (shape->rank < 0 || shape->rank > FV__MAX_RANK) {
        return fv__fail(error, FV_INVALID, "%s: a shape of rank %d, but at most %d sizes fit", op, shape->rank,
                        FV__MAX_RANK);
    }
    double elements = 1;
    for (int i = 0; i < shape->rank; i++) {
        elements *= shape->size[i];
        if (shape->size[i] < 1) {
            return fv__fail(error, FV_INVALID, "%s: shape %s has a size below 1", op, fv__shape_print(shape).text);
        }
    }
    if (elements > INT32_MAX) {
        return fv__fail(error, FV_INVALID, "%s: shape %s has more than %d elements", op, fv__shape_print(shape).text,
                        INT32_MAX);
    }
    return FV_OK;
}

fv_status fv__op_expect_inputs(const fv__op_node *node, const char *op, int least, int most, const char *names,
                               fv_error *error) {
    if (node->input_count < least || node->input_count > most) {
        return fv__fail(error, FV_INVALID, "%s: has %d inputs, but takes %s", op, node->input_count, names);
    }
    return FV_OK;
}

fv_status fv__op_expect_sample(const fv__op_node *node, const char *op, int i, const char *name, int least, int most,
                               fv_error *error) {
    const fv__shape *shape = &node->inputs[i];
    if (node->input_is_weight[i]) {
        return fv__fail(error, FV_INVALID, "%s: %s is a weight of shape %s, but must depend on the sample", op, name,
                        fv__shape_print(shape).text);
    }
    if (shape->rank >= least && shape->rank <= most) {
        return FV_OK;
    }
    const char *advice = shape->rank > most ? "reshape or pool it first" : "reshape it first";
    if (least == most) {
        return fv__fail(error, FV_INVALID, "%s: %s has shape %s of rank %d, but rank %d fits; %s", op, name,
                        fv__shape_print(shape).text, shape->rank, least, advice);
    }
    return fv__fail(error, FV_INVALID, "%s: %s has shape %s of rank %d, but rank %d to %d fits; %s", op, name,
                    fv__shape_print(shape).text, shape->rank, least, most, advice);
}

fv_status fv__op_expect_weight(const fv__op_node *node, const char *op, int i, const char *name, fv__shape shape,
                               fv_error *error) {
    if (!node->input_is_weight[i]) {
        return fv__fail(error, FV_INVALID, "%s: %s depends on the sample, but must be a weight of shape %s", op, name,
                        fv__shape_print(&shape).text);
    }
    if (!fv__shape_equal(&node->inputs[i], &shape)) {
        return fv__fail(error, FV_INVALID, "%s: %s has shape %s, but next to %s the shape %s fits", op, name,
                        fv__shape_print(&node->inputs[i]).text, fv__shape_print(&node->inputs[0]).text,
                        fv__shape_print(&shape).text);
    }
    return FV_OK;
}
