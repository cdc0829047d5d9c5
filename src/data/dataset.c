#include "data/dataset.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "data/folder.h"
#include "formats/file.h"

fv_status fv__dataset_open(const fv__dataset_info *info, const char *split, const char *path,
                           const fv__photo_settings *photos, fv_dataset **out, fv_error *error) {
    *out = NULL;
    bool folder = !info->open;
    if (strcmp(split, "train") != 0 && strcmp(split, "test") != 0 && (!folder || strcmp(split, "validation") != 0)) {
        return fv__fail(error, FV_INVALID, "%s has no split '%s'; there are: train, %stest", info->name, split,
                        folder ? "validation, " : "");
    }
    return folder ? fv__folder_open(info, split, path, photos, out, error) : info->open(info, split, path, out, error);
}

enum { USUAL = 224, LARGEST = 4096, CHANNELS = 3 }; // of photographs

fv_status fv_dataset_open(const char *name, const char *split, const char *path, fv_dataset **out, fv_error *error) {
    const fv__photo_settings photos = {.resize = {.height = USUAL, .width = USUAL}, .channels = CHANNELS};
    *out = NULL;
    const fv__dataset_info *info = fv__dataset_info_find(name, error);
    return info ? fv__dataset_open(info, split, path, &photos, out, error) : FV_NOT_FOUND;
}

fv_status fv_dataset_open_photos(const char *path, const char *split, const fv_photo_options *options, fv_dataset **out,
                                 fv_error *error) {
    fv__photo_settings settings = {.resize = {.height = options->height ? options->height : USUAL,
                                              .width = options->width ? options->width : USUAL},
                                   .channels = options->channels ? options->channels : CHANNELS,
                                   .strict = options->strict,
                                   .threads = options->threads};
    const fv__resize *size = &settings.resize;
    *out = NULL;
    while (options->resize && fv__resize_names[size->mode] && strcmp(fv__resize_names[size->mode], options->resize)) {
        settings.resize.mode++;
    }
    if (!fv__resize_names[size->mode]) {
        return fv__fail(error, FV_INVALID,
                        "pictures cannot be resized by '%.80s'; there are: bilinear, antialias, crop", options->resize);
    }
    if (size->height < 1 || size->width < 1 || size->height > LARGEST || size->width > LARGEST ||
        (settings.channels != 1 && settings.channels != 3)) {
        return fv__fail(error, FV_INVALID, "samples of %d×%d×%d asked for: sides are 1 to %d, channels 1 or 3",
                        size->height, size->width, settings.channels, LARGEST);
    }
    const fv__dataset_info *known =
        fv__file_exists(path) || fv__folder_exists(path) ? NULL : fv__dataset_info_find(path, NULL);
    bool named = known && !known->open && known != &fv__folder_info;
    return fv__dataset_open(named ? known : &fv__folder_info, split, named ? NULL : path, &settings, out, error);
}

const char *fv_dataset_left_out(const fv_dataset *dataset, size_t index) {
    return index < dataset->left_out_count ? dataset->left_out[index] : NULL;
}

static void release(fv__dataset_source *source) {
    if (__atomic_sub_fetch(&source->references, 1, __ATOMIC_ACQ_REL) == 0) {
        source->destroy(source);
    }
}

fv_status fv__dataset_create(const fv_dataset *like, fv__dataset_source *source, fv_dataset **out, fv_error *error) {
    *out = fv__alloc(sizeof **out);
    if (!*out) {
        release(source);
        return fv__fail_memory(error, "a data set");
    }
    **out = *like;
    (*out)->source = source;
    (*out)->info = (fv_dataset_info){.count = like->count,
                                     .height = like->height,
                                     .width = like->width,
                                     .channels = like->channels,
                                     .classes = like->classes,
                                     .class_names = like->class_names,
                                     .labels = like->labels,
                                     .left_out = like->left_out_count};
    return FV_OK;
}

fv_status fv__dataset_view(const fv_dataset *dataset, size_t first, size_t count, fv_dataset **out, fv_error *error) {
    *out = NULL;
    if (first > dataset->count || count > dataset->count - first || count == 0) {
        return fv__fail(error, FV_INVALID, "%s (%s): %zu samples from %zu on asked for, there are %zu", dataset->name,
                        dataset->split, count, first, dataset->count);
    }
    fv_dataset part = *dataset;
    part.first += first;
    part.labels += first;
    part.count = count;
    __atomic_add_fetch(&dataset->source->references, 1, __ATOMIC_RELAXED);
    return fv__dataset_create(&part, dataset->source, out, error);
}

fv_status fv__dataset_limit(const fv_dataset *dataset, size_t limit, fv_dataset **out, fv_error *error) {
    return fv__dataset_view(dataset, 0, limit < dataset->count ? limit : dataset->count, out, error);
}

void fv_dataset_free(fv_dataset *dataset) {
    if (dataset) {
        release(dataset->source);
        fv__free(dataset);
    }
}

const fv_dataset_info *fv_dataset_get_info(const fv_dataset *dataset) {
    return &dataset->info;
}

size_t fv__dataset_sample_size(const fv_dataset *dataset) {
    return (size_t)dataset->height * (size_t)dataset->width * (size_t)dataset->channels;
}

fv_status fv_dataset_read(const fv_dataset *dataset, size_t index, uint8_t *pixels, fv_error *error) {
    if (index >= dataset->count) {
        return fv__fail(error, FV_INVALID, "%s (%s): sample %zu asked for, there are 0 to %zu", dataset->name,
                        dataset->split, index, dataset->count - 1);
    }
    return dataset->source->read(dataset->source, dataset->first + index, pixels, error);
}
