// SPDX-License-Identifier: Apache-2.0
#include "formats/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "formats/file.h"
#include "formats/hdf5.h"

fv__weight_array *fv__weights_add(fv__weights *weights, const char *name, int rank, const int64_t *shape,
                                  size_t count) {
    if (!fv__reserve((void **)&weights->arrays, weights->count, &weights->capacity, sizeof *weights->arrays)) {
        return NULL;
    }
    fv__weight_array *array = &weights->arrays[weights->count];
    *array = (fv__weight_array){.name = fv__strdup(name), .rank = rank, .count = count};
    array->values = fv__alloc_array(count, sizeof *array->values);
    if (!array->name || !array->values) {
        fv__free(array->name);
        fv__free(array->values);
        return NULL;
    }
    for (int axis = 0; axis < rank; axis++) {
        array->shape[axis] = shape[axis];
    }
    weights->count++;
    return array;
}

void fv__weights_free(fv__weights *weights) {
    for (int i = 0; i < weights->count; i++) {
        fv__free(weights->arrays[i].name);
        fv__free(weights->arrays[i].other);
        fv__free(weights->arrays[i].mapped);
        fv__free(weights->arrays[i].values);
    }
    fv__free(weights->arrays);
    *weights = (fv__weights){0};
}

fv__weight_shape fv__weight_shape_print(const fv__weight_array *array) {
    fv__weight_shape shape = {"("};
    size_t used = 1;
    for (int axis = 0; axis < array->rank; axis++) {
        used += (size_t)snprintf(shape.text + used, sizeof shape.text - used, "%s%lld", axis ? ", " : "",
                                 (long long)array->shape[axis]);
    }
    snprintf(shape.text + used, sizeof shape.text - used, ")");
    return shape;
}

// --- safetensors

// IEEE 754 half precision: sign, 5 bits of exponent, 10 of mantissa.
static float from_half(uint16_t bits) {
    int exponent = bits >> 10 & 31;
    float mantissa = (float)(bits & 1023) / 1024;
    float magnitude = exponent == 31 ? (mantissa != 0 ? NAN : INFINITY)
                      : exponent     ? ldexpf(1 + mantissa, exponent - 15)
                                     : ldexpf(mantissa, -14);
    return bits >> 15 ? -magnitude : magnitude;
}

// The upper half of a float.
static float from_bfloat(uint16_t bits) {
    uint32_t whole = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &whole, sizeof value);
    return value;
}

static bool is_float(fv__dtype dtype) {
    return dtype == FV__F32 || dtype == FV__F64 || dtype == FV__F16 || dtype == FV__BF16;
}

static void convert(const fv__tensor_entry *entry, float *values, size_t count) {
    const double *doubles = entry->data;
    const uint16_t *halves = entry->data;
    if (entry->dtype == FV__F32) {
        memcpy(values, entry->data, count * sizeof *values);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = entry->dtype == FV__F64   ? (float)doubles[i]
                    : entry->dtype == FV__F16 ? from_half(halves[i])
                                              : from_bfloat(halves[i]);
    }
}

static fv_status read_safetensors(const uint8_t *bytes, size_t size, const char *path, fv__weights *out,
                                  fv_error *error) {
    fv__tensor_file *file;
    fv_status status = fv__safetensors_parse(bytes, size, path, &file, error);
    for (size_t i = 0; !status && i < fv__safetensors_count(file); i++) {
        const fv__tensor_entry *entry = fv__safetensors_entry(file, i);
        size_t count = entry->bytes / fv__dtype_size(entry->dtype);
        if (!is_float(entry->dtype)) { // counters and the like
            continue;
        }
        fv__weight_array *array = fv__weights_add(out, entry->name, entry->rank, entry->shape, count);
        if (array) {
            convert(entry, array->values, count);
        } else {
            status = fv__fail_memory(error, path);
        }
    }
    fv__safetensors_close(file);
    return status;
}

// --- Any file

fv_status fv__weights_read(const char *path, fv__weights *out, fv_error *error) {
    static const char hdf5[] = FV__HDF5_SIGNATURE;
    uint8_t *bytes = NULL;
    size_t size = 0;
    *out = (fv__weights){0};
    fv_status status = fv__file_read(path, 0, &bytes, &size, error);
    if (!status && size >= sizeof hdf5 - 1 && memcmp(bytes, hdf5, sizeof hdf5 - 1) == 0) {
        status = fv__hdf5_read(bytes, size, path, out, error);
    } else if (!status && size > 4 && memcmp(bytes, "PK\3\4", 4) == 0) {
        status = fv__fail(error, FV_FORMAT, "%s: a packed file; of a .keras file unpack model.weights.h5 and give that",
                          path);
    } else if (!status) {
        status = read_safetensors(bytes, size, path, out, error);
        if (status == FV_FORMAT && error && strstr(error->message, "not a safetensors file")) {
            status = fv__fail(error, FV_FORMAT, "%s: neither HDF5 (.h5) nor safetensors", path);
        }
    }
    fv__free(bytes);
    if (!status && out->count == 0) {
        status = fv__fail(error, FV_FORMAT, "%s: holds no weights", path);
    }
    if (status) {
        fv__weights_free(out);
    }
    return status;
}
