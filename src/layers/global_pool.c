// SPDX-License-Identifier: Apache-2.0
// One value for each feature from all tokens or positions: their mean or their largest, as Keras's
// GlobalAveragePooling and GlobalMaxPooling (Lin et al. 2013, "Network in network").
#include "layers/layer.h"
#include "ops/pooling.h"

typedef struct global_pool_options {
    const char *name;
} global_pool_options;

static const fv__option table[] = {FV__LAYER_NAME(global_pool_options), {0}};

static fv_status build(fv__builder *builder, fv__pooling pooling, int input, int *output, fv_error *error) {
    fv__global_pool_attributes attributes = {.pooling = pooling};
    return fv__build_op(builder, &fv__op_global_pool, &attributes, &input, 1, output, error);
}

static fv_status build_average(fv__builder *builder, const void *options, int input, int *output, fv_error *error) {
    (void)options;
    return build(builder, FV__POOLING_AVERAGE, input, output, error);
}

static fv_status build_max(fv__builder *builder, const void *options, int input, int *output, fv_error *error) {
    (void)options;
    return build(builder, FV__POOLING_MAX, input, output, error);
}

const fv__layer_type fv__layer_global_average_pool = {
    .name = "global_average_pool",
    .sentence = "The mean over all tokens or positions, as Keras's GlobalAveragePooling.",
    .options = table,
    .options_size = sizeof(global_pool_options),
    .build = build_average};

const fv__layer_type fv__layer_global_max_pool = {
    .name = "global_max_pool",
    .sentence = "The largest over all tokens or positions, as Keras's GlobalMaxPooling.",
    .options = table,
    .options_size = sizeof(global_pool_options),
    .build = build_max};
