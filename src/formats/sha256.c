// SPDX-License-Identifier: Apache-2.0
#include "formats/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "formats/file.h"
#include "formats/gzip.h"

_Static_assert(sizeof(SHA2_CTX) <= sizeof(fv__sha256), "libmd's state fits");
_Static_assert(SHA256_DIGEST_STRING_LENGTH == FV__SHA256_TEXT, "so does its text");

static SHA2_CTX *context(fv__sha256 *sum) {
    return (SHA2_CTX *)(void *)sum->state;
}

void fv__sha256_start(fv__sha256 *sum) {
    SHA256Init(context(sum));
}

void fv__sha256_add(fv__sha256 *sum, const void *bytes, size_t size) {
    if (size > 0) {
        SHA256Update(context(sum), bytes, size);
    }
}

void fv__sha256_end(fv__sha256 *sum, char text[FV__SHA256_TEXT]) {
    SHA256End(context(sum), text);
}

void fv__sha256_memory(const void *bytes, size_t size, char text[FV__SHA256_TEXT]) {
    fv__sha256 sum;
    fv__sha256_start(&sum);
    fv__sha256_add(&sum, bytes, size);
    fv__sha256_end(&sum, text);
}

fv_status fv__sha256_file(const char *path, char text[FV__SHA256_TEXT], fv_error *error) {
    enum { PIECE = 1 << 16 };
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return fv__fail_file(error, path, "open", errno);
    }
    fv_status status = FV_OK;
    fv__sha256 sum;
    fv__sha256_start(&sum);
    uint8_t *piece = fv__alloc(PIECE);
    if (!piece) {
        status = fv__fail_memory(error, path);
        goto end;
    }
    for (;;) {
        ssize_t got = read(descriptor, piece, PIECE);
        if (got > 0) {
            fv__sha256_add(&sum, piece, (size_t)got);
        } else if (got == 0) {
            break;
        } else if (errno != EINTR) {
            status = fv__fail_file(error, path, "read", errno);
            goto end;
        }
    }
    fv__sha256_end(&sum, text);
end:
    fv__free(piece);
    close(descriptor);
    return status;
}

fv_status fv__sha256_unpacked_file(const char *path, char text[FV__SHA256_TEXT], fv_error *error) {
    enum { PIECE = 1 << 16 };
    fv__gzip *gzip = NULL;
    uint8_t *piece = NULL;
    uint8_t *bytes;
    size_t size;
    fv_status status = fv__file_read(path, 0, &bytes, &size, error);
    if (status != FV_OK) {
        return status;
    }
    if (!fv__gzip_is(bytes, size)) {
        fv__sha256_memory(bytes, size, text);
        goto end;
    }
    piece = fv__alloc(PIECE);
    status = piece ? fv__gzip_open(bytes, size, path, &gzip, error) : fv__fail_memory(error, path);
    fv__sha256 sum;
    fv__sha256_start(&sum);
    size_t got = PIECE;
    while (status == FV_OK && got == PIECE) {
        status = fv__gzip_read(gzip, piece, PIECE, &got, error);
        fv__sha256_add(&sum, piece, got);
    }
    fv__sha256_end(&sum, text);
end:
    fv__gzip_close(gzip);
    fv__free(piece);
    fv__free(bytes);
    return status;
}
