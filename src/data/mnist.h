// SPDX-License-Identifier: Apache-2.0
// Data sets in the files of MNIST: one IDX file of images and one of labels a split.
#ifndef FOVEA_DATA_MNIST_H
#define FOVEA_DATA_MNIST_H

#include "data/registry.h"

fv_status fv__mnist_open(const fv__dataset_info *info, const char *split, const char *path, fv_dataset **out,
                         fv_error *error);

#endif
