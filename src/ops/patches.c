// SPDX-License-Identifier: Apache-2.0
// An image as tokens: (height, width, channels) cut into squares of size × size pixels, row by row; a token holds its
// square's pixels in the order row, column, channel (Dosovitskiy et al. 2020; Keras's extract_patches).
#include <string.h>

#include "ops/check.h"
#include "ops/tokens.h"

static int size_of(const fv__op_node *node) {
    return ((const fv__patches_attributes *)node->attributes)->size;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    const int size = size_of(node);
    const fv__shape *x = &node->inputs[0];
    FV__TRY(fv__op_expect_inputs(node, "patches", 1, 1, "one, x", error));
    FV__TRY(fv__op_expect_sample(node, "patches", 0, "x", 3, 3, error));
    if (size < 1 || x->size[0] % size || x->size[1] % size) {
        return fv__fail(error, FV_INVALID, "patches: size %d does not divide an image of %d x %d; sizes that do: %s",
                        size, x->size[0], x->size[1], fv__divisors_print(x->size[0], x->size[1]).text);
    }
    node->output = (fv__shape){.rank = 2, .size = {x->size[0] / size * (x->size[1] / size), size * size * x->size[2]}};
    return FV_OK;
}

// Copies the runs of pixels that lie together in both: a row of a patch. `to_image` says in which direction.
static void rearrange(const fv__op_node *node, const float *from, float *to, bool to_image) {
    const int *image = node->inputs[0].size, size = size_of(node);
    const size_t run = (size_t)size * (size_t)image[2], patches = (size_t)(image[1] / size);
    for (size_t row = 0; row < (size_t)image[0]; row++) {
        const size_t first = row / (size_t)size * patches * (size_t)size + row % (size_t)size; // run of the first patch
        for (size_t patch = 0; patch < patches; patch++) {
            const size_t in_image = (row * patches + patch) * run, in_tokens = (first + patch * (size_t)size) * run;
            memcpy(to + (to_image ? in_image : in_tokens), from + (to_image ? in_tokens : in_image),
                   run * sizeof(float));
        }
    }
}

static void forward(const fv__call *call) {
    const size_t n = fv__shape_elements(&call->node->output);
    for (size_t sample = 0; sample < (size_t)call->samples; sample++) {
        rearrange(call->node, call->in[0] + sample * n, call->out + sample * n, false);
    }
}

static void backward(const fv__call *call) {
    const size_t n = fv__shape_elements(&call->node->output);
    for (size_t sample = 0; call->d_in[0] && sample < (size_t)call->samples; sample++) {
        rearrange(call->node, call->d_out + sample * n, call->d_in[0] + sample * n, true);
    }
}

static void windows(const fv__op_node *node, fv__windows *windows) {
    const int *image = node->inputs[0].size, size = size_of(node);
    *windows = (fv__windows){
        .rows = image[0] / size, .columns = image[1] / size, .size = {size, size}, .stride = {size, size}};
}

const fv__op fv__op_patches = {
    .name = "patches",
    .attributes_size = sizeof(fv__patches_attributes),
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .multiply_adds = fv__op_one_each,
    .windows = windows,
};
