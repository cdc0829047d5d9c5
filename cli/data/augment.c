// `fovea data show SET|RECIPE --augment FILE.png`: what augmentation makes of a few training pictures. Each row begins
// with the picture as it is; the others are what epochs 1, 2, ... would see.
#include <jansson.h>
#include <string.h>

#include "base/memory.h"
#include "data.h"
#include "data/registry.h"
#include "recipe/builtin.h"
#include "recipe/recipe.h"
#include "support/datasets.h"
#include "support/json.h"
#include "support/paths.h"
#include "support/recipe.h"
#include "support/say.h"
#include "support/text.h"

enum { ROWS = 8, COLUMNS = 9, SIDE = 128 }; // SIDE: of photographs

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

static fv_status read_sample(void *data, size_t index, uint8_t *pixels, fv_error *error) {
    return fv_dataset_read(data, index, pixels, error);
}

// The sample as an epoch sees it; epoch 0: as it is.
static fv_status render(const sheet *now, size_t sample, uint64_t epoch, uint8_t *pixels, fv_error *error) {
    fv__augment_draw draw = {.seed = now->seed, .epoch = epoch, .sample = sample};
    if (epoch == 0) {
        return fv_dataset_read(now->data, sample, pixels, error);
    }
    fv_dataset *data = now->data;
    const fv__augmenter augmenter = {now->augmentations, now->kernels, data->count, read_sample, data};
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

// The augmentations of `--set augment=[...]`, or the usual ones.
static fv_status read_list(const data_show_options *options, const fv_dataset *data, fv__augmentations *list,
                           fv_error *error) {
    fv__document *document = fv__document_new("augment");
    if (!document) {
        return fv__fail_memory(error, "augmentations");
    }
    fv_status status = fv__document_set(document, "augment", usual, error);
    for (int i = 0; i < options->source.sets.count && !status; i++) {
        status = fv__document_assign(document, options->source.sets.items[i], error);
    }
    const fv__value *root = fv__document_root(document);
    for (size_t i = 0; i < root->count && !status; i++) {
        if (strcmp(root->keys[i].name, "augment") != 0) {
            status = fv__key_fail(error, &root->keys[i],
                                  "only augment can be set beside a data set; name a recipe to set its other keys");
        }
    }
    if (!status) {
        status = fv__augmentations_read(fv__map_get(root, "augment"), list, error);
    }
    if (!status) {
        status = fv__augmentations_fit(list, fv__map_get(root, "augment"), data->height, data->width, error);
    }
    fv__document_free(document);
    return status;
}

static int finish(sheet *now, const data_show_options *options) {
    fv_error error;
    fv_status status = fv__kernels_select(NULL, &now->kernels, &error);
    if (!status) {
        status = draw_sheet(now, options->augment, &error);
    }
    fv_dataset_free(now->data);
    if (status) {
        return cli_fail(&error);
    }
    if (options->json) {
        return cli_json_print(json_pack("{s:o}", "picture", cli_json_text(options->augment)), true);
    }
    if (!options->source.quiet) {
        cli_line(stdout, "%s: in each row the image as it is, then as eight epochs of training would see it",
                 options->augment);
    }
    return CLI_OK;
}

static int augment_recipe(const char *name, const data_show_options *options) {
    fv_error error;
    fv_recipe *recipe;
    sheet now = {.seed = options->source.seed};
    int code = cli_recipe_open(name, &options->source, &recipe);
    if (code != CLI_OK) {
        return code;
    }
    now.augmentations = &recipe->augmentations;
    fv_dataset *validation = NULL; // what is validated on is no partner of what is mixed
    fv__data_settings settings = recipe->data;
    settings.path = options->source.path ? options->source.path : settings.path;
    fv_status status = fv__data_open(&settings, &now.data, &validation, &error);
    fv_dataset_free(validation);
    if (!status && recipe->augmentations.count == 0) {
        cli_say("%s has no augmentations: the pictures will be as they are", name);
    }
    code = status ? cli_fail(&error) : finish(&now, options);
    fv_recipe_free(recipe);
    return code;
}

int cli_data_augment(const data_show_options *options, const char *name) {
    fv_error error;
    fv__augmentations list;
    sheet now = {.seed = options->source.seed, .augmentations = &list};
    bool photos = cli_is_photos(name) && (cli_is_folder(name) || !strstr(name, ".yaml"));
    if (!photos && (strstr(name, ".yaml") || fv__builtin_recipe_find(name))) {
        return augment_recipe(name, options);
    }
    const fv__dataset_info *info = photos ? &fv__folder_info : fv__dataset_info_find(name, &error);
    const char *path = photos ? name : options->source.path;
    const fv__photo_settings settings = {.resize = {FV__RESIZE_CROP, SIDE, SIDE}, .channels = 3};
    if (!info || fv__dataset_open(info, "train", path, &settings, &now.data, &error)) {
        return cli_fail(&error);
    }
    const fv_status status = read_list(options, now.data, &list, &error);
    if (status) {
        fv_dataset_free(now.data);
        cli_fail(&error);
        return status == FV_INVALID ? CLI_USAGE : CLI_FAILED; // a wrong --set is a wrong command line
    }
    return finish(&now, options);
}
