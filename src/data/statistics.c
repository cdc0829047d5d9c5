// SPDX-License-Identifier: Apache-2.0
// What is in a data set: its digest, and the figures that `fovea data show` prints.
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "data/dataset.h"

// Numbers enter the digest as 8 little-endian bytes, so that it is the same on every machine.
static void add_number(fv__sha256 *sum, uint64_t number) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(number >> 8 * i);
    }
    fv__sha256_add(sum, bytes, sizeof bytes);
}

fv_status fv__dataset_digest(const fv_dataset *dataset, char text[FV__SHA256_TEXT], fv_error *error) {
    size_t size = fv__dataset_sample_size(dataset);
    uint8_t *pixels = fv__alloc(size);
    if (!pixels) {
        return fv__fail_memory(error, dataset->name);
    }
    fv_status status = FV_OK;
    fv__sha256 sum;
    fv__sha256_start(&sum);
    const uint64_t shape[] = {dataset->count, (uint64_t)dataset->height, (uint64_t)dataset->width,
                              (uint64_t)dataset->channels, (uint64_t)dataset->classes};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        add_number(&sum, shape[i]);
    }
    if (dataset->resize) { // its pixels depend on that too
        fv__sha256_add(&sum, dataset->resize, strlen(dataset->resize));
    }
    for (size_t i = 0; i < dataset->count && status == FV_OK; i++) {
        add_number(&sum, (uint64_t)dataset->labels[i]);
        const fv__dataset_source *source = dataset->source;
        const char *identity = source->identity ? source->identity(source, dataset->first + i) : NULL;
        if (identity) {
            fv__sha256_add(&sum, identity, strlen(identity));
        } else {
            status = fv_dataset_read(dataset, i, pixels, error);
            fv__sha256_add(&sum, pixels, size);
        }
    }
    fv__sha256_end(&sum, text);
    fv__free(pixels);
    return status;
}

void fv__moments(const double *values, const uint64_t *counts, size_t count, double *mean, double *deviation) {
    double total = 0, sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        double times = counts ? (double)counts[i] : 1;
        total += times;
        sum += times * values[i];
    }
    *mean = sum / total;
    for (size_t i = 0; i < count; i++) {
        squares += (counts ? (double)counts[i] : 1) * (values[i] - *mean) * (values[i] - *mean);
    }
    *deviation = sqrt(squares / total);
}

// How often each value occurs in a channel: exact in whole numbers, whatever the order.
static void summarize(uint64_t (*histogram)[256], int channels, fv__dataset_statistics *out) {
    double values[256];
    out->minimum = 255;
    out->maximum = 0;
    for (int value = 0; value < 256; value++) {
        values[value] = value;
        for (int channel = 0; channel < channels; channel++) {
            if (histogram[channel][value] > 0) {
                out->minimum = value < out->minimum ? (uint8_t)value : out->minimum;
                out->maximum = value > out->maximum ? (uint8_t)value : out->maximum;
            }
        }
    }
    for (int channel = 0; channel < channels; channel++) {
        fv__moments(values, histogram[channel], 256, &out->mean[channel], &out->deviation[channel]);
    }
}

fv_status fv__dataset_measure(const fv_dataset *dataset, fv__dataset_statistics *out, fv_error *error) {
    uint64_t histogram[FV__DATASET_CHANNELS][256] = {{0}};
    size_t size = fv__dataset_sample_size(dataset);
    size_t channels = (size_t)dataset->channels;
    *out = (fv__dataset_statistics){0};
    if (channels > FV__DATASET_CHANNELS) {
        return fv__fail(error, FV_UNSUPPORTED, "%s: %zu channels, at most %d can be measured", dataset->name, channels,
                        FV__DATASET_CHANNELS);
    }
    uint8_t *pixels = fv__alloc(size);
    out->class_counts = fv__alloc_array((size_t)dataset->classes, sizeof *out->class_counts);
    fv_status status = pixels && out->class_counts ? FV_OK : fv__fail_memory(error, dataset->name);
    for (size_t i = 0; i < dataset->count && status == FV_OK; i++) {
        status = fv_dataset_read(dataset, i, pixels, error);
        out->class_counts[dataset->labels[i]]++;
        for (size_t at = 0; at < size && status == FV_OK; at++) {
            histogram[at % channels][pixels[at]]++;
        }
    }
    if (status == FV_OK) {
        summarize(histogram, dataset->channels, out);
    } else {
        fv__dataset_statistics_free(out);
    }
    fv__free(pixels);
    return status;
}

void fv__dataset_statistics_free(fv__dataset_statistics *statistics) {
    fv__free(statistics->class_counts);
    *statistics = (fv__dataset_statistics){0};
}
