// SPDX-License-Identifier: Apache-2.0
// An image cut into patches: row, column, channel inside each.
#include "harness.h"
#include "ops/tokens.h"

static void reference(const reference_call *call) {
    const int *image = call->node->inputs[0].size;
    const int size = ((const fv__patches_attributes *)call->test->attributes)->size, across = image[1] / size;
    for (int row = 0; row < image[0]; row++) {
        for (int column = 0; column < image[1]; column++) {
            for (int channel = 0; channel < image[2]; channel++) {
                const int token = row / size * across + column / size;
                const int feature = (row % size * size + column % size) * image[2] + channel;
                call->out[token * size * size * image[2] + feature] =
                    call->in[0][(row * image[1] + column) * image[2] + channel];
            }
        }
    }
}

// Shapes as one macro argument.
#define TO(...) SHAPE(__VA_ARGS__)
#define CASE(label, side, result, ...)                                                                                 \
    { .name = label, .attributes = &(fv__patches_attributes){side}, .inputs = {SAMPLE(__VA_ARGS__)}, .output = result }
#define REFUSED(label, side, words, ...)                                                                               \
    { .name = label, .attributes = &(fv__patches_attributes){side}, .inputs = {SAMPLE(__VA_ARGS__)}, .refusal = words }

static const op_case cases[] = {
    CASE("size 2", 2, TO(12, 12), 8, 6, 3),
    CASE("size 3, one channel", 3, TO(6, 9), 6, 9, 1),
    CASE("size 1", 1, TO(20, 3), 4, 5, 3),
    CASE("one patch", 5, TO(1, 50), 5, 5, 2),
    REFUSED("does not divide", 5, "size 5 does not divide an image of 12 x 18; sizes that do: 1, 2, 3, 6", 12, 18, 3),
    REFUSED("divides the height alone", 4, "sizes that do: 1, 2", 8, 6, 3),
    REFUSED("size 0", 0, "sizes that do: 1, 2, 4, 8", 8, 8, 3),
    REFUSED("many sizes", 17, "42, 44 …", 360360, 360360, 1),
    REFUSED("tokens already", 2, "(16, 3) of rank 2, but rank 3 fits", 16, 3),
};
const op_cases cases_patches = CASES(cases, reference);
