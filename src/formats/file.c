// SPDX-License-Identifier: Apache-2.0
#include "formats/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

fv_status fv__fail_file(fv_error *error, const char *path, const char *what, int code) {
    const char *advice = "";
    switch (code) {
    case ENOSPC:
    case EDQUOT:
        advice = " (free some space, or choose another folder)";
        break;
    case EROFS:
    case EACCES:
    case EPERM:
        advice = " (choose a place you have the rights to)";
        break;
    case ENOTDIR:
        advice = " (a part of the path is a file, not a folder)";
        break;
    default:
        break;
    }
    fv_status status = code == ENOENT ? FV_NOT_FOUND : code == ENOMEM ? FV_MEMORY : FV_IO;
    return fv__fail(error, status, "%s: cannot %s: %s%s", path, what, strerror(code), advice);
}

bool fv__file_exists(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
}

bool fv__folder_exists(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

// Reads to the end of the descriptor, growing the block as needed: the size of a pipe is not known before, and a file
// may change while it is read. Leaves errno, EFBIG for too large, ENOMEM for no memory.
static bool read_all(int descriptor, size_t expected, size_t limit, uint8_t **bytes, size_t *size) {
    size_t capacity = expected + 1; // room for the NUL; reading into it also shows that the end is reached
    size_t used = 0;
    uint8_t *block = fv__realloc(NULL, capacity);
    while (block) {
        ssize_t got = read(descriptor, block + used, capacity - used);
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            break;
        }
        if (got == 0) {
            block[used] = 0;
            *bytes = block;
            *size = used;
            return true;
        }
        used += (size_t)got;
        if (limit && used > limit) {
            errno = EFBIG;
            break;
        }
        if (used == capacity) {
            capacity = used + used / 2 + 4096;
            uint8_t *grown = fv__realloc(block, capacity);
            if (!grown) {
                errno = ENOMEM;
                break;
            }
            block = grown;
        }
    }
    if (!block) {
        errno = ENOMEM;
    }
    int code = errno; // releasing may change it
    fv__free(block);
    errno = code;
    return false;
}

fv_status fv__file_read(const char *path, size_t limit, uint8_t **bytes, size_t *size, fv_error *error) {
    *bytes = NULL;
    *size = 0;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return fv__fail_file(error, path, "open", errno);
    }
    struct stat about;
    fv_status status = FV_OK;
    size_t expected = fstat(descriptor, &about) == 0 && about.st_size > 0 ? (size_t)about.st_size : 0;
    if (limit && expected > limit) {
        status = fv__fail(error, FV_FORMAT, "%s: %zu bytes, more than the %zu expected at most", path, expected, limit);
    } else if (!read_all(descriptor, expected, limit, bytes, size)) {
        status = errno == EFBIG
                     ? fv__fail(error, FV_FORMAT, "%s: more than the %zu bytes expected at most", path, limit)
                     : fv__fail_file(error, path, "read", errno);
    }
    close(descriptor);
    return status;
}

fv_status fv__make_folders(const char *path, fv_error *error) {
    char *part = fv__strdup(path);
    if (!part) {
        return fv__fail_memory(error, path);
    }
    fv_status status = FV_OK;
    size_t length = strlen(part);
    for (size_t end = 1; end <= length && status == FV_OK; end++) {
        if (part[end] != '/' && part[end] != 0) {
            continue;
        }
        char kept = part[end];
        part[end] = 0;
        int code = mkdir(part, 0777) == 0 ? 0 : errno;
        if (code && !fv__folder_exists(part)) {
            status = fv__fail_file(error, part, "make the folder", code == EEXIST ? ENOTDIR : code);
        }
        part[end] = kept;
    }
    fv__free(part);
    return status;
}

// Whether nobody else has it. File systems without locks must do without.
static bool lock(int descriptor) {
    return flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

int fv__open_locked_folder(const char *path) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0 && !lock(descriptor)) {
        close(descriptor);
        errno = EWOULDBLOCK;
        descriptor = -1;
    }
    return descriptor;
}

int fv__open_locked(const char *path) {
    for (;;) {
        int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (descriptor < 0) {
            return -1;
        }
        bool locked = lock(descriptor);
        struct stat ours, named;
        // Whoever had it until now may have renamed it: then what is locked here is no longer what the path means.
        bool same = fstat(descriptor, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
                    ours.st_dev == named.st_dev;
        if (locked && same) {
            return descriptor;
        }
        close(descriptor);
        if (!locked) {
            errno = EWOULDBLOCK;
            return -1;
        }
    }
}

void fv__sync_folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = slash == path ? fv__strdup("/")
                   : slash       ? fv__strndup(path, (size_t)(slash - path))
                                 : fv__strdup(".");
    if (!folder) {
        return; // the rename has happened; only its survival of a power cut is less certain
    }
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        fsync(descriptor);
        close(descriptor);
    }
    fv__free(folder);
}
