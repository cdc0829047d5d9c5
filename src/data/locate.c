// SPDX-License-Identifier: Apache-2.0
#include "data/locate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fetch/cache.h"
#include "formats/archive.h"
#include "formats/file.h"

// "train-images-idx3-ubyte.gz" is looked for as it is, unpacked, and with a dot before "idx". The one that can be read
// at once comes first.
static const struct {
    bool dotted;
    const char *ending;
} variants[] = {{false, ""}, {true, ""}, {false, ".gz"}, {true, ".gz"}, {false, ".xz"}};

// In the folder itself, or in the one inside it.
static char *find_in(const char *folder, const char *inside, const fv__dataset_file *file, fv_status *status) {
    size_t stem = strlen(file->name);
    if (stem > 3 && strcmp(file->name + stem - 3, ".gz") == 0) {
        stem -= 3;
    }
    const char *idx = strstr(file->name, "-idx");
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        if ((variants[i].dotted && !idx) || (strcmp(variants[i].ending, ".xz") == 0 && !file->archive)) {
            continue;
        }
        char *path = fv__format("%s%s%s/%.*s%s", folder, inside ? "/" : "", inside ? inside : "", (int)stem, file->name,
                                variants[i].ending);
        if (!path) {
            *status = FV_MEMORY;
            return NULL;
        }
        if (variants[i].dotted) {
            path[strlen(folder) + 1 + (size_t)(idx - file->name)] = '.';
        }
        if (fv__file_exists(path)) {
            return path;
        }
        fv__free(path);
    }
    return NULL;
}

static char *find_archive(const char *folder, const fv__dataset_file *file, fv_status *status) {
    char *path = fv__file_exists(folder) ? fv__strdup(folder) : fv__format("%s/%s", folder, file->archive->name);
    if (!path) {
        *status = FV_MEMORY;
    } else if (!fv__file_exists(path)) {
        fv__free(path);
        path = NULL;
    }
    return path;
}

char *fv__dataset_file_path(const char *folder, const fv__dataset_file *file, fv_status *status) {
    fv_status failure = FV_OK;
    char *path = find_in(folder, NULL, file, &failure);
    if (!path && failure == FV_OK && file->archive) {
        path = find_in(folder, file->archive->folder, file, &failure);
    }
    if (!path && failure == FV_OK && file->archive) {
        path = find_archive(folder, file, &failure);
    }
    if (failure != FV_OK) {
        *status = failure;
    }
    return path;
}

bool fv__dataset_is_archive(const fv__dataset_file *file, const char *path) {
    const char *slash = strrchr(path, '/');
    return file->archive && strncmp(slash ? slash + 1 : path, file->name, strlen(file->name)) != 0;
}

static bool wanted(const fv__dataset_file *file, const char *split) {
    return !split || strcmp(file->split, split) == 0;
}

// Several sets use the same names for their files, so a folder not named after its set may hold another one: its label
// file (the smallest) tells by its sum. NULL when it is none that is known.
static const char *whose(const fv__dataset_info *info, const char *path, const char *name) {
    for (size_t i = 0; i < fv__dataset_known_count(); i++) {
        const fv__dataset_info *other = fv__dataset_known(i);
        for (size_t j = 0; other->files != info->files && j < other->file_count; j++) {
            if (strcmp(other->files[j].name, name) == 0 &&
                fv__dataset_file_check(&other->files[j], path, path, NULL) == FV_OK) {
                return other->name;
            }
        }
    }
    return NULL;
}

// Are the files of the split in the folder? When not, `why` says what is wrong with it.
static bool holds(const fv__dataset_info *info, const char *split, const char *folder, char *why, size_t room,
                  fv_status *status) {
    if (!fv__folder_exists(folder) && !fv__file_exists(folder)) {
        snprintf(why, room, "no such folder");
        return false;
    }
    const fv__dataset_file *smallest = NULL;
    for (size_t i = 0; i < info->file_count; i++) {
        const fv__dataset_file *file = &info->files[i];
        if (!wanted(file, split)) {
            continue;
        }
        char *path = fv__dataset_file_path(folder, file, status);
        if (!path) {
            snprintf(why, room, "no %s", file->name);
            return false;
        }
        fv__free(path);
        smallest = !smallest || file->unpacked < smallest->unpacked ? file : smallest;
    }
    char *path = smallest ? fv__dataset_file_path(folder, smallest, status) : NULL;
    const char *other = path ? whose(info, path, smallest->name) : NULL;
    fv__free(path);
    if (other) {
        snprintf(why, room, "holds %s", other);
    }
    return path && !other;
}

typedef struct search {
    const fv__dataset_info *info;
    const char *split;
    char *found;
    char places[512]; // those without, and why
    fv_status status;
} search;

// Looks in a folder (taken over; NULL: out of memory), unless the search is over already.
static void look(search *now, char *folder) {
    char why[64] = "";
    if (now->found || now->status == FV_MEMORY) {
        fv__free(folder);
        return;
    }
    if (!folder) {
        now->status = FV_MEMORY;
        return;
    }
    if (holds(now->info, now->split, folder, why, sizeof why, &now->status)) {
        now->found = folder;
        return;
    }
    size_t used = strlen(now->places);
    snprintf(now->places + used, sizeof now->places - used, "%s%s (%s)", used ? ", " : "", folder, why);
    fv__free(folder);
}

// What the folder of a set is called.
static const char *folder_name(const fv__dataset_info *info) {
    return info->of ? info->of : info->name;
}

static void look_everywhere(search *now) {
    const char *data = getenv("FOVEA_DATA");
    if (data && data[0]) {
        look(now, fv__format("%s/%s", data, folder_name(now->info)));
        look(now, fv__strdup(data));
    }
    char *cache = NULL;
    fv_status status = fv__cache_path(folder_name(now->info), &cache, NULL);
    if (status != FV_NOT_FOUND) { // no home folder is no error: there are other places
        look(now, cache);
    }
    if (now->info->folder) {
        look(now, fv__strdup(now->info->folder));
    }
}

fv_status fv__dataset_locate(const fv__dataset_info *info, const char *split, const char *path, char **folder,
                             fv_error *error) {
    search now = {.info = info, .split = split, .status = FV_NOT_FOUND};
    *folder = NULL;
    if (path) {
        look(&now, fv__format("%s/%s", path, folder_name(info)));
        now.places[0] = 0; // tell only about the folder that was named
        look(&now, fv__strdup(path));
    } else {
        look_everywhere(&now);
    }
    if (now.found) {
        *folder = now.found;
        return FV_OK;
    }
    if (now.status == FV_MEMORY) {
        return fv__fail_memory(error, info->name);
    }
    if (path) {
        return fv__fail(error, FV_NOT_FOUND, "%s not found in %s; `fovea data get %s` downloads it", info->name,
                        now.places, folder_name(info));
    }
    return fv__fail(error, FV_NOT_FOUND, "%s not found; looked in: %s. `fovea data get %s` downloads it%s%s",
                    info->name, now.places, folder_name(info), info->package ? ", or on Debian: apt install " : "",
                    info->package ? info->package : "");
}

// --- Content

// Of the content of a file that is plain or packed alone.
static fv_status sum_content(const char *path, char sum[FV__SHA256_TEXT], fv_error *error) {
    enum { PIECE = 1 << 16 };
    fv__archive *archive = NULL;
    const char *name;
    fv__sha256 state;
    fv__sha256_start(&state);
    uint8_t *piece = fv__alloc(PIECE);
    fv_status status =
        piece ? fv__archive_open(path, FV__ARCHIVE_ALONE, &archive, error) : fv__fail_memory(error, path);
    if (status == FV_OK) {
        status = fv__archive_next(archive, &name, error);
    }
    for (size_t got = PIECE; status == FV_OK && name && got == PIECE;) {
        status = fv__archive_read(archive, piece, PIECE, &got, error);
        fv__sha256_add(&state, piece, got);
    }
    fv__sha256_end(&state, sum);
    fv__archive_close(archive);
    fv__free(piece);
    return status;
}

fv_status fv__dataset_file_check(const fv__dataset_file *file, const char *path, const char *shown, fv_error *error) {
    char sum[FV__SHA256_TEXT];
    bool archive = fv__dataset_is_archive(file, path);
    const char *expected = archive ? file->archive->sha256 : file->sha256;
    if (!expected) { // nothing to compare with
        return FV_OK;
    }
    fv_status status = archive         ? fv__sha256_file(path, sum, error)
                       : file->archive ? sum_content(path, sum, error)
                                       : fv__sha256_unpacked_file(path, sum, error);
    if (status == FV_OK && strcmp(sum, expected) != 0) {
        status = fv__fail(error, FV_FORMAT, "%s: not the published file: SHA-256 of %s is %s, should be %s", shown,
                          archive ? "it" : "its content", sum, expected);
    }
    return status;
}
