// SPDX-License-Identifier: Apache-2.0
#include "data/samples.h"

static fv_status read_sample(void *context, size_t index, uint8_t *pixels, fv_error *error) {
    return fv_dataset_read(context, index, pixels, error);
}

fv__samples fv__dataset_samples(const fv_dataset *dataset) {
    return (fv__samples){
        .count = dataset->count, .labels = dataset->labels, .read = read_sample, .context = (fv_dataset *)dataset};
}
