// SPDX-License-Identifier: Apache-2.0
#include "layers/normalization.h"
#include "ops/normalized.h"

fv_status fv__build_normalization(fv__builder *builder, const fv__op *op, const char *scale, const char *offset,
                                  double epsilon, int input, int *output, fv_error *error) {
    const fv__shape *x = fv__graph_shape(builder->graph, input);
    fv__shape features = {.rank = 1, .size = {x->rank ? x->size[x->rank - 1] : 1}};
    fv__norm_attributes attributes = {.epsilon = (float)epsilon};
    int inputs[3] = {input};
    fv_status status = fv__build_parameter(builder, scale, &features, FV__INITIAL_ONES, &inputs[1], error);
    if (!status) {
        status = fv__build_parameter(builder, offset, &features, FV__INITIAL_ZEROS, &inputs[2], error);
    }
    if (!status) {
        status = fv__build_op(builder, op, &attributes, inputs, 3, output, error);
    }
    return status;
}
