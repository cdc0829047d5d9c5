// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/file.h"

struct fv__tensor_file {
    const char *name;                // of the file, for messages
    fv__tensor_entry *entries;       // (count), in the order of the header
    const fv__tensor_entry **sorted; // (count), by name
    size_t count;
    fv__metadata *metadata; // (metadata_count)
    size_t metadata_count;
    json_t *header; // holds the texts
    uint8_t *owned; // the file, when this read it
    void **moved;   // (count), values copied to where their type may be read; mostly NULL
};

// The length is 64 bits wide; the format's own limit keeps a damaged one from being believed.
enum { LENGTH_BYTES = 8, HEADER_LIMIT = 100 * 1000 * 1000 };

const char *fv__dtype_name(fv__dtype dtype) {
    switch (dtype) {
#define X(id, name, size)                                                                                              \
    case FV__##id:                                                                                                     \
        return #name;
        FV__DTYPE_LIST(X)
#undef X
    }
    return "?";
}

size_t fv__dtype_size(fv__dtype dtype) {
    switch (dtype) {
#define X(id, name, size)                                                                                              \
    case FV__##id:                                                                                                     \
        return size;
        FV__DTYPE_LIST(X)
#undef X
    }
    return 1;
}

static bool find_dtype(const char *name, fv__dtype *dtype) {
#define X(id, known, size)                                                                                             \
    if (strcmp(name, #known) == 0) {                                                                                   \
        *dtype = FV__##id;                                                                                             \
        return true;                                                                                                   \
    }
    FV__DTYPE_LIST(X)
#undef X
    return false;
}

// Bytes of a tensor; false when that overflows or a size is negative.
static bool tensor_bytes(const fv__tensor_entry *entry, size_t *bytes) {
    *bytes = fv__dtype_size(entry->dtype);
    for (int axis = 0; axis < entry->rank; axis++) {
        if (entry->shape[axis] < 0 || __builtin_mul_overflow(*bytes, (size_t)entry->shape[axis], bytes)) {
            return false;
        }
    }
    return true;
}

// One row of the header into an entry: everything but the place of the values is checked against itself here.
static fv_status parse_entry(const fv__tensor_file *file, const char *name, json_t *row, size_t data_size,
                             size_t *begin, fv__tensor_entry *entry, fv_error *error) {
    const char *path = file->name;
    const char *dtype = json_string_value(json_object_get(row, "dtype"));
    json_t *shape = json_object_get(row, "shape");
    json_t *offsets = json_object_get(row, "data_offsets");
    entry->name = name;
    if (!dtype || !json_is_array(shape) || json_array_size(offsets) != 2) {
        return fv__fail(error, FV_FORMAT, "%s: tensor '%s': dtype, shape and two data_offsets expected", path, name);
    }
    if (!find_dtype(dtype, &entry->dtype)) {
        return fv__fail(error, FV_FORMAT, "%s: tensor '%s': unknown type '%.20s'", path, name, dtype);
    }
    if (json_array_size(shape) > FV__TENSOR_RANK) {
        return fv__fail(error, FV_FORMAT, "%s: tensor '%s': rank %zu, at most %d can be read", path, name,
                        json_array_size(shape), FV__TENSOR_RANK);
    }
    entry->rank = (int)json_array_size(shape);
    for (int axis = 0; axis < entry->rank; axis++) {
        json_t *size = json_array_get(shape, (size_t)axis);
        if (!json_is_integer(size) || json_integer_value(size) < 0) {
            return fv__fail(error, FV_FORMAT, "%s: tensor '%s': size %d of its shape is not a whole number", path, name,
                            axis);
        }
        entry->shape[axis] = json_integer_value(size);
    }
    json_t *first = json_array_get(offsets, 0);
    json_t *last = json_array_get(offsets, 1);
    json_int_t from = json_integer_value(first);
    json_int_t to = json_integer_value(last);
    if (!json_is_integer(first) || !json_is_integer(last) || from < 0 || to < from || (uint64_t)to > data_size) {
        return fv__fail(error, FV_FORMAT, "%s: tensor '%s': its values lie outside the file (truncated?)", path, name);
    }
    *begin = (size_t)from;
    if (!tensor_bytes(entry, &entry->bytes) || entry->bytes != (size_t)(to - from)) {
        return fv__fail(error, FV_FORMAT, "%s: tensor '%s': its shape does not fit its %lld bytes of %s", path, name,
                        (long long)(to - from), dtype);
    }
    return FV_OK;
}

static int by_place(const void *left, const void *right) {
    const fv__tensor_entry *const *a = left;
    const fv__tensor_entry *const *b = right;
    const char *p = (*a)->data;
    const char *q = (*b)->data;
    // An empty tensor at the same place comes before the one that has bytes there.
    return p != q ? (p > q) - (p < q) : ((*a)->bytes > (*b)->bytes) - ((*a)->bytes < (*b)->bytes);
}

static int by_name(const void *left, const void *right) {
    const fv__tensor_entry *const *a = left;
    const fv__tensor_entry *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

// The values must follow one another without gap or overlap, to the end of the file: else it is torn or forged.
static fv_status check_places(fv__tensor_file *file, const uint8_t *data, size_t data_size, fv_error *error) {
    qsort(file->sorted, file->count, sizeof *file->sorted, by_place);
    const uint8_t *end = data;
    for (size_t i = 0; i < file->count; i++) {
        const fv__tensor_entry *entry = file->sorted[i];
        if ((const uint8_t *)entry->data != end) {
            return fv__fail(error, FV_FORMAT, "%s: tensor '%s': its values %s", file->name, entry->name,
                            (const uint8_t *)entry->data < end ? "overlap those of another tensor"
                                                               : "leave a gap after the tensor before");
        }
        end += entry->bytes;
    }
    if (end != data + data_size) {
        return fv__fail(error, FV_FORMAT, "%s: %zu bytes after the last tensor belong to none", file->name,
                        (size_t)(data + data_size - end));
    }
    return FV_OK;
}

// Values that do not lie at a multiple of their element's size are copied to where they do.
static fv_status align_values(fv__tensor_file *file, fv_error *error) {
    for (size_t i = 0; i < file->count; i++) {
        fv__tensor_entry *entry = &file->entries[i];
        if (entry->bytes > 0 && (uintptr_t)entry->data % fv__dtype_size(entry->dtype) != 0) {
            file->moved[i] = fv__realloc(NULL, entry->bytes);
            if (!file->moved[i]) {
                return fv__fail_memory(error, file->name);
            }
            entry->data = memcpy(file->moved[i], entry->data, entry->bytes);
        }
    }
    return FV_OK;
}

static fv_status parse_metadata(fv__tensor_file *file, json_t *pairs, fv_error *error) {
    const char *key;
    json_t *value;
    file->metadata = fv__alloc_array(json_object_size(pairs), sizeof *file->metadata);
    if (!file->metadata) {
        return fv__fail_memory(error, file->name);
    }
    json_object_foreach(pairs, key, value) {
        if (!json_is_string(value)) {
            return fv__fail(error, FV_FORMAT, "%s: metadata '%s' is not a text", file->name, key);
        }
        file->metadata[file->metadata_count++] = (fv__metadata){key, json_string_value(value)};
    }
    return FV_OK;
}

static fv_status parse_header(fv__tensor_file *file, const uint8_t *data, size_t data_size, fv_error *error) {
    const char *name;
    json_t *row;
    size_t rows = json_object_size(file->header);
    file->entries = fv__alloc_array(rows, sizeof *file->entries);
    file->sorted = fv__alloc_array(rows, sizeof *file->sorted);
    file->moved = fv__alloc_array(rows, sizeof *file->moved);
    if (!file->entries || !file->sorted || !file->moved) {
        return fv__fail_memory(error, file->name);
    }
    json_object_foreach(file->header, name, row) {
        fv_status status;
        if (!json_is_object(row)) {
            return fv__fail(error, FV_FORMAT, "%s: header entry '%s' is not an object", file->name, name);
        }
        if (strcmp(name, "__metadata__") == 0) {
            status = parse_metadata(file, row, error);
        } else {
            size_t begin = 0;
            fv__tensor_entry *entry = &file->entries[file->count];
            status = parse_entry(file, name, row, data_size, &begin, entry, error);
            entry->data = data + begin;
            file->sorted[file->count++] = entry;
        }
        if (status != FV_OK) {
            return status;
        }
    }
    fv_status status = check_places(file, data, data_size, error);
    if (status == FV_OK) {
        status = align_values(file, error);
        qsort(file->sorted, file->count, sizeof *file->sorted, by_name);
    }
    return status;
}

static fv_status parse(fv__tensor_file *file, const uint8_t *bytes, size_t size, fv_error *error) {
    uint64_t length = 0;
    for (size_t i = 0; i < LENGTH_BYTES && i < size; i++) {
        length |= (uint64_t)bytes[i] << 8 * i;
    }
    if (size <= LENGTH_BYTES || length > HEADER_LIMIT || bytes[LENGTH_BYTES] != '{') {
        return fv__fail(error, FV_FORMAT, "%s: not a safetensors file", file->name);
    }
    if (length > size - LENGTH_BYTES) {
        return fv__fail(error, FV_FORMAT, "%s: truncated: a header of %llu bytes expected, %zu present", file->name,
                        (unsigned long long)length, size - LENGTH_BYTES);
    }
    json_error_t problem;
    const char *text = (const char *)bytes + LENGTH_BYTES;
    file->header = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &problem);
    if (!file->header) {
        return json_error_code(&problem) == json_error_out_of_memory
                   ? fv__fail_memory(error, file->name)
                   : fv__fail(error, FV_FORMAT, "%s: not a valid safetensors header: %s", file->name, problem.text);
    }
    return parse_header(file, bytes + LENGTH_BYTES + length, size - LENGTH_BYTES - (size_t)length, error);
}

fv_status fv__safetensors_parse(const void *bytes, size_t size, const char *name, fv__tensor_file **out,
                                fv_error *error) {
    *out = NULL;
    fv__tensor_file *file = fv__alloc(sizeof *file);
    if (!file) {
        return fv__fail_memory(error, name);
    }
    file->name = name;
    fv_status status = parse(file, bytes, size, error);
    file->name = NULL; // the caller's; not needed any more
    if (status != FV_OK) {
        fv__safetensors_close(file);
        return status;
    }
    *out = file;
    return FV_OK;
}

fv_status fv__safetensors_open(const char *path, fv__tensor_file **out, fv_error *error) {
    uint8_t *bytes;
    size_t size;
    *out = NULL;
    fv_status status = fv__file_read(path, 0, &bytes, &size, error);
    if (status != FV_OK) {
        return status;
    }
    status = fv__safetensors_parse(bytes, size, path, out, error);
    if (status != FV_OK) {
        fv__free(bytes);
        return status;
    }
    (*out)->owned = bytes;
    return FV_OK;
}

void fv__safetensors_close(fv__tensor_file *file) {
    if (file) {
        for (size_t i = 0; file->moved && i < file->count; i++) {
            fv__free(file->moved[i]);
        }
        fv__free(file->moved);
        fv__free(file->sorted);
        fv__free(file->entries);
        fv__free(file->metadata);
        json_decref(file->header);
        fv__free(file->owned);
        fv__free(file);
    }
}

size_t fv__safetensors_count(const fv__tensor_file *file) {
    return file->count;
}

const fv__tensor_entry *fv__safetensors_entry(const fv__tensor_file *file, size_t index) {
    return &file->entries[index];
}

const fv__tensor_entry *fv__safetensors_find(const fv__tensor_file *file, const char *name) {
    const fv__tensor_entry wanted = {.name = name};
    const fv__tensor_entry *key = &wanted;
    const fv__tensor_entry **found = bsearch(&key, file->sorted, file->count, sizeof *file->sorted, by_name);
    return found ? *found : NULL;
}

const char *fv__safetensors_metadata(const fv__tensor_file *file, const char *key) {
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

size_t fv__safetensors_metadata_count(const fv__tensor_file *file) {
    return file->metadata_count;
}

fv__metadata fv__safetensors_metadata_entry(const fv__tensor_file *file, size_t index) {
    return file->metadata[index];
}
