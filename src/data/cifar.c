// SPDX-License-Identifier: Apache-2.0
#include "data/cifar.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "data/locate.h"
#include "formats/file.h"

enum { MOST_FILES = 8 }; // of a split

typedef struct cifar {
    fv__dataset_source source; // first, so that one is the other
    const fv__dataset_info *info;
    const fv__dataset_file *files[MOST_FILES]; // of the split, in the order of their samples
    fv__cifar_records records[MOST_FILES];     // of each
    int file_count;
    size_t count;
    int32_t *labels;    // (count); NULL: those of the only file
    const char **names; // (classes), one block with its texts; NULL: the built-in ones
    char *folder;
} cifar;

static fv_status read_sample(const fv__dataset_source *source, size_t index, uint8_t *pixels, fv_error *error) {
    (void)error;
    const fv__cifar_records *records = ((const cifar *)source)->records;
    while (index >= records->count) {
        index -= records->count;
        records++;
    }
    memcpy(pixels, records->blocks[index / FV__CIFAR_BLOCK] + index % FV__CIFAR_BLOCK * FV__CIFAR_PIXELS,
           FV__CIFAR_PIXELS);
    return FV_OK;
}

static void destroy(fv__dataset_source *source) {
    cifar *set = (cifar *)source;
    for (int i = 0; i < set->file_count; i++) {
        fv__cifar_free(&set->records[i]);
    }
    fv__free(set->labels);
    fv__free(set->names);
    fv__free(set->folder);
    fv__free(set);
}

// --- Pixels and labels

static fv_status read_alone(cifar *set, int file, const char *path, fv_error *error) {
    fv__archive *archive;
    const char *name;
    fv_status status = fv__archive_open(path, FV__ARCHIVE_ALONE, &archive, error);
    if (status == FV_OK) {
        status = fv__archive_next(archive, &name, error);
    }
    if (status == FV_OK && !name) {
        status = fv__fail(error, FV_FORMAT, "%s: the file is empty", path);
    }
    if (status == FV_OK) {
        status = fv__cifar_read(archive, set->info->cifar, set->info->classes, path, &set->records[file], error);
    }
    fv__archive_close(archive);
    return status;
}

// The file of the split that a member of the archive is, if it is one that is still missing; else -1.
static int find_member(const cifar *set, const char *name) {
    for (int i = 0; i < set->file_count; i++) {
        if (set->records[i].count == 0 && strcmp(set->files[i]->name, name) == 0) {
            return i;
        }
    }
    return -1;
}

static fv_status read_member(cifar *set, int file, fv__archive *archive, const char *path, fv_error *error) {
    char *shown = fv__format("%s: %s", path, set->files[file]->name);
    fv_status status =
        shown ? fv__cifar_read(archive, set->info->cifar, set->info->classes, shown, &set->records[file], error)
              : fv__fail_memory(error, path);
    fv__free(shown);
    return status;
}

// All files of the split in one walk through the archive, where they may stand in any order.
static fv_status read_archive(cifar *set, const char *path, fv_error *error) {
    fv__archive *archive;
    int missing = set->file_count;
    fv_status status = fv__archive_open(path, FV__ARCHIVE_TAR, &archive, error);
    while (status == FV_OK && missing > 0) {
        const char *name;
        status = fv__archive_next(archive, &name, error);
        if (status != FV_OK || !name) {
            break;
        }
        int file = find_member(set, name);
        if (file >= 0) {
            status = read_member(set, file, archive, path, error);
            missing--;
        }
    }
    for (int i = 0; i < set->file_count && status == FV_OK; i++) {
        if (set->records[i].count == 0) {
            status = fv__fail(error, FV_FORMAT, "%s: no %s in it", path, set->files[i]->name);
        }
    }
    fv__archive_close(archive);
    return status;
}

// --- Class names

static size_t count_names(char *text) {
    size_t count = 0;
    for (char *at = text; *at; at++) {
        *at = *at == '\n' || *at == '\r' ? 0 : *at;
        count += *at && (at == text || !at[-1]);
    }
    return count;
}

// A line each; empty ones do not count.
static fv_status parse_names(cifar *set, char *text, size_t size, const char *path, fv_error *error) {
    size_t classes = (size_t)set->info->classes;
    if (!fv__is_utf8(text) || strlen(text) != size) {
        return fv__fail(error, FV_FORMAT, "%s: not a text in UTF-8", path);
    }
    size_t found = count_names(text);
    if (found != classes) {
        return fv__fail(error, FV_FORMAT, "%s: %zu class names, but there are %zu classes", path, found, classes);
    }
    set->names = fv__alloc(classes * sizeof *set->names + size + 1);
    if (!set->names) {
        return fv__fail_memory(error, path);
    }
    char *copy = memcpy(set->names + classes, text, size + 1);
    for (size_t i = 0, at = 0; i < classes; at++) {
        if (copy[at] && (at == 0 || !copy[at - 1])) {
            set->names[i++] = copy + at;
        }
    }
    return FV_OK;
}

// Beside the file at `path`.
static fv_status read_names(cifar *set, const char *path, fv_error *error) {
    enum { LONGEST = 1 << 16 };
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) + 1 : 0;
    char *name = fv__format("%.*s%s", length, path, set->info->cifar->names);
    uint8_t *text = NULL;
    size_t size;
    fv_status status = name ? FV_OK : fv__fail_memory(error, path);
    if (status == FV_OK && fv__file_exists(name)) {
        status = fv__file_read(name, LONGEST, &text, &size, error);
        if (status == FV_OK) {
            status = parse_names(set, (char *)text, size, name, error);
        }
    }
    fv__free(text);
    fv__free(name);
    return status;
}

// --- Opening

static fv_status read_files(cifar *set, fv_error *error) {
    fv_status status = FV_OK;
    bool archived = false;
    for (int i = 0; i < set->file_count && status == FV_OK && !archived; i++) {
        char *path = fv__dataset_file_path(set->folder, set->files[i], &status);
        if (!path) { // found a moment ago
            return status == FV_MEMORY
                       ? fv__fail_memory(error, set->info->name)
                       : fv__fail(error, FV_NOT_FOUND, "%s: %s is gone", set->folder, set->files[i]->name);
        }
        archived = fv__dataset_is_archive(set->files[i], path);
        status = archived ? read_archive(set, path, error) : read_alone(set, i, path, error);
        if (status == FV_OK && i == 0) {
            status = read_names(set, path, error);
        }
        fv__free(path);
    }
    return status;
}

// One array for the labels of all files.
static fv_status join_labels(cifar *set, fv_error *error) {
    for (int i = 0; i < set->file_count; i++) {
        set->count += set->records[i].count;
    }
    if (set->file_count == 1) {
        return FV_OK;
    }
    set->labels = fv__alloc_array(set->count, sizeof *set->labels);
    if (!set->labels) {
        return fv__fail_memory(error, set->info->name);
    }
    int32_t *at = set->labels;
    for (int i = 0; i < set->file_count; i++) {
        memcpy(at, set->records[i].labels, set->records[i].count * sizeof *at);
        at += set->records[i].count;
    }
    return FV_OK;
}

fv_status fv__cifar_open(const fv__dataset_info *info, const char *split, const char *path, fv_dataset **out,
                         fv_error *error) {
    *out = NULL;
    cifar *set = fv__alloc(sizeof *set);
    if (!set) {
        return fv__fail_memory(error, info->name);
    }
    set->source = (fv__dataset_source){.read = read_sample, .destroy = destroy, .references = 1};
    set->info = info;
    for (size_t i = 0; i < info->file_count && set->file_count < MOST_FILES; i++) {
        if (strcmp(info->files[i].split, split) == 0) {
            set->files[set->file_count++] = &info->files[i];
        }
    }
    fv_status status = fv__dataset_locate(info, split, path, &set->folder, error);
    if (status == FV_OK) {
        status = read_files(set, error);
    }
    if (status == FV_OK) {
        status = join_labels(set, error);
    }
    if (status != FV_OK) {
        destroy(&set->source);
        return status;
    }
    const fv_dataset like = {
        .name = info->name,
        .split = strcmp(split, "train") == 0 ? "train" : "test",
        .count = set->count,
        .height = info->height,
        .width = info->width,
        .channels = info->channels,
        .classes = info->classes,
        .class_names = set->names ? set->names : info->class_names,
        .labels = set->labels ? set->labels : set->records[0].labels,
        .folder = set->folder,
    };
    return fv__dataset_create(&like, &set->source, out, error);
}
