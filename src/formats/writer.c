// SPDX-License-Identifier: Apache-2.0
// Files that appear whole: PATH.tmp is written, synced and renamed to PATH. The temporary's name is fixed and it is
// locked, so that one left by a killed process is taken over by the next write and does not stay for ever.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "formats/file.h"

struct fv__writer {
    char *path;
    char *temporary; // NULL when the target is a device or a pipe: there is nothing to rename there
    int descriptor;
    int failed; // errno of the first failure
    size_t used;
    uint8_t buffer[1 << 16];
};

static void release(fv__writer *writer) {
    if (writer->descriptor >= 0) {
        close(writer->descriptor);
    }
    fv__free(writer->temporary);
    fv__free(writer->path);
    fv__free(writer);
}

fv_status fv__writer_open(const char *path, fv__writer **out, fv_error *error) {
    *out = NULL;
    struct stat about;
    bool there = stat(path, &about) == 0;
    if (there && S_ISDIR(about.st_mode)) {
        return fv__fail_file(error, path, "write", EISDIR);
    }
    fv__writer *writer = fv__alloc(sizeof *writer);
    if (!writer) {
        return fv__fail_memory(error, path);
    }
    writer->descriptor = -1;
    writer->path = fv__strdup(path);
    bool direct = there && !S_ISREG(about.st_mode);
    writer->temporary = direct ? NULL : fv__format("%s.tmp", path);
    fv_status status = FV_OK;
    if (!writer->path || (!direct && !writer->temporary)) {
        status = fv__fail_memory(error, path);
    } else {
        writer->descriptor = direct ? open(path, O_WRONLY | O_CLOEXEC) : fv__open_locked(writer->temporary);
        if (writer->descriptor < 0) {
            status = errno == EWOULDBLOCK
                         ? fv__fail(error, FV_IO, "%s: another process is writing this file; try again when it is done",
                                    path)
                         : fv__fail_file(error, path, "write", errno);
        } else if (!direct && ftruncate(writer->descriptor, 0) != 0) {
            status = fv__fail_file(error, path, "write", errno);
        }
    }
    if (status != FV_OK) {
        release(writer);
        return status;
    }
    *out = writer;
    return FV_OK;
}

static void write_all(fv__writer *writer, const uint8_t *bytes, size_t size) {
    while (size > 0 && !writer->failed) {
        ssize_t done = write(writer->descriptor, bytes, size);
        if (done >= 0) {
            bytes += done;
            size -= (size_t)done;
        } else if (errno != EINTR) {
            writer->failed = errno;
        }
    }
}

static void flush(fv__writer *writer) {
    write_all(writer, writer->buffer, writer->used);
    writer->used = 0;
}

fv_status fv__writer_append(fv__writer *writer, const void *bytes, size_t size, fv_error *error) {
    if (size > sizeof writer->buffer - writer->used) {
        flush(writer);
    }
    if (size > sizeof writer->buffer) {
        write_all(writer, bytes, size);
    } else if (size > 0) {
        memcpy(writer->buffer + writer->used, bytes, size);
        writer->used += size;
    }
    return writer->failed ? fv__fail_file(error, writer->path, "write", writer->failed) : FV_OK;
}

fv_status fv__writer_print(fv__writer *writer, fv_error *error, const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length < sizeof line) {
        return fv__writer_append(writer, line, length < 0 ? 0 : (size_t)length, error);
    }
    char *text = fv__alloc((size_t)length + 1);
    if (!text) {
        writer->failed = writer->failed ? writer->failed : ENOMEM;
        return fv__fail_memory(error, writer->path);
    }
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    fv_status status = fv__writer_append(writer, text, (size_t)length, error);
    fv__free(text);
    return status;
}

fv_status fv__writer_commit(fv__writer *writer, fv_error *error) {
    flush(writer);
    // A device or pipe cannot be synced (EINVAL, EROFS); that is no failure.
    if (!writer->failed && writer->temporary && fsync(writer->descriptor) != 0) {
        writer->failed = errno;
    }
    if (!writer->failed && writer->temporary && rename(writer->temporary, writer->path) != 0) {
        writer->failed = errno;
    }
    if (writer->failed) {
        fv_status status = fv__fail_file(error, writer->path, "write", writer->failed);
        fv__writer_abandon(writer);
        return status;
    }
    if (writer->temporary) {
        fv__sync_folder_of(writer->path);
    }
    release(writer);
    return FV_OK;
}

void fv__writer_abandon(fv__writer *writer) {
    if (writer) {
        if (writer->temporary) {
            unlink(writer->temporary);
        }
        release(writer);
    }
}

fv_status fv__file_write(const char *path, const void *bytes, size_t size, fv_error *error) {
    fv__writer *writer = NULL;
    fv_status status = fv__writer_open(path, &writer, error);
    if (status != FV_OK) {
        return status;
    }
    fv__writer_append(writer, bytes, size, NULL); // the commit tells
    return fv__writer_commit(writer, error);
}
