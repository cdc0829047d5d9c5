// SPDX-License-Identifier: Apache-2.0
#include "data/folder.h"

#include <string.h>

#include "base/memory.h"
#include "formats/file.h"

typedef struct photographs {
    fv__dataset_source source; // first, so that one is the other
    fv__folder folder;
    fv__photos photos; // those that can be read come first
    fv__photo_settings settings;
    const fv__kernels *kernels;
    size_t count;
    int32_t *labels; // (count)
    char **left_out; // (photos.count − count)
} photographs;

static fv_status read_sample(const fv__dataset_source *source, size_t index, uint8_t *pixels, fv_error *error) {
    const photographs *set = (const photographs *)source;
    char *path = fv__format("%s/%s", set->photos.root, set->photos.items[index].path);
    fv_status status =
        path ? fv__resize_file(&set->settings.resize, set->kernels, path, set->settings.channels, pixels, error)
             : fv__fail_memory(error, "a picture");
    if (status == FV_FORMAT || status == FV_NOT_FOUND) { // it was readable when the set was opened
        status = fv__fail_in(error, status, "a picture has changed while it was in use");
    }
    fv__free(path);
    return status;
}

static const char *identify(const fv__dataset_source *source, size_t index) {
    return ((const photographs *)source)->photos.items[index].sha256;
}

static void destroy(fv__dataset_source *source) {
    photographs *set = (photographs *)source;
    for (size_t i = 0; set->left_out && i < set->photos.count - set->count; i++) {
        fv__free(set->left_out[i]);
    }
    fv__free(set->left_out);
    fv__free(set->labels);
    fv__photos_free(&set->photos);
    fv__folder_free(&set->folder);
    fv__free(set);
}

// --- Which pictures

static fv_status add_class(const fv__folder *folder, const char *part, int label, fv__photos *photos, fv_error *error) {
    const char *name = folder->class_names[label];
    char *below = part ? fv__format("%s/%s", part, name) : fv__strdup(name);
    char *full = below ? fv__format("%s/%s", folder->root, below) : NULL;
    fv_status status = full ? FV_OK : fv__fail_memory(error, folder->root);
    if (!status && fv__folder_exists(full)) { // a part need not have every class
        status = fv__photos_add(photos, below, label, error);
    }
    fv__free(full);
    fv__free(below);
    return status;
}

fv_status fv__folder_photos(const fv__folder *folder, const char *split, int threads, fv__photos *photos,
                            fv_error *error) {
    bool train = strcmp(split, "train") == 0;
    const char *part = train ? folder->train : strcmp(split, "validation") == 0 ? folder->validation : folder->test;
    *photos = (fv__photos){0};
    if (!train && !part) {
        return fv__fail(error, FV_NOT_FOUND,
                        "%s: no validation or test folder beside %s; let data.validation be a fraction, as 0.2",
                        folder->root, folder->train ? folder->train : "the classes");
    }
    fv_status status = train ? FV_OK : fv__folder_check_part(folder, part, error);
    if (!status) {
        status = fv__photos_begin(photos, folder->root, error);
    }
    for (int c = 0; c < folder->classes && !status; c++) {
        status = add_class(folder, part, c, photos, error);
    }
    if (!status && photos->count == 0) {
        status =
            fv__fail(error, FV_FORMAT, "%s%s%s: no pictures in it", folder->root, part ? "/" : "", part ? part : "");
    }
    return status ? status : fv__photos_look(photos, threads, error);
}

// Those that can be read to the front, in their order; of the others, what is wrong.
static fv_status sort_out(photographs *set, fv_error *error) {
    fv__photo *items = set->photos.items;
    size_t all = set->photos.count, broken = 0;
    fv__photo *kept = fv__alloc_array(all, sizeof *kept);
    set->labels = fv__alloc_array(all, sizeof *set->labels);
    set->left_out = fv__alloc_array(all, sizeof *set->left_out);
    set->count = all;
    if (!kept || !set->labels || !set->left_out) {
        fv__free(kept);
        return fv__fail_memory(error, set->folder.root);
    }
    set->count = 0;
    fv_status status = FV_OK;
    for (size_t i = 0; i < all; i++) {
        if (!items[i].problem) {
            set->labels[set->count] = items[i].label;
            kept[set->count++] = items[i];
        }
    }
    for (size_t i = 0; i < all; i++) {
        if (items[i].problem) {
            kept[set->count + broken] = items[i];
            char *sentence = fv__format("%s/%s: %s", set->photos.root, items[i].path, items[i].problem);
            set->left_out[broken++] = sentence;
            status = sentence ? status : fv__fail_memory(error, set->folder.root);
        }
    }
    fv__free(items);
    set->photos.items = kept;
    return status;
}

static fv_status check_strictness(const photographs *set, fv_error *error) {
    size_t all = set->photos.count, broken = all - set->count;
    if (set->count == 0) {
        return fv__fail(error, FV_FORMAT, "%s: none of its %zu pictures can be read; the first: %s", set->folder.root,
                        all, set->left_out[0]);
    }
    if (broken && set->settings.strict) {
        return fv__fail(error, FV_FORMAT,
                        "%zu of %zu pictures cannot be read; the first: %s. `fovea data check` names all; data.strict: "
                        "false leaves them out",
                        broken, all, set->left_out[0]);
    }
    return FV_OK;
}

// --- Opening

fv_status fv__folder_open(const fv__dataset_info *info, const char *split, const char *path,
                          const fv__photo_settings *settings, fv_dataset **out, fv_error *error) {
    *out = NULL;
    photographs *set = fv__alloc(sizeof *set);
    if (!set) {
        return fv__fail_memory(error, info->name);
    }
    set->source = (fv__dataset_source){.read = read_sample, .identity = identify, .destroy = destroy, .references = 1};
    set->settings = *settings;
    fv_status status = fv__kernels_select(NULL, &set->kernels, error);
    if (!status) {
        status = fv__folder_find(info, path, &set->folder, error);
    }
    if (!status) {
        status = fv__folder_photos(&set->folder, split, settings->threads, &set->photos, error);
    }
    if (!status) {
        status = sort_out(set, error);
    }
    if (!status) {
        status = check_strictness(set, error);
    }
    if (status) {
        destroy(&set->source);
        return status;
    }
    const fv_dataset like = {.name = info->name,
                             .split = split[0] == 't' ? (split[1] == 'r' ? "train" : "test") : "validation",
                             .count = set->count,
                             .height = settings->resize.height,
                             .width = settings->resize.width,
                             .channels = settings->channels,
                             .classes = set->folder.classes,
                             .class_names = (const char *const *)set->folder.class_names,
                             .labels = set->labels,
                             .folder = set->folder.root,
                             .resize = fv__resize_names[settings->resize.mode],
                             .left_out = (const char *const *)set->left_out,
                             .left_out_count = set->photos.count - set->count};
    return fv__dataset_create(&like, &set->source, out, error);
}
