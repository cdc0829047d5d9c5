// SPDX-License-Identifier: Apache-2.0
#include "data/dataset.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"

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
                                     .left_out = like->left_out_count,
                                     .name = like->name,
                                     .split = like->split,
                                     .folder = like->folder,
                                     .resize = like->resize};
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

fv_status fv_dataset_measure(const fv_dataset *dataset, fv_dataset_statistics **out, fv_error *error) {
    *out = NULL;
    fv__dataset_statistics measured;
    FV__TRY(fv__dataset_measure(dataset, &measured, error));
    fv_dataset_statistics *made = fv__alloc(sizeof *made);
    if (!made) {
        fv__dataset_statistics_free(&measured);
        return fv__fail_memory(error, "the statistics");
    }
    *made = (fv_dataset_statistics){
        .class_counts = measured.class_counts, .minimum = measured.minimum, .maximum = measured.maximum};
    memcpy(made->mean, measured.mean, sizeof made->mean);
    memcpy(made->deviation, measured.deviation, sizeof made->deviation);
    *out = made;
    return FV_OK;
}

void fv_dataset_statistics_free(fv_dataset_statistics *statistics) {
    if (statistics) {
        fv__free((size_t *)statistics->class_counts);
        fv__free(statistics);
    }
}
