// SPDX-License-Identifier: Apache-2.0
#include "formats/idx.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "formats/file.h"
#include "formats/gzip.h"

// The values are in one of three places: a plain file, plain bytes, or a gzip stream unpacked step by step.
struct fv__idx {
    char *name;
    int rank;
    size_t shape[FV__IDX_RANK];
    size_t header, bytes;

    int descriptor;        // of a plain file, else -1
    const uint8_t *memory; // plain bytes with the header, else NULL

    fv__gzip *gzip;  // NULL also when all is unpacked
    uint8_t *packed; // the gzip file, when this owns it
    uint8_t *values; // (bytes), unpacked up to `ready`
    atomic_size_t ready;
    bool broken;          // unpacking failed
    pthread_mutex_t lock; // held to unpack more
};

enum {
    HEADER_LIMIT = 4 + 4 * FV__IDX_RANK,
    UNPACK_STEP = 1 << 16,
    DEFLATE_RATIO = 1032, // deflate cannot pack tighter: 258 bytes in two bits
};

const size_t *fv__idx_shape(const fv__idx *idx) {
    return idx->shape;
}

size_t fv__idx_bytes(const fv__idx *idx) {
    return idx->bytes;
}

void fv__idx_close(fv__idx *idx) {
    if (!idx) {
        return;
    }
    if (idx->descriptor >= 0) {
        close(idx->descriptor);
    }
    fv__gzip_close(idx->gzip);
    pthread_mutex_destroy(&idx->lock);
    fv__free(idx->packed);
    fv__free(idx->values);
    fv__free(idx->name);
    fv__free(idx);
}

static fv__idx *create(const char *name, int rank) {
    fv__idx *idx = fv__alloc(sizeof *idx);
    if (idx) {
        idx->descriptor = -1;
        idx->rank = rank;
        idx->header = 4 + 4 * (size_t)rank;
        pthread_mutex_init(&idx->lock, NULL);
        idx->name = fv__strdup(name);
        if (!idx->name) {
            fv__idx_close(idx);
            return NULL;
        }
    }
    return idx;
}

// Reads shape and size from the first bytes, of which there are `size` (at least 4 + 4*rank in a good file).
static fv_status parse_header(fv__idx *idx, const uint8_t *bytes, size_t size, fv_error *error) {
    if (size < 4) {
        return fv__fail(error, FV_FORMAT, "%s: truncated: an IDX header of %zu bytes expected, %zu present", idx->name,
                        idx->header, size);
    }
    if (bytes[0] != 0 || bytes[1] != 0 || bytes[2] != 0x08 || bytes[3] != idx->rank) {
        const char *hint = bytes[0] == '<'                  ? "; this looks like a web page"
                           : bytes[0] != 0 || bytes[1] != 0 ? "; this is not an IDX file"
                           : bytes[2] != 0x08               ? "; only values of one byte (type 08) can be read"
                           : bytes[3] == 1                  ? "; these are labels, not images"
                           : bytes[3] == 3                  ? "; these are images, not labels"
                                                            : "; the rank is not what is needed here";
        return fv__fail(error, FV_FORMAT, "%s: wrong magic %02x %02x %02x %02x, expected 00 00 08 %02x%s", idx->name,
                        bytes[0], bytes[1], bytes[2], bytes[3], (unsigned)idx->rank, hint);
    }
    if (size < idx->header) {
        return fv__fail(error, FV_FORMAT, "%s: truncated: an IDX header of %zu bytes expected, %zu present", idx->name,
                        idx->header, size);
    }
    idx->bytes = 1;
    for (int axis = 0; axis < idx->rank; axis++) {
        const uint8_t *at = bytes + 4 + 4 * axis;
        idx->shape[axis] = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
        // A quarter of the address space, so that adding the header cannot overflow.
        if (__builtin_mul_overflow(idx->bytes, idx->shape[axis], &idx->bytes) || idx->bytes > SIZE_MAX / 4) {
            return fv__fail(error, FV_FORMAT, "%s: the header promises more values than a file can hold", idx->name);
        }
    }
    return FV_OK;
}

static fv_status check_size(const fv__idx *idx, size_t present, fv_error *error) {
    size_t expected = idx->header + idx->bytes;
    if (present < expected) {
        return fv__fail(error, FV_FORMAT, "%s: truncated: %zu bytes expected, %zu present; get the file again",
                        idx->name, expected, present);
    }
    if (present > expected) {
        return fv__fail(error, FV_FORMAT, "%s: %zu bytes expected from its header, but there are more", idx->name,
                        expected);
    }
    return FV_OK;
}

// Reads the stream on to `end` values and, at the very end, to its own end, which checks its sum. *present counts the
// bytes of the file seen so far.
static fv_status unpack_to(fv__idx *idx, size_t end, size_t *present, fv_error *error) {
    size_t got = 0;
    fv_status status = fv__gzip_read(idx->gzip, idx->values + idx->ready, end - idx->ready, &got, error);
    *present = idx->header + idx->ready + got;
    if (status != FV_OK || *present < idx->header + end || end < idx->bytes) {
        return status;
    }
    uint8_t extra;
    status = fv__gzip_read(idx->gzip, &extra, 1, &got, error);
    *present += got;
    return status;
}

// Unpacks until `end` values are there. A file found broken stays so.
static fv_status unpack(fv__idx *idx, size_t end, fv_error *error) {
    if (idx->broken) {
        return fv__fail(error, FV_FORMAT, "%s: the gzip file is damaged; get the file again", idx->name);
    }
    size_t present;
    size_t expected = idx->header + idx->bytes;
    fv_error inner;
    fv_status status = unpack_to(idx, end, &present, &inner);
    if (status == FV_MEMORY) {
        return fv__fail_memory(error, idx->name);
    }
    if (status != FV_OK) {
        idx->broken = true;
        return fv__fail(error, status, "%s: %zu bytes expected, %zu present; get the file again", inner.message,
                        expected, present);
    }
    if (present < idx->header + end || present > expected) {
        idx->broken = true;
        return check_size(idx, present, error);
    }
    atomic_store_explicit(&idx->ready, end, memory_order_release);
    if (end == idx->bytes) { // nothing more to unpack
        fv__gzip_close(idx->gzip);
        idx->gzip = NULL;
        fv__free(idx->packed);
        idx->packed = NULL;
    }
    return FV_OK;
}

static fv_status open_packed(fv__idx *idx, const uint8_t *bytes, size_t size, fv_error *error) {
    uint8_t header[HEADER_LIMIT];
    size_t got = 0;
    fv_status status = fv__gzip_open(bytes, size, idx->name, &idx->gzip, error);
    if (status == FV_OK) {
        status = fv__gzip_read(idx->gzip, header, idx->header, &got, error);
    }
    if (status == FV_OK) {
        status = parse_header(idx, header, got, error);
    }
    if (status != FV_OK) {
        return status;
    }
    if (idx->bytes / DEFLATE_RATIO > size) { // before believing it with an allocation
        return fv__fail(error, FV_FORMAT, "%s: truncated: %zu bytes expected, which a gzip file of %zu cannot hold",
                        idx->name, idx->header + idx->bytes, size);
    }
    idx->values = fv__realloc(NULL, idx->bytes + 1); // not cleared: pages are touched only as they are filled
    if (!idx->values) {
        return fv__fail_memory(error, idx->name);
    }
    // The last four bytes of a gzip file are the size of its content. Where they do not fit, the file is cut or is made
    // of several parts: then only unpacking it shows what it has.
    const uint8_t *tail = bytes + size - 4;
    uint32_t content = (uint32_t)tail[0] | (uint32_t)tail[1] << 8 | (uint32_t)tail[2] << 16 | (uint32_t)tail[3] << 24;
    return content == (uint32_t)(idx->header + idx->bytes) ? FV_OK : unpack(idx, idx->bytes, error);
}

fv_status fv__idx_parse(const void *bytes, size_t size, const char *name, int rank, fv__idx **out, fv_error *error) {
    *out = NULL;
    if (rank < 1 || rank > FV__IDX_RANK) {
        return fv__fail(error, FV_INVALID, "%s: IDX of rank %d; 1 to %d can be read", name, rank, FV__IDX_RANK);
    }
    fv__idx *idx = create(name, rank);
    if (!idx) {
        return fv__fail_memory(error, name);
    }
    fv_status status;
    if (fv__gzip_is(bytes, size)) {
        status = open_packed(idx, bytes, size, error);
    } else {
        idx->memory = bytes;
        status = parse_header(idx, bytes, size, error);
        if (status == FV_OK) {
            status = check_size(idx, size, error);
        }
    }
    if (status != FV_OK) {
        fv__idx_close(idx);
        return status;
    }
    *out = idx;
    return FV_OK;
}

// Reads `size` bytes at `offset`; fewer only at the end of the file. -1 with errno on failure.
static ssize_t read_at(int descriptor, void *target, size_t size, size_t offset) {
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(descriptor, (uint8_t *)target + done, size - done, (off_t)(offset + done));
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return -1;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)done;
}

static fv_status open_plain(fv__idx *idx, fv_error *error) {
    uint8_t header[HEADER_LIMIT];
    struct stat about;
    ssize_t got = read_at(idx->descriptor, header, idx->header, 0);
    if (got < 0 || fstat(idx->descriptor, &about) != 0) {
        return fv__fail_file(error, idx->name, "read", errno);
    }
    fv_status status = parse_header(idx, header, (size_t)got, error);
    return status == FV_OK ? check_size(idx, (size_t)about.st_size, error) : status;
}

fv_status fv__idx_open(const char *path, int rank, fv__idx **out, fv_error *error) {
    *out = NULL;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return fv__fail_file(error, path, "open", errno);
    }
    uint8_t magic[2];
    ssize_t got = read_at(descriptor, magic, sizeof magic, 0);
    fv__idx *idx = NULL;
    fv_status status;
    if (got >= 0 && fv__gzip_is(magic, (size_t)got)) {
        uint8_t *packed;
        size_t size;
        status = fv__file_read(path, 0, &packed, &size, error);
        if (status == FV_OK) {
            status = fv__idx_parse(packed, size, path, rank, &idx, error);
            if (idx && idx->gzip) {
                idx->packed = packed;
            } else {
                fv__free(packed);
            }
        }
        close(descriptor);
    } else {
        idx = rank < 1 || rank > FV__IDX_RANK ? NULL : create(path, rank);
        if (!idx) {
            close(descriptor);
            return fv__fail_memory(error, path);
        }
        idx->descriptor = descriptor;
        status = open_plain(idx, error);
    }
    if (status != FV_OK) {
        fv__idx_close(idx);
        return status;
    }
    *out = idx;
    return FV_OK;
}

static fv_status read_packed(fv__idx *idx, size_t offset, size_t size, uint8_t *target, fv_error *error) {
    fv_status status = FV_OK;
    size_t end = offset + size;
    if (atomic_load_explicit(&idx->ready, memory_order_acquire) < end) {
        pthread_mutex_lock(&idx->lock);
        if (atomic_load_explicit(&idx->ready, memory_order_relaxed) < end) {
            size_t step = (end + UNPACK_STEP - 1) / UNPACK_STEP * UNPACK_STEP;
            status = unpack(idx, step < idx->bytes ? step : idx->bytes, error);
        }
        pthread_mutex_unlock(&idx->lock);
    }
    if (status == FV_OK && size > 0) {
        memcpy(target, idx->values + offset, size);
    }
    return status;
}

fv_status fv__idx_read(fv__idx *idx, size_t offset, size_t size, uint8_t *target, fv_error *error) {
    if (offset > idx->bytes || size > idx->bytes - offset) {
        return fv__fail(error, FV_INVALID, "%s: bytes %zu to %zu of %zu asked for", idx->name, offset, offset + size,
                        idx->bytes);
    }
    if (idx->values) {
        return read_packed(idx, offset, size, target, error);
    }
    if (idx->memory) {
        if (size > 0) {
            memcpy(target, idx->memory + idx->header + offset, size);
        }
        return FV_OK;
    }
    ssize_t got = read_at(idx->descriptor, target, size, idx->header + offset);
    if (got < 0) {
        return fv__fail_file(error, idx->name, "read", errno);
    }
    return (size_t)got == size ? FV_OK : fv__fail(error, FV_IO, "%s: the file became shorter while in use", idx->name);
}
