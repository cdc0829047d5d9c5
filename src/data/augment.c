// SPDX-License-Identifier: Apache-2.0
#include "data/augment.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const fv__augmentation_type *const types[] = {
#define X(name) &fv__augmentation_##name,
    FV__AUGMENTATION_LIST(X)
#undef X
        NULL};
#define X(name) TYPE_##name,
enum { FV__AUGMENTATION_LIST(X) TYPES };
#undef X

const fv__augmentation_type *fv__augmentation_type_at(int index) {
    return index >= 0 && index < TYPES ? types[index] : NULL;
}

// --- Reading and writing

static fv_status find_type(const fv__value *value, const char *name, const fv__augmentation_type **type,
                           fv_error *error) {
    const char *names[TYPES + 1] = {NULL};
    for (int i = 0; i < TYPES; i++) {
        names[i] = types[i]->name;
        if (strcmp(names[i], name) == 0) {
            *type = types[i];
            return FV_OK;
        }
    }
    char known[256];
    return fv__value_fail(error, value, "augment: there is no '%.80s'; %s", name,
                          fv__suggest_name(known, sizeof known, name, names));
}

// A list of numbers stands for an interval, and so may a number where its negative is its other end.
static fv_status check_interval(const fv__augmentation_type *type, const fv__option *option, const fv__float_list *list,
                                const fv__value *value, fv_error *error) {
    bool symmetric = option->minimum < 0;
    if (list->count == 0 && !option->default_text && !option->required) {
        return FV_OK;
    }
    if (list->count == 2 && list->values[0] <= list->values[1]) {
        return FV_OK;
    }
    double lower = -list->values[0];
    bool within = option->above_minimum ? lower > option->minimum : lower >= option->minimum;
    if (list->count == 1 && symmetric && lower <= 0 && within) {
        return FV_OK;
    }
    char number[80] = "", bound[FV__NUMBER_SIZE];
    if (symmetric) {
        snprintf(number, sizeof number, ", or one number f for [-f, f], at least 0 and %s %s",
                 option->above_minimum ? "below" : "at most", fv__format_float(bound, -option->minimum));
    }
    return fv__value_fail(error, value, "%s.%s: expected [lower, upper], the lower number first%s", type->name,
                          option->name, number);
}

static fv_status read_item(const fv__value *value, fv__augmentation *item, fv_error *error) {
    const char *name;
    const fv__value *arguments;
    *item = (fv__augmentation){0};
    fv_status status = fv__value_named(value, "an augmentation", &name, &arguments, error);
    if (!status) {
        status = find_type(value, name, &item->type, error);
    }
    if (!status) {
        status = fv__options_read(item->type->options, arguments, name, item, error);
    }
    if (status == FV_INVALID && arguments == NULL && item->type) { // a missing option has no line of its own
        fv__value_fail(error, value, "augment: %s needs options, as in %s: {%s: ...}", name, name,
                       item->type->options->name);
    }
    if (status) {
        return status;
    }
    for (const fv__option *option = item->type->options; !status && option->name; option++) {
        if (option->kind == FV__FLOAT_LIST) {
            const fv__float_list *list = (const void *)((const char *)item + option->offset);
            status = check_interval(item->type, option, list, value, error);
        }
    }
    return status;
}

fv_status fv__augmentations_read(const fv__value *list, fv__augmentations *out, fv_error *error) {
    out->count = 0;
    if (fv__is_null(list)) {
        return FV_OK;
    }
    if (list->kind != FV__VALUE_LIST) {
        char found[64];
        return fv__value_fail(error, list, "augment: expected a list like [flip: horizontal, rotation: 0.1], found %s",
                              fv__value_describe(list, found, sizeof found));
    }
    if (list->count > FV__MOST_AUGMENTATIONS) {
        return fv__value_fail(error, list, "augment: at most %d augmentations, found %zu", FV__MOST_AUGMENTATIONS,
                              list->count);
    }
    for (size_t i = 0; i < list->count; i++) {
        fv_status status = read_item(list->items[i], &out->items[i], error);
        if (status) {
            return status;
        }
    }
    out->count = (int)list->count;
    return FV_OK;
}

fv_status fv__augmentations_fit(const fv__augmentations *augmentations, const fv__value *list, int height, int width,
                                fv_error *error) {
    const int most = height < width ? height : width;
    for (int i = 0; i < augmentations->count; i++) {
        const fv__augmentation *item = &augmentations->items[i];
        for (const fv__option *option = item->type->options; option->name; option++) {
            if (option->offset == offsetof(fv__augmentation, pixels) && item->pixels > most) {
                return fv__value_fail(error, list->items[i],
                                      "%s.%s: %d pixels are more than the pictures of %d × %d have; at most %d",
                                      item->type->name, option->name, item->pixels, height, width, most);
            }
        }
    }
    return FV_OK;
}

fv_status fv__augmentations_write(const fv__augmentations *augmentations, fv__document *document, fv__value **list,
                                  fv_error *error) {
    fv_status status = FV_OK;
    *list = fv__value_new(document, FV__VALUE_LIST);
    for (int i = 0; i < augmentations->count && *list && !status; i++) {
        const fv__augmentation *item = &augmentations->items[i];
        fv__value *options = NULL, *named = fv__value_new(document, FV__VALUE_MAP);
        status = named ? fv__options_write(item->type->options, item, document, &options, error)
                       : fv__fail_memory(error, "the recipe");
        if (!status) {
            status = fv__map_set(named, item->type->name, options, error);
        }
        if (!status) {
            status = fv__list_add(*list, named, error);
        }
    }
    return *list ? status : fv__fail_memory(error, "the recipe");
}

void fv__augmentations_describe(fv__text *out) {
    for (int i = 0; i < TYPES; i++) {
        fv__text_addf(out, "\n### augmentation `%s`\n\n%s\n\n", types[i]->name, types[i]->sentence);
        fv__options_describe(types[i]->options, out);
    }
}

// --- Doing it

// Each item has a stretch of the sample's stream to itself, and so has mixing, at its end.
static fv__random start_draws(fv__augment_draw draw, uint64_t item) {
    fv__random random = fv__random_start(draw.seed, FV__DRAW_AUGMENT, draw.epoch << 32 ^ draw.sample);
    random.position = item << 32;
    return random;
}

void fv__augment(const fv__augmentations *augmentations, const fv__kernels *kernels, fv__augment_draw draw,
                 fv__image *image) {
    for (int i = 0; i < augmentations->count; i++) {
        const fv__augmentation *item = &augmentations->items[i];
        if (item->type->apply) {
            fv__random random = start_draws(draw, (uint64_t)i);
            item->type->apply(item, kernels, &random, image);
        }
    }
}

fv__mixing fv__augment_mixing(const fv__augmentations *augmentations, fv__augment_draw draw, size_t count,
                              const fv__image *image) {
    const fv__augmentation *mixers[FV__MOST_AUGMENTATIONS];
    uint64_t mixer_count = 0;
    fv__mixing mixing = {.mixes = false};
    for (int i = 0; i < augmentations->count; i++) {
        if (augmentations->items[i].type->mix) {
            mixers[mixer_count++] = &augmentations->items[i];
        }
    }
    if (mixer_count == 0) {
        return mixing;
    }
    fv__random random = start_draws(draw, FV__MOST_AUGMENTATIONS);
    const fv__augmentation *mixer = mixers[fv__random_below(&random, mixer_count)];
    mixing.partner = (size_t)fv__random_below(&random, count);
    if (fv__random_uniform(&random) < mixer->probability && mixing.partner != draw.sample) {
        mixing.by_box = mixer->type->mix(mixer, &random, image, &mixing.share, &mixing.box);
        mixing.mixes = mixing.share > 0;
    }
    return mixing;
}

static fv_status augment_one(const fv__augmenter *augmenter, fv__augment_draw draw, uint8_t *pixels, fv__image *image,
                             fv_error *error) {
    FV__TRY(augmenter->samples->read(augmenter->samples->context, (size_t)draw.sample, pixels, error));
    augmenter->kernels->widen_pixels(pixels, image->values, image->height * image->width, image->channels);
    fv__augment(augmenter->augmentations, augmenter->kernels, draw, image);
    return FV_OK;
}

fv_status fv__augment_sample(const fv__augmenter *augmenter, fv__augment_draw draw, uint8_t *pixels,
                             fv__image images[2], fv_error *error) {
    FV__TRY(augment_one(augmenter, draw, pixels, &images[0], error));
    const fv__mixing mixing = fv__augment_mixing(augmenter->augmentations, draw, augmenter->samples->count, &images[0]);
    if (!mixing.mixes) {
        return FV_OK;
    }
    draw.sample = mixing.partner;
    FV__TRY(augment_one(augmenter, draw, pixels, &images[1], error));
    if (mixing.by_box) {
        fv__image_paste(&images[0], &images[1], mixing.box);
    } else {
        fv__image_blend(&images[0], &images[1], mixing.share);
    }
    return FV_OK;
}
