// SPDX-License-Identifier: Apache-2.0
// The samples of a data set.
#ifndef FOVEA_DATA_SAMPLES_H
#define FOVEA_DATA_SAMPLES_H

#include "base/samples.h"
#include "data/dataset.h"

// All of them, with their labels. The data set must outlive them.
fv__samples fv__dataset_samples(const fv_dataset *dataset);

#endif
