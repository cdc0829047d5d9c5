// SPDX-License-Identifier: Apache-2.0
// Parts of a data set that are not one stretch of it.
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "data/dataset.h"

// A source that passes on what it is asked for under other numbers.
typedef struct selection {
    fv__dataset_source source; // first, so that one is the other
    fv_dataset *from;
    uint32_t *indices; // (count)
    int32_t *labels;   // (count)
} selection;

static fv_status read_sample(const fv__dataset_source *source, size_t index, uint8_t *pixels, fv_error *error) {
    const selection *part = (const selection *)source;
    return fv_dataset_read(part->from, part->indices[index], pixels, error);
}

static const char *identify(const fv__dataset_source *source, size_t index) {
    const selection *part = (const selection *)source;
    return part->from->source->identity(part->from->source, part->from->first + part->indices[index]);
}

static void destroy(fv__dataset_source *source) {
    selection *part = (selection *)source;
    fv_dataset_free(part->from);
    fv__free(part->indices);
    fv__free(part->labels);
    fv__free(part);
}

static fv_status select_samples(const fv_dataset *dataset, const uint32_t *indices, size_t count,
                                const fv__labelling *labelling, fv_dataset **out, fv_error *error) {
    *out = NULL;
    selection *part = fv__alloc(sizeof *part);
    if (!part) {
        return fv__fail_memory(error, dataset->name);
    }
    part->source = (fv__dataset_source){.read = read_sample, .destroy = destroy, .references = 1};
    part->indices = fv__alloc_array(count, sizeof *part->indices);
    part->labels = fv__alloc_array(count, sizeof *part->labels);
    fv_status status = part->indices && part->labels ? FV_OK : fv__fail_memory(error, dataset->name);
    if (!status) {
        status = fv__dataset_view(dataset, 0, dataset->count, &part->from, error);
    }
    for (size_t i = 0; i < count && !status; i++) {
        const uint32_t index = indices ? indices[i] : (uint32_t)i;
        if (index >= dataset->count) {
            status = fv__fail(error, FV_INVALID, "%s (%s): sample %u asked for, there are %zu", dataset->name,
                              dataset->split, index, dataset->count);
            break;
        }
        part->indices[i] = index;
        part->labels[i] = labelling ? labelling->label_of[dataset->labels[index]] : dataset->labels[index];
    }
    if (status) {
        destroy(&part->source);
        return status;
    }
    part->source.identity = dataset->source->identity ? identify : NULL;
    fv_dataset like = *dataset;
    like.first = 0;
    like.count = count;
    like.labels = part->labels;
    if (labelling) {
        like.classes = labelling->classes;
        like.class_names = labelling->class_names;
    }
    return fv__dataset_create(&like, &part->source, out, error);
}

fv_status fv__dataset_select(const fv_dataset *dataset, const uint32_t *indices, size_t count, fv_dataset **out,
                             fv_error *error) {
    return select_samples(dataset, indices, count, NULL, out, error);
}

fv_status fv__dataset_relabel(const fv_dataset *dataset, const fv__labelling *labelling, fv_dataset **out,
                              fv_error *error) {
    return select_samples(dataset, NULL, dataset->count, labelling, out, error);
}

// Of photographs, which are sorted by class, some of every class.
fv_status fv__dataset_limit(const fv_dataset *dataset, size_t limit, fv_dataset **out, fv_error *error) {
    const size_t count = limit < dataset->count ? limit : dataset->count;
    if (!dataset->resize || count == dataset->count) {
        return fv__dataset_view(dataset, 0, count, out, error);
    }
    uint32_t *indices = fv__alloc_array(count, sizeof *indices);
    if (!indices) {
        return fv__fail_memory(error, dataset->name);
    }
    for (size_t i = 0; i < count; i++) {
        indices[i] = (uint32_t)(i * dataset->count / count);
    }
    const fv_status status = fv__dataset_select(dataset, indices, count, out, error);
    fv__free(indices);
    return status;
}

// Marks in `held` the samples of a class that are drawn for validation. `members` and `order` have room for all
// samples.
static void hold_out(const fv_dataset *dataset, int label, double fraction, uint64_t seed, uint32_t *members,
                     uint32_t *order, uint8_t *held) {
    size_t count = 0;
    for (size_t i = 0; i < dataset->count; i++) {
        if (dataset->labels[i] == label) {
            members[count++] = (uint32_t)i;
        }
    }
    fv__random random = fv__random_start(seed, FV__DRAW_SPLIT, (uint64_t)label);
    fv__random_permutation(&random, count, order);
    const size_t kept = (size_t)floor((double)count * (1 - fraction));
    for (size_t i = kept ? kept : 1; i < count; i++) { // one at least is learnt from
        held[members[order[i]]] = 1;
    }
}

// The samples that are held out, or those that are not, in their order.
static size_t collect(const uint8_t *held, size_t count, int which, uint32_t *indices) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (held[i] == which) {
            indices[found++] = (uint32_t)i;
        }
    }
    return found;
}

fv_status fv__dataset_stratify(const fv_dataset *dataset, double fraction, uint64_t seed, fv_dataset **train,
                               fv_dataset **validation, fv_error *error) {
    size_t count = dataset->count;
    *train = *validation = NULL;
    uint32_t *members = fv__alloc_array(count, sizeof *members);
    uint32_t *order = fv__alloc_array(count, sizeof *order);
    uint8_t *held = fv__alloc(count);
    fv_status status = members && order && held ? FV_OK : fv__fail_memory(error, dataset->name);
    for (int label = 0; label < dataset->classes && !status; label++) {
        hold_out(dataset, label, fraction, seed, members, order, held);
    }
    if (!status) {
        size_t held_out = collect(held, count, 1, members), kept = collect(held, count, 0, order);
        if (kept == 0 || held_out == 0) {
            status =
                fv__fail(error, FV_INVALID,
                         "data.validation: %g of each class of %zu samples leaves none to %s; take another fraction, "
                         "none, or more samples",
                         fraction, count, kept ? "validate on" : "train on");
        } else {
            status = fv__dataset_select(dataset, members, held_out, validation, error);
            if (!status) {
                status = fv__dataset_select(dataset, order, kept, train, error);
            }
        }
    }
    if (status) {
        fv_dataset_free(*validation);
        *validation = NULL;
    }
    fv__free(members);
    fv__free(order);
    fv__free(held);
    return status;
}
