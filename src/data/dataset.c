#include "data/dataset.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "data/registry.h"

fv_status fv_dataset_open(const char *name, const char *split, const char *path, fv_dataset **out, fv_error *error) {
    *out = NULL;
    const fv__dataset_info *info = fv__dataset_info_find(name, error);
    if (!info) {
        return FV_NOT_FOUND;
    }
    if (strcmp(split, "train") != 0 && strcmp(split, "test") != 0) {
        return fv__fail(error, FV_INVALID, "%s has no split '%s'; there are: train, test", name, split);
    }
    return info->open(info, split, path, out, error);
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

void fv_dataset_close(fv_dataset *dataset) {
    if (dataset) {
        release(dataset->source);
        fv__free(dataset);
    }
}

fv_dataset_info fv_dataset_describe(const fv_dataset *dataset) {
    return (fv_dataset_info){.count = dataset->count,
                             .height = dataset->height,
                             .width = dataset->width,
                             .channels = dataset->channels,
                             .classes = dataset->classes,
                             .class_names = dataset->class_names,
                             .labels = dataset->labels};
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
