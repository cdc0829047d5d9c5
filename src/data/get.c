// Downloading a data set, and checking the content of its files.
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/locate.h"
#include "fetch/cache.h"

// Compares a file's content with the published sum.
static fv_status check_content(const fv__dataset_file *file, const char *path, const char *shown, fv_error *error) {
    char sum[FV__SHA256_TEXT];
    fv_status status = fv__sha256_unpacked_file(path, sum, error);
    if (status == FV_OK && strcmp(sum, file->sha256) != 0) {
        status = fv__fail(error, FV_FORMAT, "%s: not the published file: SHA-256 of its content is %s, should be %s",
                          shown, sum, file->sha256);
    }
    return status;
}

typedef struct arrival {
    const fv__dataset_file *file;
    const char *url;
} arrival;

static fv_status check_arrival(void *context, const char *path, fv_error *error) {
    const arrival *now = context;
    fv_status status = check_content(now->file, path, now->url, error);
    if (status == FV_FORMAT && error) {
        fv__fail_in(error, status, "the download was removed");
    }
    return status;
}

static fv_status get_file(const fv__dataset_info *info, const fv__dataset_file *file, const char *mirror,
                          const char *folder, fv__fetch_progress *progress, void *context, fv_error *error) {
    fv_status status = FV_OK;
    char *there = fv__dataset_file_path(folder, file, &status);
    if (there) { // kept only when it is what it should be
        status = check_content(file, there, there, error);
        if (status == FV_FORMAT) {
            fv__fail_in(error, status, "remove this file and try again");
        }
        fv__free(there);
        return status;
    }
    if (status != FV_OK) {
        return fv__fail_memory(error, file->name);
    }
    char *url =
        mirror ? fv__format("%s/%s/%s", mirror, info->name, file->name) : fv__format("%s/%s", info->url, file->name);
    char *path = fv__format("%s/%s", folder, file->name);
    if (url && path) {
        arrival now = {file, url};
        const fv__fetch_options options = {
            .check = check_arrival, .check_context = &now, .progress = progress, .progress_context = context};
        status = fv__fetch(url, path, &options, error);
    } else {
        status = fv__fail_memory(error, file->name);
    }
    fv__free(path);
    fv__free(url);
    return status;
}

fv_status fv__dataset_get(const fv__dataset_info *info, const char *mirror, const char *folder,
                          fv__fetch_progress *progress, void *context, fv_error *error) {
    char *cache = NULL;
    fv_status status = FV_OK;
    if (!mirror) {
        mirror = getenv("FOVEA_MIRROR");
        mirror = mirror && mirror[0] ? mirror : NULL;
    }
    if (!folder) {
        status = fv__cache_path(info->name, &cache, error);
        folder = cache;
    }
    for (size_t i = 0; i < info->file_count && status == FV_OK; i++) {
        status = get_file(info, &info->files[i], mirror, folder, progress, context, error);
    }
    fv__free(cache);
    return status;
}

fv_status fv__dataset_verify(const fv__dataset_info *info, const char *split, const char *path, fv_error *error) {
    char *folder;
    fv_status status = fv__dataset_locate(info, split, path, &folder, error);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = 0; i < info->file_count && status == FV_OK; i++) {
        const fv__dataset_file *file = &info->files[i];
        if (split && strcmp(file->split, split) != 0) {
            continue;
        }
        char *name = fv__dataset_file_path(folder, file, &status);
        if (name) {
            status = check_content(file, name, name, error);
        } else {
            status = status == FV_MEMORY ? fv__fail_memory(error, file->name)
                                         : fv__fail(error, FV_NOT_FOUND, "%s: no %s", folder, file->name);
        }
        fv__free(name);
    }
    fv__free(folder);
    return status;
}
