// SPDX-License-Identifier: Apache-2.0
// Opening a data set as the public API does it: by the name of a known set, or by the path of photographs.
#include "data/open.h"

#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "data/folder.h"
#include "data/locate.h"
#include "formats/file.h"

enum { USUAL = 224, LARGEST = 4096, CHANNELS = 3 }; // of photographs

fv_status fv__dataset_open(const fv__dataset_info *info, const char *split, const char *path,
                           const fv__photo_settings *photos, fv_dataset **out, fv_error *error) {
    *out = NULL;
    bool folder = !info->open;
    if (strcmp(split, "train") != 0 && strcmp(split, "test") != 0 && (!folder || strcmp(split, "validation") != 0)) {
        return fv__fail(error, FV_INVALID, "%s has no split '%s'; there are: train, %stest", info->name, split,
                        folder ? "validation, " : "");
    }
    return folder ? fv__folder_open(info, split, path, photos, out, error) : info->open(info, split, path, out, error);
}

bool fv_dataset_is_path(const char *name) {
    return strchr(name, '/') ||
           (!fv__dataset_info_find(name, NULL) && (fv__folder_exists(name) || fv__file_exists(name)));
}

static bool is_archive_of(const fv__dataset_info *info, const char *path) {
    const char *slash = strrchr(path, '/');
    const struct fv__dataset_archive *archive = info->file_count > 0 ? info->files[0].archive : NULL;
    return archive && strcmp(slash ? slash + 1 : path, archive->name) == 0;
}

// The known set whose files lie in a folder, or whose published archive this is; else photographs.
static const fv__dataset_info *recognize(const char *path) {
    const bool folder = fv__folder_exists(path);
    for (size_t i = 0; i < fv__dataset_known_count(); i++) {
        const fv__dataset_info *info = fv__dataset_known(i);
        char *found = NULL;
        if (info->of || !info->open || !(folder || is_archive_of(info, path))) {
            continue;
        }
        const bool there = fv__dataset_locate(info, "train", path, &found, NULL) == FV_OK;
        fv__free(found);
        if (there) {
            return info;
        }
    }
    return &fv__folder_info;
}

fv_status fv__dataset_find(const char *name, const char *path, fv__dataset_place *out, fv_error *error) {
    if (fv_dataset_is_path(name)) {
        *out = (fv__dataset_place){recognize(name), name};
        return FV_OK;
    }
    *out = (fv__dataset_place){fv__dataset_info_find(name, error), path};
    return out->info ? FV_OK : FV_NOT_FOUND;
}

static fv_status read_settings(const fv_dataset_options *options, fv__photo_settings *out, fv_error *error) {
    const char *words = options->resize ? options->resize : fv__resize_names[0];
    *out = (fv__photo_settings){.resize = {.height = options->height ? options->height : USUAL,
                                           .width = options->width ? options->width : USUAL},
                                .channels = options->channels ? options->channels : CHANNELS,
                                .strict = options->strict,
                                .threads = options->threads};
    fv__resize *size = &out->resize;
    while (fv__resize_names[size->mode] && strcmp(fv__resize_names[size->mode], words) != 0) {
        size->mode++;
    }
    if (!fv__resize_names[size->mode]) {
        return fv__fail(error, FV_INVALID, "images cannot be resized by '%.80s'; there are: bilinear, antialias, crop",
                        words);
    }
    if (size->height < 1 || size->width < 1 || size->height > LARGEST || size->width > LARGEST ||
        (out->channels != 1 && out->channels != 3)) {
        return fv__fail(error, FV_INVALID, "samples of %d×%d×%d asked for: sides are 1 to %d, channels 1 or 3",
                        size->height, size->width, out->channels, LARGEST);
    }
    return FV_OK;
}

static fv_status limit(fv_dataset **data, size_t most, fv_error *error) {
    fv_dataset *part;
    if (!most || most >= (*data)->count) {
        return FV_OK;
    }
    FV__TRY(fv__dataset_limit(*data, most, &part, error));
    fv_dataset_free(*data);
    *data = part;
    return FV_OK;
}

// Photographs that are not divided into parts are one whole, whatever it is called.
static fv_status choose_split(const fv__dataset_place *place, const fv_dataset_options *options, const char **split,
                              fv_error *error) {
    fv__folder folder;
    if (!options->undivided || place->info->open) {
        return FV_OK;
    }
    const fv_status status = fv__folder_find(place->info, place->path, &folder, error);
    if (!status && !folder.train && !folder.validation) {
        *split = "train";
    }
    fv__folder_free(&folder);
    return status;
}

fv_status fv_dataset_open(const char *name, const char *split, const fv_dataset_options *options, fv_dataset **out,
                          fv_error *error) {
    *out = NULL;
    FV__TAKE(fv_dataset_options, options, error);
    fv__photo_settings photos;
    fv__dataset_place place;
    FV__TRY(read_settings(&own, &photos, error));
    FV__TRY(fv__dataset_find(name, own.path, &place, error));
    FV__TRY(choose_split(&place, &own, &split, error));
    FV__TRY(fv__dataset_open(place.info, split, place.path, &photos, out, error));
    const fv_status status = limit(out, own.limit, error);
    if (status) {
        fv_dataset_free(*out);
        *out = NULL;
    }
    return status;
}

// --- Known sets

bool fv_dataset_get_known(size_t index, fv_known_dataset *out) {
    for (size_t i = 0; i < fv__dataset_known_count(); i++) {
        const fv__dataset_info *info = fv__dataset_known(i);
        if (!info->of && index-- == 0) { // else another labelling of a set in the list
            const fv_known_dataset known = {.size = out->size,
                                            .name = info->name,
                                            .title = info->title,
                                            .source = info->source,
                                            .package = info->package,
                                            .photos = !info->open,
                                            .classes = info->classes};
            memcpy(out, &known, out->size < sizeof known ? out->size : sizeof known);
            return true;
        }
    }
    return false;
}

fv_status fv_dataset_locate(const char *name, const char *path, char **folder, fv_error *error) {
    *folder = NULL;
    const fv__dataset_info *info = fv__dataset_info_find(name, error);
    return info ? fv__dataset_locate(info, NULL, path, folder, error) : FV_NOT_FOUND;
}

fv_status fv_dataset_download(const char *name, const fv_download_options *options, char **folder, fv_error *error) {
    *folder = NULL;
    FV__TAKE(fv_download_options, options, error);
    const fv__dataset_info *info = fv__dataset_info_find(name, error);
    if (!info) {
        return FV_NOT_FOUND;
    }
    if (info->file_count == 0) {
        return fv__fail(error, FV_INVALID, "%s is any folder of images, which cannot be downloaded", name);
    }
    FV__TRY(fv__dataset_get(info, NULL, own.folder, own.on_event, own.context, error));
    return fv__dataset_locate(info, NULL, own.folder, folder, error);
}

fv_status fv_dataset_verify(const char *name, const char *folder, char **file, char sha256[65], fv_error *error) {
    fv_status status = FV_OK;
    *file = NULL;
    sha256[0] = 0;
    const fv__dataset_info *info = fv__dataset_info_find(name, error);
    if (!info) {
        return FV_NOT_FOUND;
    }
    FV__TRY(fv__dataset_verify(info, NULL, folder, error));
    if (info->file_count > 0 && !info->files[0].sha256) {
        *file = fv__dataset_file_path(folder, &info->files[0], &status);
        FV__TRY(*file ? FV_OK : fv__fail_memory(error, name));
        status = fv__sha256_file(*file, sha256, error);
        if (status) {
            fv__free(*file);
            *file = NULL;
        }
    }
    return status;
}
