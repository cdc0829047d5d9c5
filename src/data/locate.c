#include "data/locate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fetch/cache.h"
#include "formats/file.h"

char *fv__dataset_file_path(const char *folder, const fv__dataset_file *file, fv_status *status) {
    // "train-images-idx3-ubyte.gz" is looked for as it is, unpacked, and with a dot before "idx".
    size_t stem = strlen(file->name);
    if (stem > 3 && strcmp(file->name + stem - 3, ".gz") == 0) {
        stem -= 3;
    }
    const char *idx = strstr(file->name, "-idx");
    for (int variant = 0; variant < 4; variant++) {
        bool dotted = variant & 1;
        const char *ending = variant & 2 ? ".gz" : ""; // an unpacked one first: it is read at once
        if (dotted && !idx) {
            continue;
        }
        char *path = fv__format("%s/%.*s%s", folder, (int)stem, file->name, ending);
        if (!path) {
            *status = FV_MEMORY;
            return NULL;
        }
        if (dotted) {
            path[strlen(folder) + 1 + (size_t)(idx - file->name)] = '.';
        }
        if (fv__file_exists(path)) {
            return path;
        }
        fv__free(path);
    }
    return NULL;
}

static bool wanted(const fv__dataset_file *file, const char *split) {
    return !split || strcmp(file->split, split) == 0;
}

// Several sets use the same names for their files, so a folder not named after its set may hold another one: its label
// file (the smallest) tells by its sum. NULL when it is none that is known.
static const char *whose(const fv__dataset_info *info, const char *path, const char *name) {
    char sum[FV__SHA256_TEXT];
    if (fv__sha256_unpacked_file(path, sum, NULL) != FV_OK) {
        return NULL;
    }
    for (size_t i = 0; i < fv__dataset_known_count(); i++) {
        const fv__dataset_info *other = fv__dataset_known(i);
        for (size_t j = 0; other != info && j < other->file_count; j++) {
            if (strcmp(other->files[j].name, name) == 0 && strcmp(other->files[j].sha256, sum) == 0) {
                return other->name;
            }
        }
    }
    return NULL;
}

// Are the files of the split in the folder? When not, `why` says what is wrong with it.
static bool holds(const fv__dataset_info *info, const char *split, const char *folder, char *why, size_t room,
                  fv_status *status) {
    if (!fv__folder_exists(folder)) {
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

static void look_everywhere(search *now) {
    const char *data = getenv("FOVEA_DATA");
    if (data && data[0]) {
        look(now, fv__format("%s/%s", data, now->info->name));
        look(now, fv__strdup(data));
    }
    char *cache = NULL;
    fv_status status = fv__cache_path(now->info->name, &cache, NULL);
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
        look(&now, fv__format("%s/%s", path, info->name));
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
                        now.places, info->name);
    }
    return fv__fail(error, FV_NOT_FOUND, "%s not found; looked in: %s. `fovea data get %s` downloads it%s%s",
                    info->name, now.places, info->name, info->package ? ", or on Debian: apt install " : "",
                    info->package ? info->package : "");
}
