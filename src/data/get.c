// SPDX-License-Identifier: Apache-2.0
// Downloading a data set, and checking the content of its files.
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/locate.h"
#include "fetch/cache.h"
#include "formats/archive.h"

typedef struct arrival {
    const fv__dataset_file *file;
    const char *url;
} arrival;

static fv_status check_arrival(void *context, const char *path, fv_error *error) {
    const arrival *now = context;
    fv_status status = fv__dataset_file_check(now->file, path, now->url, error);
    if (status == FV_FORMAT && error) {
        fv__fail_in(error, status, "the download was removed");
    }
    return status;
}

// Downloads the file or, if it is published in one, the archive that has it.
static fv_status fetch_file(const fv__dataset_info *info, const fv__dataset_file *file, const char *mirror,
                            const char *folder, fv_event_callback *on_event, void *context, fv_error *error) {
    fv_status status;
    const char *name = file->archive ? file->archive->name : file->name;
    char *url = mirror ? fv__format("%s/%s/%s", mirror, info->of ? info->of : info->name, name)
                       : fv__format("%s/%s", info->url, name);
    char *path = fv__format("%s/%s", folder, name);
    if (url && path) {
        arrival now = {file, url};
        // The check sees the file under the name of its part; an archive is known by its own sum.
        fv__fetch_options options = {.on_event = on_event, .context = context};
        if (file->archive) {
            options.sha256 = file->archive->sha256;
        } else {
            options.check = check_arrival;
            options.check_context = &now;
        }
        status = fv__fetch(url, path, &options, error);
    } else {
        status = fv__fail_memory(error, name);
    }
    fv__free(path);
    fv__free(url);
    return status;
}

// *archived: the file is in an archive, which need not be looked at again for the next one.
static fv_status get_file(const fv__dataset_info *info, const fv__dataset_file *file, const char *mirror,
                          const char *folder, fv_event_callback *on_event, void *context, bool *archived,
                          fv_error *error) {
    fv_status status = FV_OK;
    char *there = fv__dataset_file_path(folder, file, &status);
    if (status != FV_OK) {
        return fv__fail_memory(error, file->name);
    }
    if (!there) {
        *archived = file->archive != NULL; // checked on arrival
        return fetch_file(info, file, mirror, folder, on_event, context, error);
    }
    bool known = fv__dataset_is_archive(file, there) && *archived;
    *archived = fv__dataset_is_archive(file, there);
    status =
        known ? FV_OK : fv__dataset_file_check(file, there, there, error); // kept only when it is what it should be
    if (status == FV_FORMAT) {
        fv__fail_in(error, status, "remove this file and try again");
    }
    fv__free(there);
    return status;
}

fv_status fv__dataset_get(const fv__dataset_info *info, const char *mirror, const char *folder,
                          fv_event_callback *on_event, void *context, fv_error *error) {
    char *cache = NULL;
    bool archived = false;
    fv_status status = FV_OK;
    if (!mirror) {
        mirror = getenv("FOVEA_MIRROR");
        mirror = mirror && mirror[0] ? mirror : NULL;
    }
    if (!folder) {
        status = fv__cache_path(info->of ? info->of : info->name, &cache, error);
        folder = cache;
    }
    for (size_t i = 0; i < info->file_count && status == FV_OK; i++) {
        status = get_file(info, &info->files[i], mirror, folder, on_event, context, &archived, error);
    }
    fv__free(cache);
    return status;
}

fv_status fv__dataset_verify(const fv__dataset_info *info, const char *split, const char *path, fv_error *error) {
    char *folder;
    bool archived = false; // the archive was checked with the file before
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
            bool archive = fv__dataset_is_archive(file, name);
            status = archive && archived ? FV_OK : fv__dataset_file_check(file, name, name, error);
            archived = archive;
        } else {
            status = status == FV_MEMORY ? fv__fail_memory(error, file->name)
                                         : fv__fail(error, FV_NOT_FOUND, "%s: no %s", folder, file->name);
        }
        fv__free(name);
    }
    fv__free(folder);
    return status;
}
