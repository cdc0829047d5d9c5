// SPDX-License-Identifier: Apache-2.0
// Augmentations that change or hide values. Contrast and brightness are Keras's RandomContrast and RandomBrightness for
// values of 0…255.
#include <math.h>
#include <stddef.h>

#include "data/augment.h"
#include "data/augment_draw.h"

#define MEMBER(name) .offset = offsetof(fv__augmentation, name)

// --- contrast, brightness

static const fv__option contrast_options[] = {
    {.name = "factor",
     .kind = FV__FLOAT_LIST,
     MEMBER(factor),
     .required = true,
     .primary = true,
     .minimum = -1,
     .maximum = 10,
     .sentence = "Added to 1 for the contrast: [lower, upper], or f for [-f, f]."},
    {0}};

static void contrast(const fv__augmentation *augmentation, const fv__kernels *kernels, fv__random *random,
                     fv__image *image) {
    fv__image_contrast(image, kernels, 1 + fv__draw_between(&augmentation->factor, random));
}

const fv__augmentation_type fv__augmentation_contrast = {
    .name = "contrast",
    .sentence = "Stretches values about the mean of each channel, all channels alike, and clips them to 0…255.",
    .options = contrast_options,
    .apply = contrast};

static const fv__option brightness_options[] = {
    {.name = "factor",
     .kind = FV__FLOAT_LIST,
     MEMBER(factor),
     .required = true,
     .primary = true,
     .minimum = -1,
     .maximum = 1,
     .sentence = "Share of 255 that is added: [lower, upper], or f for [-f, f]."},
    {0}};

static void brighten(const fv__augmentation *augmentation, const fv__kernels *kernels, fv__random *random,
                     fv__image *image) {
    (void)kernels;
    fv__image_brighten(image, 255 * fv__draw_between(&augmentation->factor, random));
}

const fv__augmentation_type fv__augmentation_brightness = {
    .name = "brightness",
    .sentence = "Makes the picture brighter or darker, clipped to 0…255.",
    .options = brightness_options,
    .apply = brighten};

// --- cutout, random_erasing

static const char *const fills[] = {"mean", "black", "noise", NULL}; // as fv__fill

static const fv__option cutout_options[] = {
    {.name = "size",
     .kind = FV__INT,
     MEMBER(pixels),
     .required = true,
     .primary = true,
     .minimum = 1,
     .maximum = 4096,
     .sentence = "Side of the square in pixels, at most as many as the picture's shorter side has."},
    {.name = "fill",
     .kind = FV__CHOICE,
     MEMBER(fill),
     .choices = fills,
     .default_text = "mean",
     .sentence = "What is put there: the mean of each channel in the picture, black, or noise."},
    {0}};

static void cut_out(const fv__augmentation *augmentation, const fv__kernels *kernels, fv__random *random,
                    fv__image *image) {
    (void)kernels;
    int size = augmentation->pixels;
    fv__box box = {.height = size, .width = size};
    box.top = (int)fv__random_below(random, (uint64_t)image->height) - size / 2;
    box.left = (int)fv__random_below(random, (uint64_t)image->width) - size / 2;
    fv__image_erase(image, box, (fv__fill)augmentation->fill, random);
}

const fv__augmentation_type fv__augmentation_cutout = {
    .name = "cutout",
    .sentence = "Hides a square whose centre is anywhere in the picture (DeVries and Taylor 2017).",
    .options = cutout_options,
    .apply = cut_out};

static const fv__option erasing_options[] = {
    {.name = "probability",
     .kind = FV__FLOAT,
     MEMBER(probability),
     .primary = true,
     .minimum = 0,
     .maximum = 1,
     .default_text = "0.5",
     .sentence = "How often it is done."},
    {.name = "area",
     .kind = FV__FLOAT_LIST,
     MEMBER(area),
     .above_minimum = true,
     .minimum = 0,
     .maximum = 1,
     .default_text = "[0.02, 0.33]",
     .sentence = "Share of the picture that is hidden: [lower, upper]."},
    {.name = "aspect",
     .kind = FV__FLOAT_LIST,
     MEMBER(aspect),
     .above_minimum = true,
     .minimum = 0,
     .maximum = 100,
     .default_text = "[0.3, 3.3]",
     .sentence = "Height ÷ width of the rectangle: [lower, upper], drawn evenly in its logarithm."},
    {.name = "fill",
     .kind = FV__CHOICE,
     MEMBER(fill),
     .choices = fills,
     .default_text = "noise",
     .sentence = "What is put there: the mean of each channel in the picture, black, or noise."},
    {0}};

static void erase(const fv__augmentation *augmentation, const fv__kernels *kernels, fv__random *random,
                  fv__image *image) {
    enum { TRIES = 10 }; // a rectangle that does not fit is drawn again
    (void)kernels;
    if (fv__random_uniform(random) >= augmentation->probability) {
        return;
    }
    const fv__float_list *aspect = &augmentation->aspect;
    const fv__float_list logarithms = {2, {log(aspect->values[0]), log(aspect->values[1])}};
    for (int i = 0; i < TRIES; i++) {
        double pixels = fv__draw_between(&augmentation->area, random) * image->height * image->width;
        double ratio = exp(fv__draw_between(&logarithms, random));
        double height = round(sqrt(pixels * ratio)), width = round(sqrt(pixels / ratio));
        if (height >= 1 && width >= 1 && height <= image->height && width <= image->width) {
            fv__box box = {.height = (int)height, .width = (int)width};
            box.top = (int)fv__random_below(random, (uint64_t)(image->height - box.height) + 1);
            box.left = (int)fv__random_below(random, (uint64_t)(image->width - box.width) + 1);
            fv__image_erase(image, box, (fv__fill)augmentation->fill, random);
            return;
        }
    }
}

const fv__augmentation_type fv__augmentation_random_erasing = {
    .name = "random_erasing",
    .sentence = "Hides a rectangle of random size and shape (Zhong et al. 2020).",
    .options = erasing_options,
    .apply = erase};
