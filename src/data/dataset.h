// SPDX-License-Identifier: Apache-2.0
// A data set as training, evaluation and pictures see it: numbered samples of one size with a label each.
#ifndef FOVEA_DATA_DATASET_H
#define FOVEA_DATA_DATASET_H

#include "base/error.h"
#include "formats/sha256.h"

// What a kind of data set (IDX, binary records, folders of pictures) has to provide.
typedef struct fv__dataset_source fv__dataset_source;
struct fv__dataset_source {
    // Pixels of sample `index`, (height, width, channels); several threads call it at once.
    fv_status (*read)(const fv__dataset_source *source, size_t index, uint8_t *pixels, fv_error *error);
    // A text that stands for the content of the sample where that is cheaper than its pixels; NULL: there is none.
    const char *(*identity)(const fv__dataset_source *source, size_t index);
    void (*destroy)(fv__dataset_source *source); // with the last data set that uses it
    int references;                              // atomic; 1 when made
};

// One split, or a part of one. Immutable once open, so threads share it. A view shares its source, and may outlive
// what it is a view of.
struct fv_dataset {
    const char *name;               // "mnist"
    const char *split;              // "train" or "test"
    size_t count;                   // samples
    int height, width, channels;    // of a sample
    int classes;                    //
    const char *const *class_names; // (classes)
    const int32_t *labels;          // (count), each in [0, classes)
    const char *folder;             // where the files were found
    const char *resize;             // of photographs: how they got their size; else NULL
    const char *const *left_out;    // (left_out_count): "FILE: what is wrong with it"
    size_t left_out_count;          //
    size_t first;                   // sample 0 here is sample `first` of the source
    fv__dataset_source *source;
    fv_dataset_info info; // for the public API, from the members above
};

// Takes over `source` (also on failure) and makes the data set that shows all of it. `like` gives every other field;
// its pointers must live as long as the source.
fv_status fv__dataset_create(const fv_dataset *like, fv__dataset_source *source, fv_dataset **out, fv_error *error);

// `count` samples from `first` on, without copying. Keras's validation_split is the last fraction of a set.
fv_status fv__dataset_view(const fv_dataset *dataset, size_t first, size_t count, fv_dataset **out, fv_error *error);

// Samples indices[0 … count-1]; a list, not a copy, of them is kept.
fv_status fv__dataset_select(const fv_dataset *dataset, const uint32_t *indices, size_t count, fv_dataset **out,
                             fv_error *error);

// Divides a set so that `validation` has `fraction` of every class, drawn by the seed; of n samples ⌊n · (1 −
// fraction)⌋ stay. Both parts keep the order of the set.
fv_status fv__dataset_stratify(const fv_dataset *dataset, double fraction, uint64_t seed, fv_dataset **train,
                               fv_dataset **validation, fv_error *error);

// The same samples with other classes: label_of[label] for each label. Names must outlive the result.
typedef struct fv__labelling {
    int classes;
    const char *const *class_names; // (classes)
    const int32_t *label_of;        // (the data set's classes)
} fv__labelling;
fv_status fv__dataset_relabel(const fv_dataset *dataset, const fv__labelling *labelling, fv_dataset **out,
                              fv_error *error);

// `limit` samples, or all when there are fewer: the first ones or, of photographs, evenly spread over all.
fv_status fv__dataset_limit(const fv_dataset *dataset, size_t limit, fv_dataset **out, fv_error *error);

size_t fv__dataset_sample_size(const fv_dataset *dataset); // height * width * channels bytes

// SHA-256 over shape, labels and pixels (or identities) of every sample: names the data a run was made with, wherever
// it came from.
fv_status fv__dataset_digest(const fv_dataset *dataset, char text[FV__SHA256_TEXT], fv_error *error);

enum { FV__DATASET_CHANNELS = 4 };

typedef struct fv__dataset_statistics {
    size_t *class_counts;                   // (classes), owned
    uint8_t minimum, maximum;               // over all pixels
    double mean[FV__DATASET_CHANNELS];      // a channel, in 0...255
    double deviation[FV__DATASET_CHANNELS]; // population standard deviation
} fv__dataset_statistics;

// Mean and population standard deviation of values that occur `counts` times (NULL: once) each.
void fv__moments(const double *values, const uint64_t *counts, size_t count, double *mean, double *deviation);

// Reads every sample. Release with fv__dataset_statistics_free.
fv_status fv__dataset_measure(const fv_dataset *dataset, fv__dataset_statistics *out, fv_error *error);
void fv__dataset_statistics_free(fv__dataset_statistics *statistics);

#endif
