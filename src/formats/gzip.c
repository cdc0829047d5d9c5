// SPDX-License-Identifier: Apache-2.0
#include "formats/gzip.h"

#include <limits.h>
#include <zlib.h>

#include "base/memory.h"

struct fv__gzip {
    z_stream stream;
    const uint8_t *next; // what the stream has not been given yet: its counters are 32 bits wide
    size_t left;
    bool ended;
    char *name;
};

bool fv__gzip_is(const void *bytes, size_t size) {
    const uint8_t *start = bytes;
    return size >= 2 && start[0] == 0x1f && start[1] == 0x8b;
}

static void *allocate(void *unused, unsigned count, unsigned size) {
    (void)unused;
    return fv__alloc_array(count, size);
}

static void release(void *unused, void *block) {
    (void)unused;
    fv__free(block);
}

fv_status fv__gzip_open(const void *bytes, size_t size, const char *name, fv__gzip **out, fv_error *error) {
    *out = NULL;
    fv__gzip *gzip = fv__alloc(sizeof *gzip);
    if (!gzip) {
        return fv__fail_memory(error, name);
    }
    gzip->next = bytes;
    gzip->left = size;
    gzip->stream.zalloc = allocate;
    gzip->stream.zfree = release;
    gzip->name = fv__strdup(name);
    enum { GZIP_ONLY = 16 }; // added to the window size: zlib's way of saying so
    if (!gzip->name || inflateInit2(&gzip->stream, GZIP_ONLY + MAX_WBITS) != Z_OK) {
        fv__free(gzip->name);
        fv__free(gzip);
        return fv__fail_memory(error, name);
    }
    *out = gzip;
    return FV_OK;
}

// Gives the stream its next piece of input.
static void feed(fv__gzip *gzip) {
    z_stream *stream = &gzip->stream;
    if (stream->avail_in == 0 && gzip->left > 0) {
        unsigned piece = gzip->left > UINT_MAX ? UINT_MAX : (unsigned)gzip->left;
        stream->next_in = (Bytef *)(uintptr_t)gzip->next; // zlib's interface lacks a const
        stream->avail_in = piece;
        gzip->next += piece;
        gzip->left -= piece;
    }
}

fv_status fv__gzip_read(fv__gzip *gzip, void *target, size_t wanted, size_t *got, fv_error *error) {
    z_stream *stream = &gzip->stream;
    uint8_t *out = target;
    *got = 0;
    while (*got < wanted && !gzip->ended) {
        feed(gzip);
        unsigned room = wanted - *got > UINT_MAX ? UINT_MAX : (unsigned)(wanted - *got);
        stream->next_out = out + *got;
        stream->avail_out = room;
        int result = inflate(stream, Z_NO_FLUSH);
        *got += room - stream->avail_out;
        if (result == Z_STREAM_END) {
            feed(gzip);
            // Another gzip member may follow; anything else after the end is padding, which gzip ignores too.
            gzip->ended = !fv__gzip_is(stream->next_in, stream->avail_in) || inflateReset(stream) != Z_OK;
        } else if (result == Z_MEM_ERROR) {
            return fv__fail_memory(error, gzip->name);
        } else if (result == Z_BUF_ERROR ||
                   (result == Z_OK && stream->avail_in == 0 && gzip->left == 0 && stream->avail_out > 0)) {
            return fv__fail(error, FV_FORMAT, "%s: the gzip file ends in the middle", gzip->name);
        } else if (result != Z_OK) {
            return fv__fail(error, FV_FORMAT, "%s: the gzip file is damaged (%s)", gzip->name,
                            stream->msg ? stream->msg : "not in gzip format");
        }
    }
    return FV_OK;
}

void fv__gzip_close(fv__gzip *gzip) {
    if (gzip) {
        inflateEnd(&gzip->stream);
        fv__free(gzip->name);
        fv__free(gzip);
    }
}
