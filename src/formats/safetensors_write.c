// SPDX-License-Identifier: Apache-2.0
// Writing safetensors. The header is padded with spaces so that the values begin at a multiple of 64 bytes.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/file.h"
#include "formats/safetensors.h"

// The bytes of a tensor from its shape; tells what is wrong with one that cannot be written.
static fv_status measure(const char *path, const fv__tensor_entry *entry, size_t *bytes, fv_error *error) {
    if (entry->rank < 0 || entry->rank > FV__TENSOR_RANK) {
        return fv__fail(error, FV_INVALID, "%s: tensor '%s': rank %d, at most %d can be written", path, entry->name,
                        entry->rank, FV__TENSOR_RANK);
    }
    *bytes = fv__dtype_size(entry->dtype);
    for (int axis = 0; axis < entry->rank; axis++) {
        if (entry->shape[axis] < 0 || __builtin_mul_overflow(*bytes, (size_t)entry->shape[axis], bytes)) {
            return fv__fail(error, FV_INVALID, "%s: tensor '%s': size %d of its shape is %lld", path, entry->name, axis,
                            (long long)entry->shape[axis]);
        }
    }
    return FV_OK;
}

// Adds `value` (taken over, may be NULL for out of memory) under a key that must be new.
static fv_status add(const char *path, json_t *object, const char *key, json_t *value, fv_error *error) {
    if (json_object_get(object, key)) {
        json_decref(value);
        return fv__fail(error, FV_INVALID, "%s: '%s' is there twice", path, key);
    }
    if (!value || json_object_set_new(object, key, value) != 0) {
        return fv__fail(error, FV_INVALID, "%s: '%s' is not UTF-8 text (or there is no memory)", path, key);
    }
    return FV_OK;
}

static json_t *describe(const fv__tensor_entry *entry, size_t begin, size_t bytes) {
    json_t *shape = json_array();
    for (int axis = 0; shape && axis < entry->rank; axis++) {
        if (json_array_append_new(shape, json_integer(entry->shape[axis])) != 0) {
            json_decref(shape);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", fv__dtype_name(entry->dtype), "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)begin + (json_int_t)bytes);
}

static fv_status make_header(const char *path, const fv__tensor_entry *entries, size_t count, const fv__metadata *pairs,
                             size_t pair_count, json_t **out, fv_error *error) {
    fv_status status = FV_OK;
    json_t *header = json_object();
    json_t *metadata = json_object();
    for (size_t i = 0; i < pair_count && status == FV_OK; i++) {
        status = add(path, metadata, pairs[i].key, json_string(pairs[i].value), error);
    }
    if (status == FV_OK && pair_count > 0) {
        status = add(path, header, "__metadata__", json_incref(metadata), error);
    }
    size_t begin = 0;
    for (size_t i = 0; i < count && status == FV_OK; i++) {
        size_t bytes = 0;
        status = measure(path, &entries[i], &bytes, error);
        if (status == FV_OK) {
            status = add(path, header, entries[i].name, describe(&entries[i], begin, bytes), error);
        }
        if (__builtin_add_overflow(begin, bytes, &begin)) {
            status = fv__fail(error, FV_INVALID, "%s: the tensors are too large together", path);
        }
    }
    json_decref(metadata);
    if (status != FV_OK) {
        json_decref(header);
        header = NULL;
    }
    *out = header;
    return status;
}

// Where the bytes go: a file or memory. A failure is remembered there.
typedef void sink(void *to, const void *bytes, size_t size);

static void to_file(void *to, const void *bytes, size_t size) {
    fv__writer_append(to, bytes, size, NULL);
}

static void to_memory(void *to, const void *bytes, size_t size) {
    fv__text_add_bytes(to, bytes, size);
}

static void write_all(sink *put, void *to, const char *header, const fv__tensor_entry *entries, size_t count) {
    static const char spaces[64] = "                                                               ";
    const size_t length = strlen(header), padding = (64 - (8 + length) % 64) % 64;
    const uint64_t total = length + padding;
    uint8_t prefix[8];
    for (int i = 0; i < 8; i++) {
        prefix[i] = (uint8_t)(total >> 8 * i);
    }
    put(to, prefix, sizeof prefix);
    put(to, header, length);
    put(to, spaces, padding);
    for (size_t i = 0; i < count; i++) {
        size_t bytes = 0;
        measure("", &entries[i], &bytes, NULL);
        put(to, entries[i].data, bytes);
    }
}

static fv_status make_text(const char *name, const fv__tensor_entry *entries, size_t count, const fv__metadata *pairs,
                           size_t pair_count, char **text, fv_error *error) {
    json_t *header;
    FV__TRY(make_header(name, entries, count, pairs, pair_count, &header, error));
    *text = json_dumps(header, JSON_COMPACT);
    json_decref(header);
    return *text ? FV_OK : fv__fail_memory(error, name);
}

fv_status fv__safetensors_write(const char *path, const fv__tensor_entry *entries, size_t count,
                                const fv__metadata *pairs, size_t pair_count, fv_error *error) {
    fv__writer *writer;
    char *text = NULL;
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(make_text(path, entries, count, pairs, pair_count, &text, error));
    FV__TRY_OR_DONE(fv__writer_open(path, &writer, error));
    write_all(to_file, writer, text, entries, count);
    FV__TRY_OR_DONE(fv__writer_commit(writer, error));
done:
    free(text);
    return status;
}

fv_status fv__safetensors_emit(const fv__tensor_entry *entries, size_t count, const fv__metadata *pairs,
                               size_t pair_count, fv__text *out, fv_error *error) {
    char *text;
    FV__TRY(make_text("memory", entries, count, pairs, pair_count, &text, error));
    write_all(to_memory, out, text, entries, count);
    free(text);
    return out->failed ? fv__fail_memory(error, "the tensors") : FV_OK;
}
