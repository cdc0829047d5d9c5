// SPDX-License-Identifier: Apache-2.0
#include "data/mnist.h"

#include <string.h>

#include "base/memory.h"
#include "data/locate.h"
#include "formats/idx.h"

typedef struct mnist {
    fv__dataset_source source; // first, so that one is the other
    fv__idx *images;           // (count, height, width)
    int32_t *labels;           // (count)
    char *folder;
    size_t sample_size;
} mnist;

static fv_status read_sample(const fv__dataset_source *source, size_t index, uint8_t *pixels, fv_error *error) {
    const mnist *set = (const mnist *)source;
    return fv__idx_read(set->images, index * set->sample_size, set->sample_size, pixels, error);
}

static void destroy(fv__dataset_source *source) {
    mnist *set = (mnist *)source;
    fv__idx_close(set->images);
    fv__free(set->labels);
    fv__free(set->folder);
    fv__free(set);
}

static fv_status read_labels(mnist *set, const char *path, int classes, size_t *count, fv_error *error) {
    fv__idx *idx = NULL;
    uint8_t *bytes = NULL;
    fv_status status = fv__idx_open(path, 1, &idx, error);
    if (status != FV_OK) {
        return status;
    }
    *count = fv__idx_bytes(idx);
    set->labels = fv__alloc_array(*count, sizeof *set->labels);
    bytes = fv__alloc(*count);
    status = set->labels && bytes ? fv__idx_read(idx, 0, *count, bytes, error) : fv__fail_memory(error, path);
    for (size_t i = 0; i < *count && status == FV_OK; i++) {
        set->labels[i] = bytes[i];
        if (bytes[i] >= classes) {
            status = fv__fail(error, FV_FORMAT, "%s: label %zu is %d, but there are %d classes (0 to %d)", path, i,
                              bytes[i], classes, classes - 1);
        }
    }
    fv__free(bytes);
    fv__idx_close(idx);
    return status;
}

static fv_status open_files(mnist *set, const fv__dataset_info *info, const char *images, const char *labels,
                            size_t *count, fv_error *error) {
    fv_status status = read_labels(set, labels, info->classes, count, error);
    if (status == FV_OK) {
        status = fv__idx_open(images, 3, &set->images, error);
    }
    if (status != FV_OK) {
        return status;
    }
    const size_t *shape = fv__idx_shape(set->images); // (count, height, width)
    if (shape[0] != *count) {
        return fv__fail(error, FV_FORMAT, "%s has %zu images, but %s has %zu labels: they do not belong together",
                        images, shape[0], labels, *count);
    }
    if (shape[1] != (size_t)info->height || shape[2] != (size_t)info->width) {
        return fv__fail(error, FV_FORMAT, "%s: images of %zu×%zu, those of %s are %d×%d", images, shape[1], shape[2],
                        info->name, info->height, info->width);
    }
    if (*count == 0) {
        return fv__fail(error, FV_FORMAT, "%s: no images in it", images);
    }
    set->sample_size = shape[1] * shape[2];
    return FV_OK;
}

// The path of the split's images (or labels) in the folder.
static char *find_file(const fv__dataset_info *info, const char *folder, const char *split, const char *kind,
                       fv_status *status) {
    for (size_t i = 0; i < info->file_count; i++) {
        if (strcmp(info->files[i].split, split) == 0 && strstr(info->files[i].name, kind)) {
            return fv__dataset_file_path(folder, &info->files[i], status);
        }
    }
    return NULL;
}

fv_status fv__mnist_open(const fv__dataset_info *info, const char *split, const char *path, fv_dataset **out,
                         fv_error *error) {
    char *images = NULL;
    char *labels = NULL;
    size_t count = 0;
    *out = NULL;
    mnist *set = fv__alloc(sizeof *set);
    if (!set) {
        return fv__fail_memory(error, info->name);
    }
    set->source = (fv__dataset_source){.read = read_sample, .destroy = destroy, .references = 1};
    fv_status status = fv__dataset_locate(info, split, path, &set->folder, error);
    if (status != FV_OK) {
        goto fail;
    }
    images = find_file(info, set->folder, split, "images", &status);
    labels = find_file(info, set->folder, split, "labels", &status);
    if (!images || !labels) { // found a moment ago
        status = status == FV_MEMORY
                     ? fv__fail_memory(error, info->name)
                     : fv__fail(error, FV_NOT_FOUND, "%s: files of %s are gone", set->folder, info->name);
        goto fail;
    }
    status = open_files(set, info, images, labels, &count, error);
    if (status != FV_OK) {
        goto fail;
    }
    const fv_dataset like = {
        .name = info->name,
        .split = strcmp(split, "train") == 0 ? "train" : "test",
        .count = count,
        .height = info->height,
        .width = info->width,
        .channels = info->channels,
        .classes = info->classes,
        .class_names = info->class_names,
        .labels = set->labels,
        .folder = set->folder,
    };
    fv__free(labels);
    fv__free(images);
    return fv__dataset_create(&like, &set->source, out, error);
fail:
    fv__free(labels);
    fv__free(images);
    destroy(&set->source);
    return status;
}
