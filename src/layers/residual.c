// SPDX-License-Identifier: Apache-2.0
// x + layers(x): the layers inside learn what to add (He et al. 2015, "Deep residual learning for image recognition").
#include "layers/layer.h"

typedef struct residual_options {
    const fv__value *layers;
    const char *name;
} residual_options;

static const fv__option table[] = {{.name = "layers",
                                    .kind = FV__LIST,
                                    .offset = offsetof(residual_options, layers),
                                    .required = true,
                                    .primary = true,
                                    .sentence = "The layers inside; they must keep the shape."},
                                   FV__LAYER_NAME(residual_options),
                                   {0}};

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const residual_options *options = opaque;
    int inside;
    fv_status status = fv__layers_build(builder, options->layers, input, &inside, error);
    if (status) {
        return status;
    }
    const fv__shape *before = fv__graph_shape(builder->graph, input), *after = fv__graph_shape(builder->graph, inside);
    bool became_tokens = before->rank == 3 && after->rank == 2 && before->size[0] * before->size[1] == after->size[0] &&
                         before->size[2] == after->size[1]; // attention on an image gives its positions as tokens
    if (became_tokens) {
        status = fv__build_tokens(builder, input, &input, error);
        if (status) {
            return status;
        }
    } else if (!fv__shape_equal(before, after)) {
        return FV__LAYER_FAIL(builder, error, "the layers inside turn %s into %s; they must keep the shape",
                              fv__shape_print(before).text, fv__shape_print(after).text);
    }
    return fv__build_op(builder, &fv__op_add, NULL, (const int[]){inside, input}, 2, output, error);
}

const fv__layer_type fv__layer_residual = {.name = "residual",
                                           .sentence =
                                               "The input added to what the layers inside make of it (He et al. 2015).",
                                           .options = table,
                                           .options_size = sizeof(residual_options),
                                           .build = build};
