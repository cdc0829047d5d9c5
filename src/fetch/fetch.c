// SPDX-License-Identifier: Apache-2.0
#include "fetch/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "fetch/transfer.h"
#include "formats/file.h"
#include "formats/sha256.h"

// Waits for another process that downloads the same file. The lock is on the part itself: one left by a process that
// died is free at once.
static fv_status lock_part(const char *url, const char *part, const fv__fetch_options *options, int *descriptor,
                           fv_error *error) {
    for (;;) {
        *descriptor = fv__open_locked(part);
        if (*descriptor >= 0) {
            return FV_OK;
        }
        if (errno != EWOULDBLOCK) {
            return fv__fail_file(error, part, "write", errno);
        }
        if (!fv__emit(options->on_event, options->context, &(fv_event){.kind = FV_EVENT_WORK, .message = url})) {
            return fv__fail(error, FV_INTERRUPTED, "%s: stopped while another process downloads it", url);
        }
        nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
    }
}

static fv_status check_part(const char *url, const char *part, const fv__fetch_options *options, fv_error *error) {
    fv_status status = FV_OK;
    if (options->sha256) {
        char sum[FV__SHA256_TEXT];
        status = fv__sha256_file(part, sum, error);
        if (status == FV_OK && strcasecmp(sum, options->sha256) != 0) {
            status = fv__fail(error, FV_FORMAT,
                              "%s: the download is not the file expected and was removed: SHA-256 is %s, should be %s",
                              url, sum, options->sha256);
        }
    }
    if (status == FV_OK && options->check) {
        status = options->check(options->check_context, part, error);
    }
    return status;
}

static uint64_t size_of(int descriptor) {
    struct stat about;
    return fstat(descriptor, &about) == 0 && about.st_size > 0 ? (uint64_t)about.st_size : 0;
}

// Downloads into the part and checks it. A part from an earlier time may turn out to be of another version of the file:
// then once more, from the start.
static fv_status fill_part(const char *url, const char *part, int descriptor, const fv__fetch_options *options,
                           fv_error *error) {
    for (;;) {
        uint64_t present = size_of(descriptor);
        bool resumed = false;
        fv_status status = fv__transfer(url, descriptor, present, options, &resumed, error);
        if (status == FV_OK) {
            status = check_part(url, part, options, error);
        }
        if (status != FV_FORMAT) {
            return status;
        }
        if (ftruncate(descriptor, 0) != 0) {
            return fv__fail_file(error, part, "write", errno);
        }
        if (!resumed) {
            return status;
        }
    }
}

static fv_status fetch_locked(const char *url, const char *path, const char *part, int descriptor,
                              const fv__fetch_options *options, fv_error *error) {
    fv_status status = FV_OK;
    bool there = fv__file_exists(path); // another process may have finished it while this one waited
    if (!there) {
        status = fill_part(url, part, descriptor, options, error);
        if (status == FV_OK && fsync(descriptor) != 0) {
            status = fv__fail_file(error, part, "write", errno);
        }
        if (status == FV_OK && rename(part, path) != 0) {
            status = fv__fail_file(error, path, "write", errno);
        }
        if (status == FV_OK) {
            fv__sync_folder_of(path);
            return FV_OK;
        }
    }
    if (there || size_of(descriptor) == 0) {
        unlink(part); // nothing in it to continue from
    }
    return status;
}

fv_status fv__fetch(const char *url, const char *path, const fv__fetch_options *options, fv_error *error) {
    static const fv__fetch_options defaults;
    options = options ? options : &defaults;
    if (fv__file_exists(path)) {
        return FV_OK;
    }
    const char *slash = strrchr(path, '/');
    char *folder = slash && slash > path ? fv__strndup(path, (size_t)(slash - path)) : fv__strdup(".");
    char *part = fv__format("%s.part", path);
    int descriptor = -1;
    fv_status status = folder && part ? fv__make_folders(folder, error) : fv__fail_memory(error, path);
    if (status == FV_OK) {
        status = lock_part(url, part, options, &descriptor, error);
    }
    if (status == FV_OK) {
        status = fetch_locked(url, path, part, descriptor, options, error);
        close(descriptor);
    }
    fv__free(part);
    fv__free(folder);
    return status;
}
