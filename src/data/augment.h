// SPDX-License-Identifier: Apache-2.0
// Augmentation: what happens to a picture, at random and in training only, between its bytes and normalization. A draw
// belongs to (seed, epoch, sample) alone, so a picture comes out the same whichever thread asks for it and when.
//
// To add a kind: its options and a function beside them in augment_*.c, and a line in FV__AUGMENTATION_LIST.
#ifndef FOVEA_DATA_AUGMENT_H
#define FOVEA_DATA_AUGMENT_H

#include "base/samples.h"
#include "data/image.h"
#include "formats/options.h"

typedef struct fv__augmentation_type fv__augmentation_type;

// One item of a recipe's `augment:`; a kind uses the members that its options name.
typedef struct fv__augmentation {
    const fv__augmentation_type *type;
    int direction;                        // fv__direction
    int fill;                             // fv__fill
    int pixels;                           // of padding, of a square's side
    fv__float_list factor, height, width; // [lower, upper] that is drawn from; one number f: [-f, f]
    fv__float_list area, aspect;          // [lower, upper]
    double probability, alpha;
} fv__augmentation;

struct fv__augmentation_type {
    const char *name, *sentence;
    const fv__option *options; // a table for fv__augmentation
    // One of the two. `apply` changes a picture by itself; `mix` decides how another sample joins it: the share of its
    // label and, unless the two are blended, the box it fills.
    void (*apply)(const fv__augmentation *augmentation, const fv__kernels *kernels, fv__random *random,
                  fv__image *image);
    bool (*mix)(const fv__augmentation *augmentation, fv__random *random, const fv__image *image, double *share,
                fv__box *box); // whether by a box
};

#define FV__AUGMENTATION_LIST(X)                                                                                       \
    X(flip)                                                                                                            \
    X(rotation) X(zoom) X(translation) X(crop) X(contrast) X(brightness) X(cutout) X(random_erasing) X(mixup) X(cutmix)
#define X(name) extern const fv__augmentation_type fv__augmentation_##name;
FV__AUGMENTATION_LIST(X)
#undef X

const fv__augmentation_type *fv__augmentation_type_at(int index); // NULL past the last

enum { FV__MOST_AUGMENTATIONS = 16 };

// Done in this order; those that mix come after the others.
typedef struct fv__augmentations {
    int count;
    fv__augmentation items[FV__MOST_AUGMENTATIONS];
} fv__augmentations;

// Reads a list of kinds, each a name with its options; NULL or nothing gives none. Lists of options are owned by `out`,
// nothing of `list` is kept.
fv_status fv__augmentations_read(const fv__value *list, fv__augmentations *out, fv_error *error);

// Whether the pictures are large enough for what was read from `list`.
fv_status fv__augmentations_fit(const fv__augmentations *augmentations, const fv__value *list, int height, int width,
                                fv_error *error);

// The way back, with every option.
fv_status fv__augmentations_write(const fv__augmentations *augmentations, fv__document *document, fv__value **list,
                                  fv_error *error);

// A Markdown section for each kind.
void fv__augmentations_describe(fv__text *out);

// Which draws.
typedef struct fv__augment_draw {
    uint64_t seed, epoch, sample;
} fv__augment_draw;

// Everything but mixing.
void fv__augment(const fv__augmentations *augmentations, const fv__kernels *kernels, fv__augment_draw draw,
                 fv__image *image);

// How the sample is mixed with another of the `count` samples. Where several kinds mix, one of them is drawn.
typedef struct fv__mixing {
    bool mixes, by_box;
    size_t partner;
    double share; // of the partner, in label and (blended) picture
    fv__box box;  // by_box: that the partner fills
} fv__mixing;
fv__mixing fv__augment_mixing(const fv__augmentations *augmentations, fv__augment_draw draw, size_t count,
                              const fv__image *image);

// Samples, and what is done to them.
typedef struct fv__augmenter {
    const fv__augmentations *augmentations;
    const fv__kernels *kernels;
    const fv__samples *samples;
} fv__augmenter;

// The sample as `draw` sees it into images[0]: augmented, then mixed with its partner, which is augmented as it would
// be by itself. `pixels` (one sample's) and images[1] are room to work in.
fv_status fv__augment_sample(const fv__augmenter *augmenter, fv__augment_draw draw, uint8_t *pixels,
                             fv__image images[2], fv_error *error);

#endif
