// SPDX-License-Identifier: Apache-2.0
// What augmentation makes of a few training pictures. Each row begins
// with the picture as it is; the others are what epochs 1, 2, ... would see.
#include <string.h>

#include "base/memory.h"
#include "data/samples.h"
#include "recipe/recipe.h"

enum { ROWS = 8, COLUMNS = 9 };

static const char usual[] = "[flip: horizontal, rotation: 0.1, contrast: 0.1, zoom: 0.2]";

typedef struct sheet {
    fv_dataset *data;
    const fv__augmentations *augmentations;
    const fv__kernels *kernels;
    uint64_t seed;
    size_t size;     // of a picture
    uint8_t *pixels; // (ROWS, COLUMNS, size)
    float *memory;   // four images
} sheet;

// The sample as an epoch sees it; epoch 0: as it is.
static fv_status render(const sheet *now, size_t sample, uint64_t epoch, uint8_t *pixels, fv_error *error) {
    fv__augment_draw draw = {.seed = now->seed, .epoch = epoch, .sample = sample};
    if (epoch == 0) {
        return fv_dataset_read(now->data, sample, pixels, error);
    }
    fv_dataset *data = now->data;
    const fv__samples samples = fv__dataset_samples(data);
    const fv__augmenter augmenter = {now->augmentations, now->kernels, &samples};
    const size_t places = (size_t)data->height * (size_t)data->width, values = places * FV__PIXEL;
    const int channels = data->channels;
    fv__image images[2];
    for (int i = 0; i < 2; i++) {
        float *memory = now->memory + (size_t)(2 * i) * values;
        images[i] = (fv__image){data->height, data->width, channels, memory, memory + values};
    }
    fv_status status = fv__augment_sample(&augmenter, draw, pixels, images, error);
    for (size_t i = 0; i < places * (size_t)channels && !status; i++) {
        const float *pixel = images[0].values + i / (size_t)channels * FV__PIXEL;
        pixels[i] = (uint8_t)(pixel[i % (size_t)channels] + 0.5F);
    }
    return status;
}

static fv_status draw_sheet(sheet *now, const char *path, fv_error *error) {
    const fv_dataset *data = now->data;
    fv_grid_cell cells[ROWS * COLUMNS] = {{0}};
    int rows = data->count < ROWS ? (int)data->count : ROWS;
    now->size = fv__dataset_sample_size(data);
    now->pixels = fv__alloc_array((size_t)ROWS * COLUMNS, now->size);
    now->memory = fv__alloc_array((size_t)data->height * (size_t)data->width * 4, FV__PIXEL * sizeof *now->memory);
    fv_status status = now->pixels && now->memory ? FV_OK : fv__fail_memory(error, path);
    for (int i = 0; i < rows * COLUMNS && !status; i++) {
        const size_t row = (size_t)(i / COLUMNS); // spread: a folder has its classes one behind the other
        const size_t sample = row * data->count / (size_t)rows;
        uint8_t *pixels = now->pixels + (size_t)i * now->size;
        cells[i].pixels = pixels;
        cells[i].captions[0] = i % COLUMNS ? NULL : data->class_names[data->labels[sample]];
        status = render(now, sample, (uint64_t)(i % COLUMNS), pixels, error);
    }
    const fv_grid grid = {.size = sizeof grid,
                          .rows = rows,
                          .columns = COLUMNS,
                          .height = data->height,
                          .width = data->width,
                          .channels = data->channels,
                          .cells = cells};
    if (!status) {
        status = fv_grid_draw(&grid, path, error);
    }
    fv__free(now->pixels);
    fv__free(now->memory);
    return status;
}

static fv_status read_list(const char *text, const fv_dataset *data, fv__augmentations *list, fv_error *error) {
    fv__document *document = NULL;
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(fv__document_parse(text, strlen(text), "augment", &document, error));
    FV__TRY_OR_DONE(fv__augmentations_read(fv__document_root(document), list, error));
    FV__TRY_OR_DONE(fv__augmentations_fit(list, fv__document_root(document), data->height, data->width, error));
done:
    fv__document_free(document);
    return status;
}

static fv_status draw(sheet *now, const char *path, fv_error *error) {
    FV__TRY(fv__kernels_select(NULL, &now->kernels, error));
    return draw_sheet(now, path, error);
}

fv_status fv_dataset_draw_augmentation(fv_dataset *dataset, const char *augment, uint64_t seed, const char *path,
                                       fv_error *error) {
    fv__augmentations list;
    sheet now = {.data = dataset, .seed = seed, .augmentations = &list};
    FV__TRY(read_list(augment ? augment : usual, dataset, &list, error));
    return draw(&now, path, error);
}

// The samples that training learns from: no other is a partner for mixing.
fv_status fv_recipe_draw_augmentation(const fv_recipe *recipe, uint64_t seed, const char *path, fv_error *error) {
    sheet now = {.seed = seed, .augmentations = &recipe->augmentations};
    fv_dataset *validation = NULL;
    FV__TRY(fv__data_open(&recipe->data, &now.data, &validation, error));
    fv_dataset_free(validation);
    const fv_status status = draw(&now, path, error);
    fv_dataset_free(now.data);
    return status;
}

// --- Samples as they are

enum { MOST_SAMPLES = 40 };

// Of photographs, which are sorted by class, one from each of 40 stretches; of other sets the first 25.
fv_status fv_dataset_draw(const fv_dataset *data, const char *path, fv_error *error) {
    fv_grid_cell cells[MOST_SAMPLES] = {{0}};
    const bool sorted = data->resize != NULL;
    const size_t columns = sorted ? 8 : 5, size = fv__dataset_sample_size(data);
    size_t count = 5 * columns;
    count = data->count < count ? data->count : count;
    uint8_t *pixels = fv__alloc_array(count, size);
    fv_status status = pixels ? FV_OK : fv__fail_memory(error, path);
    for (size_t i = 0; i < count && !status; i++) {
        size_t sample = sorted ? (2 * i + 1) * data->count / (2 * count) : i;
        cells[i].pixels = pixels + i * size;
        cells[i].captions[0] = data->class_names[data->labels[sample]];
        status = fv_dataset_read(data, sample, pixels + i * size, error);
    }
    const fv_grid grid = {.size = sizeof grid,
                          .rows = (int)((count + columns - 1) / columns),
                          .columns = (int)columns,
                          .height = data->height,
                          .width = data->width,
                          .channels = data->channels,
                          .cells = cells};
    if (!status) {
        status = fv_grid_draw(&grid, path, error);
    }
    fv__free(pixels);
    return status;
}
