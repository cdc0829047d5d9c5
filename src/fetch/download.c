// SPDX-License-Identifier: Apache-2.0
// Downloads and the cache as the public API has them.
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/options.h"
#include "fetch/cache.h"
#include "fetch/fetch.h"
#include "formats/file.h"
#include "formats/sha256.h"

// FOLDER/NAME, the name being what the address ends with; NULL: it ends with none, or memory ran out.
static char *target_of(const char *folder, const char *url) {
    const char *scheme = strstr(url, "://"), *start = scheme ? scheme + 3 : url;
    const char *end = start + strcspn(start, "?#"), *name = end;
    while (name > start && name[-1] != '/') {
        name--;
    }
    return name > start && name < end && name[0] != '.' ? fv__format("%s/%.*s", folder, (int)(end - name), name) : NULL;
}

// A folder of the cache for this address: others may end with the same name.
static fv_status find_downloads(const char *url, char **folder, fv_error *error) {
    char sum[FV__SHA256_TEXT], name[32];
    fv__sha256_memory(url, strlen(url), sum);
    snprintf(name, sizeof name, "downloads/%.12s", sum);
    return fv__cache_path(name, folder, error);
}

static fv_status fetch(const char *url, const char *path, const fv_download_options *options, char sha256[65],
                       fv_error *error) {
    const fv__fetch_options fetch_options = {
        .sha256 = options->sha256, .on_event = options->on_event, .context = options->context};
    FV__TRY(fv__fetch(url, path, &fetch_options, error));
    FV__TRY(fv__sha256_file(path, sha256, error));
    if (options->sha256 && strcasecmp(sha256, options->sha256) != 0) { // it was there before
        return fv__fail(error, FV_FORMAT, "%s: SHA-256 is %s, should be %s; remove this file and try again", path,
                        sha256, options->sha256);
    }
    return FV_OK;
}

fv_status fv_download(const char *url, const fv_download_options *options, char **path, char sha256[65], bool *already,
                      fv_error *error) {
    *path = NULL;
    FV__TAKE(fv_download_options, options, error);
    char *cache = NULL, *target = NULL;
    fv_status status = FV_OK;
    if (own.sha256 && (strlen(own.sha256) != 64 || strspn(own.sha256, "0123456789abcdefABCDEF") != 64)) {
        return fv__fail(error, FV_INVALID, "'%s' is not a SHA-256 sum: it should be 64 hexadecimal digits", own.sha256);
    }
    if (!own.folder) {
        FV__TRY_OR_DONE(find_downloads(url, &cache, error));
    }
    target = target_of(own.folder ? own.folder : cache, url);
    if (!target) {
        FV__TRY_OR_DONE(fv__fail(error, FV_INVALID, "%s: the address does not end with the name of a file", url));
    }
    *already = fv__file_exists(target);
    FV__TRY_OR_DONE(fetch(url, target, &own, sha256, error));
    *path = target;
    target = NULL;
done:
    fv__free(target);
    fv__free(cache);
    return status;
}

// --- The cache

struct fv_cache {
    fv_cache_info info;
    char *path;
    fv__cache_entry *found; // (info.count)
    fv_cache_entry *entries;
};

fv_status fv_cache_open(fv_cache **out, fv_error *error) {
    *out = NULL;
    fv_status status = FV_OK;
    fv_cache *cache = fv__alloc(sizeof *cache);
    FV__TRY_OR_DONE(cache ? FV_OK : fv__fail_memory(error, "the cache"));
    FV__TRY_OR_DONE(fv__cache_path(NULL, &cache->path, error));
    FV__TRY_OR_DONE(fv__cache_list(&cache->found, &cache->info.count, error));
    cache->entries = fv__alloc_array((size_t)cache->info.count + 1, sizeof *cache->entries);
    FV__TRY_OR_DONE(cache->entries ? FV_OK : fv__fail_memory(error, "the cache"));
    for (int i = 0; i < cache->info.count; i++) {
        const fv__cache_entry *entry = &cache->found[i];
        cache->entries[i] = (fv_cache_entry){.name = entry->name, .bytes = entry->bytes, .files = entry->files};
    }
    cache->info.path = cache->path;
    cache->info.entries = cache->entries;
    *out = cache;
    cache = NULL;
done:
    fv_cache_free(cache);
    return status;
}

void fv_cache_free(fv_cache *cache) {
    if (cache) {
        fv__free(cache->path);
        fv__free(cache->found);
        fv__free(cache->entries);
        fv__free(cache);
    }
}

const fv_cache_info *fv_cache_get_info(const fv_cache *cache) {
    return &cache->info;
}

fv_status fv_cache_remove(const char *name, fv_error *error) {
    return fv__cache_remove(name, error);
}
