// SPDX-License-Identifier: Apache-2.0
#include "data/unpack.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "fetch/cache.h"
#include "formats/archive.h"
#include "formats/file.h"
#include "formats/sha256.h"

enum { MOST_FILES = 4000000, TIMES = 50, PIECE = 1 << 16 };

typedef struct unpacking {
    fv__archive *archive;
    const char *path;     // of the archive
    const char *into;     // a folder
    uint64_t left, files; // bytes that may still come, files that have come
    uint8_t *piece;       // (PIECE)
} unpacking;

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *where) {
    (void)about, (void)kind, (void)where;
    return remove(path);
}

static void remove_folder(const char *path) {
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

// Whether the name stays inside the folder: no part of it is empty, "." or "..".
static bool is_inside(const char *name) {
    for (const char *part = name;; part++) {
        size_t length = strcspn(part, "/");
        if (length == 0 || (length <= 2 && strspn(part, ".") >= length) || memchr(part, '\\', length)) {
            return false;
        }
        part += length;
        if (!*part) {
            return true;
        }
    }
}

// Programs put files beside the pictures that begin with a dot.
static bool is_hidden(const char *name) {
    return name[0] == '.' || strstr(name, "/.") || strncmp(name, "__MACOSX/", 9) == 0;
}

static fv_status copy_content(unpacking *now, const char *name, FILE *file, const char *target, fv_error *error) {
    for (size_t got = PIECE; got == PIECE;) {
        fv_status status = fv__archive_read(now->archive, now->piece, PIECE, &got, error);
        if (status) {
            return status;
        }
        if (got > now->left) {
            return fv__fail(error, FV_FORMAT,
                            "%s: %s: the content is more than %d times the size of the archive, which no pictures are; "
                            "unpack it by hand if it is to be trusted",
                            now->path, name, TIMES);
        }
        now->left -= got;
        if (fwrite(now->piece, 1, got, file) != got) {
            return fv__fail_file(error, target, "write", errno);
        }
    }
    return FV_OK;
}

static fv_status write_file(unpacking *now, const char *name, fv_error *error) {
    char *target = fv__format("%s/%s", now->into, name);
    char *folder = target ? fv__strndup(target, (size_t)(strrchr(target, '/') - target)) : NULL;
    fv_status status = folder ? fv__make_folders(folder, error) : fv__fail_memory(error, now->path);
    FILE *file = status ? NULL : fopen(target, "wbxe"); // x: never through something that is there already
    if (!status && !file) {
        status = errno == EEXIST ? fv__fail(error, FV_FORMAT, "%s: %s is in it twice", now->path, name)
                                 : fv__fail_file(error, target, "write", errno);
    }
    if (file) {
        status = copy_content(now, name, file, target, error);
        if (fclose(file) != 0 && !status) {
            status = fv__fail_file(error, target, "write", errno);
        }
    }
    fv__free(folder);
    fv__free(target);
    return status;
}

static fv_status write_files(unpacking *now, fv_error *error) {
    for (;;) {
        const char *name;
        fv_status status = fv__archive_next(now->archive, &name, error);
        if (status || !name) {
            return status;
        }
        if (strncmp(name, "./", 2) == 0) { // as tar writes the content of "."
            name += 2;
        }
        if (!is_inside(name)) {
            return fv__fail(error, FV_FORMAT, "%s: the name '%.200s' leads out of the folder; nothing was unpacked",
                            now->path, name);
        }
        if (++now->files > MOST_FILES) {
            return fv__fail(error, FV_FORMAT, "%s: more than %d files in it", now->path, MOST_FILES);
        }
        status = is_hidden(name) ? FV_OK : write_file(now, name, error);
        if (status) {
            return status;
        }
    }
}

// Into a folder of another name first, so that what has the name is complete.
static fv_status unpack(const char *path, uint64_t size, const char *folder, fv_error *error) {
    char *part = fv__format("%s.XXXXXX", folder);
    unpacking now = {.path = path, .left = size * TIMES + (1 << 26), .piece = fv__alloc(PIECE)};
    fv_status status = part && now.piece ? FV_OK : fv__fail_memory(error, path);
    if (!status) {
        now.into = mkdtemp(part);
        status = now.into ? fv__archive_open(path, FV__ARCHIVE_TREE, &now.archive, error)
                          : fv__fail_file(error, part, "make the folder", errno);
    }
    if (!status) {
        status = write_files(&now, error);
    }
    if (!status && rename(part, folder) != 0 && !fv__folder_exists(folder)) { // else another process was faster
        status = fv__fail_file(error, folder, "write", errno);
    }
    if (now.into && fv__folder_exists(part)) {
        remove_folder(part);
    }
    fv__archive_close(now.archive);
    fv__free(now.piece);
    fv__free(part);
    return status;
}

// The cache folder that belongs to this archive as it is now.
static fv_status name_folder(const char *path, const struct stat *about, char **folder, fv_error *error) {
    char key[FV__SHA256_TEXT], *real = realpath(path, NULL), *name = NULL;
    char *text = real ? fv__format("%s\n%lld\n%lld.%09ld", real, (long long)about->st_size,
                                   (long long)about->st_mtim.tv_sec, about->st_mtim.tv_nsec)
                      : NULL;
    if (text) {
        fv__sha256_memory(text, strlen(text), key);
        const char *base = strrchr(real, '/') + 1;
        name = fv__format("unpacked/%.*s-%.12s", (int)strcspn(base, "."), base, key);
    }
    fv_status status = name ? fv__cache_path(name, folder, error) : fv__fail_memory(error, path);
    fv__free(name);
    fv__free(text);
    free(real); // realpath's
    return status;
}

fv_status fv__unpack(const char *path, char **folder, fv_error *error) {
    struct stat about;
    *folder = NULL;
    if (stat(path, &about) != 0) {
        return fv__fail_file(error, path, "open", errno);
    }
    fv_status status = name_folder(path, &about, folder, error);
    if (!status && !fv__folder_exists(*folder)) {
        char *parent = fv__strndup(*folder, (size_t)(strrchr(*folder, '/') - *folder));
        status = parent ? fv__make_folders(parent, error) : fv__fail_memory(error, path);
        fv__free(parent);
        if (!status) {
            status = unpack(path, (uint64_t)about.st_size, *folder, error);
        }
    }
    if (status) {
        fv__free(*folder);
        *folder = NULL;
    }
    return status;
}
