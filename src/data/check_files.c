// SPDX-License-Identifier: Apache-2.0
// A known data set: opens every file and says what is wrong with each, not only with the first.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/check.h"
#include "data/locate.h"

typedef struct checking {
    fv_check *check;
    const fv__dataset_info *info;
    const char *path; // where its files were said to be; NULL: where they are found
    int official;     // files whose content is the published one
    struct {
        const fv__dataset_file *file;
        bool official;
    } summed[16]; // of one folder: computing sums takes time
    int summed_count;
} checking;

// What a message says after "PATH: ".
static const char *without_path(const char *message, const char *path) {
    size_t length = strlen(path);
    return strncmp(message, path, length) == 0 && strncmp(message + length, ": ", 2) == 0 ? message + length + 2
                                                                                          : message;
}

// Content against the published sum. A custom folder may hold other data in the same layout: whether a different sum is
// a fault is known only after all files were seen, so only equal ones are counted here.
static bool is_official(checking *now, const fv__dataset_file *file, const char *path) {
    enum { MOST = sizeof now->summed / sizeof *now->summed };
    for (int i = 0; i < now->summed_count; i++) {
        if (now->summed[i].file == file) {
            return now->summed[i].official;
        }
    }
    const bool official = fv__dataset_file_check(file, path, path, NULL) == FV_OK;
    if (now->summed_count < MOST) {
        now->summed[now->summed_count].file = file;
        now->summed[now->summed_count++].official = official;
    }
    return official;
}

// Counts, sizes, labels and packing of one split: opened and read to the end.
static fv_status read_split(const checking *now, const char *split, const char *folder, size_t *count,
                            fv_error *error) {
    fv_dataset *data = NULL;
    fv__dataset_statistics statistics;
    FV__TRY(now->info->open(now->info, split, folder, &data, error));
    *count = data->count;
    const fv_status status = fv__dataset_measure(data, &statistics, error);
    if (!status) {
        fv__dataset_statistics_free(&statistics);
    }
    fv_dataset_free(data);
    return status;
}

static int official_files(checking *now, const char *split, const char *folder) {
    int count = 0;
    for (size_t i = 0; i < now->info->file_count; i++) {
        const fv__dataset_file *file = &now->info->files[i];
        fv_status status = FV_OK;
        char *path = strcmp(file->split, split) == 0 ? fv__dataset_file_path(folder, file, &status) : NULL;
        count += path && is_official(now, file, path);
        fv__free(path);
    }
    return count;
}

// One split: what reading it said, and of which of its files.
typedef struct split_check {
    const char *name, *folder;
    bool known;       // the content should be the published one
    fv_status status; // of reading it
    fv_error problem; //
    size_t samples;   //
    bool named;       // the problem was reported with its file
    char *archive;    // that was reported
} split_check;

static fv_status note_file(checking *now, split_check *split, const fv__dataset_file *file, const char *path,
                           fv_error *error) {
    char text[128];
    if (split->status && strncmp(split->problem.message, path, strlen(path)) == 0) {
        split->named = true;
        return fv__check_add(now->check, path, without_path(split->problem.message, path), false, error);
    }
    if (is_official(now, file, path)) {
        now->official++;
        return fv__check_add(now->check, path, "as published", true, error);
    }
    if (split->known) {
        return fv__check_add(now->check, path, "not the published file: the sum of its content differs; get it again",
                             false, error);
    }
    snprintf(text, sizeof text, "%zu samples in the %s split, not from a published set", split->samples, split->name);
    return fv__check_add(now->check, path, split->status ? "see the other file" : text, true, error);
}

static fv_status check_file(checking *now, split_check *split, const fv__dataset_file *file, fv_error *error) {
    fv_status status = FV_OK;
    char *path = fv__dataset_file_path(split->folder, file, &status);
    if (path && split->archive && strcmp(path, split->archive) == 0) { // its other files
        now->official += is_official(now, file, path);
    } else if (path) {
        FV__TRY_OR_DONE(note_file(now, split, file, path, error));
        if (!split->archive && fv__dataset_is_archive(file, path)) {
            split->archive = path;
            path = NULL;
        }
    } else {
        path = fv__format("%s/%s", split->folder, file->name);
        split->named = true;
        FV__TRY_OR_DONE(fv__check_add(now->check, path ? path : file->name, "not there", false, error));
    }
done:
    fv__free(path);
    return status;
}

static fv_status check_split(checking *now, const char *name, const char *folder, bool known, fv_error *error) {
    split_check split = {.name = name, .folder = folder, .known = known};
    fv_status status = FV_OK;
    split.status = read_split(now, name, folder, &split.samples, &split.problem);
    for (size_t i = 0; i < now->info->file_count; i++) {
        if (strcmp(now->info->files[i].split, name) == 0) {
            FV__TRY_OR_DONE(check_file(now, &split, &now->info->files[i], error));
        }
    }
    if (split.status && !split.named) {
        FV__TRY_OR_DONE(fv__check_add(now->check, folder, split.problem.message, false, error));
    }
done:
    fv__free(split.archive);
    return status;
}

static bool in_own_folder(const char *folder) {
    const char *own = getenv("FOVEA_DATA");
    return own && *own && strncmp(folder, own, strlen(own)) == 0;
}

// The set of which a folder has most files as published, else the first whose layout it has; NULL: none.
const fv__dataset_info *fv__check_recognize(const char *folder) {
    const fv__dataset_info *best = NULL;
    int most = -1;
    for (size_t i = 0; i < fv__dataset_known_count(); i++) {
        checking now = {.info = fv__dataset_known(i)};
        if (now.info->of || !now.info->open) { // the same files, or photographs
            continue;
        }
        const int official = official_files(&now, "train", folder) + official_files(&now, "test", folder);
        bool there = false;
        for (size_t f = 0; f < now.info->file_count && !there; f++) {
            fv_status status = FV_OK;
            char *path = fv__dataset_file_path(folder, &now.info->files[f], &status);
            there = path != NULL;
            fv__free(path);
        }
        if (there && official > most) {
            most = official;
            best = now.info;
        }
    }
    return best;
}

// Both splits in this folder.
static fv_status check_folder(checking *now, const char *folder, fv_error *error) {
    const bool known = official_files(now, "train", folder) + official_files(now, "test", folder) > 0;
    FV__TRY(check_split(now, "train", folder, known, error));
    return check_split(now, "test", folder, known, error);
}

// Each split where it is found.
static fv_status check_set(checking *now, fv_error *error) {
    static const char *const splits[] = {"train", "test"};
    for (int i = 0; i < 2; i++) {
        char *folder = NULL;
        fv_error problem;
        fv_status status;
        if (fv__dataset_locate(now->info, splits[i], now->path, &folder, &problem) == FV_OK) {
            // Where it should be, it should be the published set; a folder that was named may hold another.
            const bool known = !(now->path || in_own_folder(folder)) || official_files(now, splits[i], folder) > 0;
            status = check_split(now, splits[i], folder, known, error);
        } else {
            status = fv__check_add(now->check, splits[i], problem.message, false, error);
        }
        fv__free(folder);
        FV__TRY(status);
    }
    return FV_OK;
}

fv_status fv__check_files(fv_check *check, const fv__dataset_place *place, bool folder, fv_error *error) {
    checking now = {.check = check, .info = place->info, .path = place->path};
    fv__check_list(check, "files", "Files", true);
    FV__TRY(folder ? check_folder(&now, place->path, error) : check_set(&now, error));
    check->info.published = now.official == (int)place->info->file_count;
    return FV_OK;
}
