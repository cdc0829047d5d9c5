// SPDX-License-Identifier: Apache-2.0
// Augmentations that mix two samples and their labels. The share of the partner is drawn from Beta(alpha, alpha), two
// gamma draws x, y giving x / (x + y); a gamma draw after Marsaglia and Tsang (2000).
#include <math.h>
#include <stddef.h>

#include "data/augment.h"

#define MIX_OPTIONS(alpha_text)                                                                                        \
    {                                                                                                                  \
        {.name = "alpha",                                                                                              \
         .kind = FV__FLOAT,                                                                                            \
         .offset = offsetof(fv__augmentation, alpha),                                                                  \
         .primary = true,                                                                                              \
         .above_minimum = true,                                                                                        \
         .minimum = 0,                                                                                                 \
         .maximum = 100,                                                                                               \
         .default_text = (alpha_text),                                                                                 \
         .sentence = "Shares are drawn from Beta(alpha, alpha): evenly with 1, mostly small or large with less."},     \
            {.name = "probability",                                                                                    \
             .kind = FV__FLOAT,                                                                                        \
             .offset = offsetof(fv__augmentation, probability),                                                        \
             .minimum = 0,                                                                                             \
             .maximum = 1,                                                                                             \
             .default_text = "1",                                                                                      \
             .sentence = "How often a sample is mixed."},                                                              \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }

static double draw_normal(fv__random *random) {
    double radius = sqrt(-2 * log(1 - fv__random_uniform(random)));
    return radius * cos(6.283185307179586 * fv__random_uniform(random));
}

static double draw_gamma(double shape, fv__random *random) {
    if (shape < 1) {
        double below = pow(1 - fv__random_uniform(random), 1 / shape);
        return below * draw_gamma(shape + 1, random);
    }
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double normal = draw_normal(random), v = 1 + c * normal;
        v = v * v * v;
        if (v > 0 && log(1 - fv__random_uniform(random)) < normal * normal / 2 + d - d * v + d * log(v)) {
            return d * v;
        }
    }
}

static double draw_beta(double alpha, fv__random *random) {
    double x = draw_gamma(alpha, random), y = draw_gamma(alpha, random);
    return x + y > 0 ? x / (x + y) : (double)(fv__random_word(random) & 1); // both underflow with a tiny alpha
}

// --- mixup

static const fv__option mixup_options[] = MIX_OPTIONS("0.2");

static bool blend(const fv__augmentation *augmentation, fv__random *random, const fv__image *image, double *share,
                  fv__box *box) {
    (void)image, (void)box;
    *share = draw_beta(augmentation->alpha, random);
    return false;
}

const fv__augmentation_type fv__augmentation_mixup = {
    .name = "mixup",
    .sentence =
        "Blends the picture, and its label, with those of another sample (Zhang et al. 2018). Where mixup and "
        "cutmix are both listed, one of them is drawn for each sample. Training accuracy goes by the label of the "
        "larger share.",
    .options = mixup_options,
    .mix = blend};

// --- cutmix

static const fv__option cutmix_options[] = MIX_OPTIONS("1");

// A box of the picture's shape and of the share drawn, around any pixel; what of it is inside counts.
static bool paste(const fv__augmentation *augmentation, fv__random *random, const fv__image *image, double *share,
                  fv__box *box) {
    double side = sqrt(draw_beta(augmentation->alpha, random));
    int height = (int)(side * image->height), width = (int)(side * image->width);
    int top = (int)fv__random_below(random, (uint64_t)image->height) - height / 2;
    int left = (int)fv__random_below(random, (uint64_t)image->width) - width / 2;
    int bottom = top + height < image->height ? top + height : image->height;
    int right = left + width < image->width ? left + width : image->width;
    box->top = top > 0 ? top : 0;
    box->left = left > 0 ? left : 0;
    box->height = bottom - box->top;
    box->width = right - box->left;
    *share = (double)box->height * box->width / ((double)image->height * image->width);
    return true;
}

const fv__augmentation_type fv__augmentation_cutmix = {
    .name = "cutmix",
    .sentence = "Puts a box of another sample's picture into this one, and mixes the labels by its area (Yun et al. "
                "2019).",
    .options = cutmix_options,
    .mix = paste};
