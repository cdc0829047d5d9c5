// SPDX-License-Identifier: Apache-2.0
// Safetensors: named tensors in one file. 8 bytes of header length (little endian), a JSON header
//   {"__metadata__": {key: text}, name: {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, ...}
// and the values, to which the offsets refer. A file comes from anywhere, so nothing in it is believed unchecked.
#ifndef FOVEA_FORMATS_SAFETENSORS_H
#define FOVEA_FORMATS_SAFETENSORS_H

#include "base/error.h"
#include "base/text.h"

// FV__ and this, name in the file, bytes of an element
#define FV__DTYPE_LIST(X)                                                                                              \
    X(F32, F32, 4)                                                                                                     \
    X(F64, F64, 8)                                                                                                     \
    X(F16, F16, 2)                                                                                                     \
    X(BF16, BF16, 2)                                                                                                   \
    X(I8, I8, 1)                                                                                                       \
    X(I16, I16, 2)                                                                                                     \
    X(I32, I32, 4)                                                                                                     \
    X(I64, I64, 8)                                                                                                     \
    X(U8, U8, 1)                                                                                                       \
    X(U16, U16, 2)                                                                                                     \
    X(U32, U32, 4)                                                                                                     \
    X(U64, U64, 8)                                                                                                     \
    X(BOOLEAN, BOOL, 1)

typedef enum fv__dtype {
#define X(id, name, size) FV__##id,
    FV__DTYPE_LIST(X)
#undef X
} fv__dtype;

enum {
#define X(id, name, size) +1
    FV__DTYPE_COUNT = 0 FV__DTYPE_LIST(X)
#undef X
};

const char *fv__dtype_name(fv__dtype dtype);
size_t fv__dtype_size(fv__dtype dtype);

enum { FV__TENSOR_RANK = 8 };

typedef struct fv__tensor_entry {
    const char *name;
    fv__dtype dtype;
    int rank;
    int64_t shape[FV__TENSOR_RANK];
    const void *data; // aligned to its element, row-major
    size_t bytes;     // of data; the writer works it out from the shape itself
} fv__tensor_entry;

typedef struct fv__metadata {
    const char *key, *value;
} fv__metadata;

// An opened file. It owns everything its entries point to.
typedef struct fv__tensor_file fv__tensor_file;

fv_status fv__safetensors_open(const char *path, fv__tensor_file **out, fv_error *error);

// The same over bytes in memory, which must outlive the result; `name` is for messages.
fv_status fv__safetensors_parse(const void *bytes, size_t size, const char *name, fv__tensor_file **out,
                                fv_error *error);

void fv__safetensors_close(fv__tensor_file *file); // NULL is fine

size_t fv__safetensors_count(const fv__tensor_file *file);
const fv__tensor_entry *fv__safetensors_entry(const fv__tensor_file *file, size_t index);    // in the order of the file
const fv__tensor_entry *fv__safetensors_find(const fv__tensor_file *file, const char *name); // NULL when not there

// The value of a metadata key, NULL when not there; and all of them in the order of the file.
const char *fv__safetensors_metadata(const fv__tensor_file *file, const char *key);
size_t fv__safetensors_metadata_count(const fv__tensor_file *file);
fv__metadata fv__safetensors_metadata_entry(const fv__tensor_file *file, size_t index);

// Writes a file, atomically (see file.h). The same entries and pairs in the same order give the same bytes. Values
// start at a multiple of 64 bytes in the file.
fv_status fv__safetensors_write(const char *path, const fv__tensor_entry *entries, size_t count,
                                const fv__metadata *pairs, size_t pair_count, fv_error *error);

// The same bytes at the end of a text, which may hold any.
fv_status fv__safetensors_emit(const fv__tensor_entry *entries, size_t count, const fv__metadata *pairs,
                               size_t pair_count, fv__text *out, fv_error *error);

#endif
