// SPDX-License-Identifier: Apache-2.0
#include "train/render.h"

#include <string.h>

#include "base/memory.h"

enum { IMAGES = 4 }; // of a worker: the sample, its partner, and room next to each

static size_t aligned(size_t bytes) {
    return (bytes + FV__ALIGNMENT - 1) / FV__ALIGNMENT * FV__ALIGNMENT;
}

fv_status fv__renderer_init(fv__renderer *renderer, const fv_model *model, const fv__kernels *kernels,
                            const fv__augmentations *augmentations, int workers, fv_error *error) {
    const int *size = model->input_settings.size.values;
    size_t places = (size_t)size[0] * (size_t)size[1];
    bool augments = augmentations && augmentations->count > 0;
    *renderer = (fv__renderer){.model = model,
                               .kernels = kernels,
                               .augmentations = augments ? augmentations : NULL,
                               .pixel_bytes = aligned(places * (size_t)size[2]),
                               .image_values = aligned(places * FV__PIXEL * sizeof(float)) / sizeof(float)};
    renderer->worker_bytes = renderer->pixel_bytes + (augments ? IMAGES * renderer->image_values * sizeof(float) : 0);
    renderer->memory = fv__alloc_array((size_t)workers, renderer->worker_bytes);
    return renderer->memory ? FV_OK : fv__fail_memory(error, "samples");
}

void fv__renderer_free(fv__renderer *renderer) {
    fv__free(renderer->memory);
    *renderer = (fv__renderer){0};
}

// The image buffers in a worker's memory.
static void place_images(const fv__renderer *renderer, uint8_t *memory, fv__image images[2]) {
    const int *size = renderer->model->input_settings.size.values;
    float *values = (float *)(void *)(memory + renderer->pixel_bytes);
    for (int i = 0; i < 2; i++, values += 2 * renderer->image_values) {
        images[i] = (fv__image){.height = size[0],
                                .width = size[1],
                                .channels = size[2],
                                .values = values,
                                .spare = values + renderer->image_values};
    }
}

fv_status fv__render(const fv__renderer *renderer, const fv__samples *samples, fv__augment_draw draw, int worker,
                     float *out, fv_error *error) {
    const fv_model *model = renderer->model;
    uint8_t *memory = renderer->memory + (size_t)worker * renderer->worker_bytes;
    if (samples->read_values) {
        return samples->read_values(samples->context, (size_t)draw.sample, out, error);
    }
    if (!renderer->augmentations) {
        FV__TRY(samples->read(samples->context, (size_t)draw.sample, memory, error));
        fv__model_preprocess(model, memory, 1, out);
        return FV_OK;
    }
    const fv__augmenter augmenter = {renderer->augmentations, renderer->kernels, samples};
    fv__image images[2], *image = &images[0];
    place_images(renderer, memory, images);
    FV__TRY(fv__augment_sample(&augmenter, draw, memory, images, error));
    renderer->kernels->narrow_pixels(image->values, out, image->height * image->width, image->channels, model->scale,
                                     model->shift);
    return FV_OK;
}

fv__target fv__render_target(const fv__renderer *renderer, const fv__samples *samples, fv__augment_draw draw) {
    int32_t own = samples->labels[draw.sample];
    if (!renderer->augmentations || !samples->read) {
        return (fv__target){.label = own, .other = own, .weight = 1};
    }
    const int *size = renderer->model->input_settings.size.values;
    fv__image shape = {.height = size[0], .width = size[1], .channels = size[2]};
    fv__mixing mixing = fv__augment_mixing(renderer->augmentations, draw, samples->count, &shape);
    if (!mixing.mixes) {
        return (fv__target){.label = own, .other = own, .weight = 1};
    }
    int32_t partner = samples->labels[mixing.partner];
    return mixing.share > 0.5
               ? (fv__target){.label = partner, .other = own, .mix = (float)(1 - mixing.share), .weight = 1}
               : (fv__target){.label = own, .other = partner, .mix = (float)mixing.share, .weight = 1};
}
