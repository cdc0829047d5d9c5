// SPDX-License-Identifier: Apache-2.0
// Trained weights of other programs: arrays of numbers by name, whatever the file: safetensors, or HDF5 as Keras writes
// it (hdf5.h). All of a file is read at once, as float32.
#ifndef FOVEA_FORMATS_WEIGHTS_H
#define FOVEA_FORMATS_WEIGHTS_H

#include "formats/safetensors.h"

typedef struct fv__weight_array {
    char *name;   // "Conv1/kernel"; by its place where the file has no name for it: "Conv1/0"
    char *other;  // the same by the file's own folders, where they are called otherwise ("conv2d/0"), or NULL
    char *mapped; // what a rule calls it, or NULL
    bool turned;  // that rule says that its axes are to be turned round
    int rank;
    int64_t shape[FV__TENSOR_RANK];
    size_t count;
    float *values; // (count), row-major
} fv__weight_array;

typedef struct fv__weights {
    fv__weight_array *arrays; // (count)
    int count, capacity;
} fv__weights;

// Reads a file; which kind it is, its first bytes tell. Release with fv__weights_free. Errors: FV_NOT_FOUND, FV_FORMAT
// (names the array), FV_UNSUPPORTED for HDF5 in a build without it.
fv_status fv__weights_read(const char *path, fv__weights *out, fv_error *error);
void fv__weights_free(fv__weights *weights); // leaves {0}

// "(3, 3, 32, 1)"
typedef struct fv__weight_shape {
    char text[192];
} fv__weight_shape;
fv__weight_shape fv__weight_shape_print(const fv__weight_array *array);

// --- Rules: what arrays are called here

// THEIRS=OURS, for one array; with a star on both sides for all that fit: "encoder.*.weight=dense_*/kernel". Behind it,
// ":transpose" turns a matrix (out, in) into (in, out) and kernels (out, in, height, width) into ours: PyTorch's
// layout; vectors stay. Of several rules that fit an array the last counts. FV_INVALID when the rule is none or fits no
// array.
fv_status fv__weights_map(fv__weights *weights, const char *rule, fv_error *error);

// The same for each line of a text file; empty lines and those that begin with # are skipped.
fv_status fv__weights_map_file(fv__weights *weights, const char *path, fv_error *error);

// Turns what rules say is to be turned: after the last of them. FV_INVALID for arrays of three axes or more than four.
fv_status fv__weights_turn(fv__weights *weights, fv_error *error);

// --- Between the readers

// One more array, its name copied, with room for its values; NULL when out of memory.
fv__weight_array *fv__weights_add(fv__weights *weights, const char *name, int rank, const int64_t *shape, size_t count);

#endif
