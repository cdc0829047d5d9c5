// SPDX-License-Identifier: Apache-2.0
// Augmentations that move pixels. Rotation, zoom and translation are Keras's RandomRotation, RandomZoom and
// RandomTranslation with bilinear interpolation and a border that reflects.
#include "data/augment.h"
#include "data/augment_draw.h"

#include <stddef.h>

#define MEMBER(name) .offset = offsetof(fv__augmentation, name)

// --- flip

enum { HORIZONTAL, VERTICAL, BOTH };
static const char *const directions[] = {"horizontal", "vertical", "both", NULL};

static const fv__option flip_options[] = {{.name = "direction",
                                           .kind = FV__CHOICE,
                                           MEMBER(direction),
                                           .primary = true,
                                           .choices = directions,
                                           .default_text = "horizontal",
                                           .sentence = "Which way; for both, each is drawn by itself."},
                                          {0}};

static void flip(const fv__augmentation *augmentation, const fv__kernels *kernels, fv__random *random,
                 fv__image *image) {
    (void)kernels;
    bool horizontal = fv__random_word(random) & 1, vertical = fv__random_word(random) & 1;
    fv__image_flip(image, horizontal && augmentation->direction != VERTICAL,
                   vertical && augmentation->direction != HORIZONTAL);
}

const fv__augmentation_type fv__augmentation_flip = {
    .name = "flip", .sentence = "Mirrors every other picture.", .options = flip_options, .apply = flip};

// --- rotation

static const fv__option rotation_options[] = {
    {.name = "factor",
     .kind = FV__FLOAT_LIST,
     MEMBER(factor),
     .required = true,
     .primary = true,
     .minimum = -1,
     .maximum = 1,
     .sentence = "Turns, counter-clockwise: [lower, upper], or f for [-f, f]."},
    {0}};

static void rotate(const fv__augmentation *augmentation, const fv__kernels *kernels, fv__random *random,
                   fv__image *image) {
    fv__image_rotate(image, kernels, fv__draw_between(&augmentation->factor, random));
}

const fv__augmentation_type fv__augmentation_rotation = {
    .name = "rotation", .sentence = "Turns about the centre.", .options = rotation_options, .apply = rotate};

// --- zoom, translation

static const fv__option zoom_options[] = {
    {.name = "height",
     .kind = FV__FLOAT_LIST,
     MEMBER(height),
     .required = true,
     .primary = true,
     .above_minimum = true,
     .minimum = -1,
     .maximum = 10,
     .sentence = "How much more of the height is shown, so that positive zooms out: [lower, upper], or f for [-f, f]."},
    {.name = "width",
     .kind = FV__FLOAT_LIST,
     MEMBER(width),
     .above_minimum = true,
     .minimum = -1,
     .maximum = 10,
     .sentence = "The same of the width, drawn apart; none: drawn from the interval of the height."},
    {0}};

static void zoom(const fv__augmentation *augmentation, const fv__kernels *kernels, fv__random *random,
                 fv__image *image) {
    double height = fv__draw_between(&augmentation->height, random);
    double width = fv__draw_between(augmentation->width.count ? &augmentation->width : &augmentation->height, random);
    fv__image_zoom(image, kernels, height, width);
}

const fv__augmentation_type fv__augmentation_zoom = {
    .name = "zoom", .sentence = "Zooms in or out, height and width apart.", .options = zoom_options, .apply = zoom};

static const fv__option translation_options[] = {
    {.name = "height",
     .kind = FV__FLOAT_LIST,
     MEMBER(height),
     .required = true,
     .primary = true,
     .minimum = -1,
     .maximum = 1,
     .sentence = "How far down, as a fraction of the height: [lower, upper], or f for [-f, f]."},
    {.name = "width",
     .kind = FV__FLOAT_LIST,
     MEMBER(width),
     .minimum = -1,
     .maximum = 1,
     .sentence = "How far to the right, as a fraction of the width; none: drawn from the interval of the height."},
    {0}};

static void translate(const fv__augmentation *augmentation, const fv__kernels *kernels, fv__random *random,
                      fv__image *image) {
    double height = fv__draw_between(&augmentation->height, random);
    double width = fv__draw_between(augmentation->width.count ? &augmentation->width : &augmentation->height, random);
    fv__image_translate(image, kernels, height, width);
}

const fv__augmentation_type fv__augmentation_translation = {
    .name = "translation", .sentence = "Moves the picture.", .options = translation_options, .apply = translate};

// --- crop

static const char *const crop_fills[] = {"black", "reflect", NULL};

static const fv__option crop_options[] = {
    {.name = "padding",
     .kind = FV__INT,
     MEMBER(pixels),
     .required = true,
     .primary = true,
     .minimum = 1,
     .maximum = 1024,
     .sentence = "Pixels added on every side, at most as many as the picture's shorter side has."},
    {.name = "fill",
     .kind = FV__CHOICE,
     MEMBER(fill),
     .choices = crop_fills,
     .default_text = "black",
     .sentence = "What they are: black, or the picture reflected."},
    {0}};

static void crop(const fv__augmentation *augmentation, const fv__kernels *kernels, fv__random *random,
                 fv__image *image) {
    (void)kernels;
    uint64_t places = 2 * (uint64_t)augmentation->pixels + 1;
    int down = (int)fv__random_below(random, places) - augmentation->pixels;
    int right = (int)fv__random_below(random, places) - augmentation->pixels;
    fv__image_shift(image, down, right, augmentation->fill ? FV__FILL_REFLECT : FV__FILL_BLACK);
}

const fv__augmentation_type fv__augmentation_crop = {
    .name = "crop",
    .sentence = "Pads the picture and cuts one of its old size out again, anywhere.",
    .options = crop_options,
    .apply = crop};
