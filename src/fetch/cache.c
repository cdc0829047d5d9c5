// SPDX-License-Identifier: Apache-2.0
#include "fetch/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "formats/file.h"

fv_status fv__cache_path(const char *name, char **out, fv_error *error) {
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    const char *slash = name ? "/" : "";
    name = name ? name : "";
    *out = NULL;
    if (cache && cache[0] == '/') { // the specification: a relative path is to be ignored
        *out = fv__format("%s/fovea%s%s", cache, slash, name);
    } else {
        if (!home || !home[0]) {
            const struct passwd *user = getpwuid(getuid());
            home = user ? user->pw_dir : NULL;
        }
        if (!home || !home[0]) {
            return fv__fail(error, FV_NOT_FOUND, "no home folder for the cache: set HOME or XDG_CACHE_HOME");
        }
        *out = fv__format("%s/.cache/fovea%s%s", home, slash, name);
    }
    return *out ? FV_OK : fv__fail_memory(error, "the path of the cache");
}

// Everything below `path`, folders before and after what is in them.
static FTS *walk(const char *path) {
    char *const roots[] = {(char *)(uintptr_t)path, NULL};
    return fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
}

static void measure(const char *path, fv__cache_entry *entry) {
    FTS *files = walk(path);
    for (FTSENT *file; files && (file = fts_read(files));) {
        if (file->fts_info == FTS_F) {
            entry->bytes += (uint64_t)file->fts_statp->st_size;
            entry->files++;
        }
    }
    if (files) {
        fts_close(files);
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const fv__cache_entry *)a)->name, ((const fv__cache_entry *)b)->name);
}

static fv_status add_entry(const char *cache, const char *name, fv__cache_entry **entries, int *count, int *capacity,
                           fv_error *error) {
    char *path = fv__format("%s/%s", cache, name);
    bool room = path && fv__reserve((void **)entries, *count, capacity, sizeof **entries);
    if (room) {
        fv__cache_entry *entry = &(*entries)[(*count)++];
        *entry = (fv__cache_entry){0};
        snprintf(entry->name, sizeof entry->name, "%s", name);
        measure(path, entry);
    }
    fv__free(path);
    return room ? FV_OK : fv__fail_memory(error, cache);
}

fv_status fv__cache_list(fv__cache_entry **entries, int *count, fv_error *error) {
    char *cache;
    int capacity = 0;
    *entries = NULL;
    *count = 0;
    fv_status status = fv__cache_path(NULL, &cache, error);
    DIR *folder = status ? NULL : opendir(cache);
    for (struct dirent *entry; !status && folder && (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            status = add_entry(cache, entry->d_name, entries, count, &capacity, error);
        }
    }
    if (folder) {
        closedir(folder);
    }
    fv__free(cache);
    if (!status && *count > 1) {
        qsort(*entries, (size_t)*count, sizeof **entries, by_name);
    }
    if (status) {
        fv__free(*entries);
        *entries = NULL;
    }
    return status;
}

fv_status fv__cache_remove(const char *name, fv_error *error) {
    char *path;
    fv_status status = fv__cache_path(name, &path, error);
    FTS *files = status ? NULL : walk(path);
    if (!status && !files) {
        status = fv__fail_file(error, path, "read", errno);
    }
    for (FTSENT *file; !status && (file = fts_read(files));) {
        bool gone = file->fts_info == FTS_D || remove(file->fts_accpath) == 0;
        if (file->fts_info == FTS_NS || file->fts_info == FTS_DNR || !gone) {
            status = fv__fail_file(error, file->fts_path, "remove", file->fts_errno ? file->fts_errno : errno);
        }
    }
    if (files) {
        fts_close(files);
    }
    fv__free(path);
    return status;
}
