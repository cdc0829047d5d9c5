// SPDX-License-Identifier: Apache-2.0
// Weights in HDF5, by libhdf5, in the two layouts that Keras writes. A group of HDF5 is a folder, a dataset an array.
//
// Weights as published, and whole models ending in .h5: a group a layer, below it the names of its weights, under
// model_weights/ in a whole model.
//     Conv1/Conv1/kernel:0                        is "Conv1/kernel"
//     dense/sequential/dense/bias:0               is "dense/bias"
//     base/bn_Conv1/gamma:0                       is "base/bn_Conv1/gamma"
// Keras 3's .weights.h5: groups called after the layers' classes, each with a group `vars` that knows the layer's name
// and holds its weights by number.
//     layers/conv2d/vars (name: Conv1)/0          is "Conv1/0", other name "conv2d/0"
//     layers/functional/layers/dense/vars/1       is "base/dense/1", other name "functional/dense/1"
// A file that is cut off, is something else or claims too much gives a sentence. Beyond that the library is trusted,
// which does crash on some files with damaged metadata.
// What belongs to an optimizer and what holds no floating-point numbers is left out.
#ifndef FOVEA_FORMATS_HDF5_H
#define FOVEA_FORMATS_HDF5_H

#include "formats/weights.h"

#define FV__HDF5_SIGNATURE "\211HDF\r\n\032\n"

// Adds the arrays of a file in memory; `path` is for messages. FV_UNSUPPORTED without libhdf5.
fv_status fv__hdf5_read(const void *bytes, size_t size, const char *path, fv__weights *out, fv_error *error);

#endif
