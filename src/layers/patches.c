// SPDX-License-Identifier: Apache-2.0
// An image as a sequence of tokens, one for each square of pixels (ViT, Dosovitskiy et al. 2020, "An image is worth
// 16x16 words"). A dense layer after it makes the patch embedding.
#include "layers/layer.h"
#include "ops/tokens.h"

typedef struct patches_options {
    int size;
    const char *name;
} patches_options;

static const fv__option table[] = {{.name = "size",
                                    .kind = FV__INT,
                                    .offset = offsetof(patches_options, size),
                                    .required = true,
                                    .primary = true,
                                    .minimum = 1,
                                    .maximum = 1 << 14,
                                    .sentence = "Side of a patch in pixels; it must divide height and width."},
                                   FV__LAYER_NAME(patches_options),
                                   {0}};

static fv_status build(fv__builder *builder, const void *opaque, int input, int *output, fv_error *error) {
    const patches_options *options = opaque;
    fv__patches_attributes attributes = {.size = options->size};
    return fv__build_op(builder, &fv__op_patches, &attributes, &input, 1, output, error);
}

const fv__layer_type fv__layer_patches = {
    .name = "patches",
    .sentence = "Cuts an image (height, width, channels) into patches: (tokens, size * size * channels), as Keras's "
                "extract_patches.",
    .options = table,
    .options_size = sizeof(patches_options),
    .build = build};
