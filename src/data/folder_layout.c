// SPDX-License-Identifier: Apache-2.0
// What is where in a folder of photographs.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "data/folder.h"
#include "data/locate.h"
#include "data/unpack.h"
#include "formats/file.h"
#include "image/decode.h"

void fv__folder_free(fv__folder *folder) {
    for (int i = 0; i < folder->classes; i++) {
        fv__free(folder->class_names[i]);
    }
    fv__free(folder->class_names);
    fv__free(folder->train);
    fv__free(folder->validation);
    fv__free(folder->test);
    fv__free(folder->root);
    *folder = (fv__folder){0};
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

typedef struct listing {
    char **names; // of the folders in it, sorted
    int count, capacity;
    bool pictures; // files that are such by their names are in it
} listing;

static void free_listing(listing *list) {
    for (int i = 0; i < list->count; i++) {
        fv__free(list->names[i]);
    }
    fv__free(list->names);
    *list = (listing){0};
}

static fv_status list_entry(listing *list, const char *path, const char *name, fv_error *error) {
    char *full = fv__format("%s/%s", path, name);
    bool folder = full && fv__folder_exists(full);
    fv__free(full);
    list->pictures |= full && !folder && fv__image_named(name);
    if (full && !folder) {
        return FV_OK;
    }
    bool room = fv__reserve((void **)&list->names, list->count, &list->capacity, sizeof *list->names);
    char *copy = room && full ? fv__strdup(name) : NULL;
    if (!copy) {
        return fv__fail_memory(error, path);
    }
    list->names[list->count++] = copy;
    return FV_OK;
}

static fv_status list_folder(const char *path, listing *list, fv_error *error) {
    *list = (listing){0};
    DIR *entries = opendir(path);
    fv_status status = entries ? FV_OK : fv__fail_file(error, path, "read the folder", errno);
    for (struct dirent *entry; !status && (entry = readdir(entries));) {
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "__MACOSX") != 0) {
            status = list_entry(list, path, entry->d_name, error);
        }
    }
    if (entries) {
        closedir(entries);
    }
    if (status) {
        free_listing(list);
    } else if (list->count) {
        qsort(list->names, (size_t)list->count, sizeof *list->names, by_name);
    }
    return status;
}

// --- Parts

static const char *const train_names[] = {"train", "training", NULL};
static const char *const validation_names[] = {"validation", "val", "valid", NULL};
static const char *const test_names[] = {"test", "testing", NULL};

// The folder in the list that has the first of the names, in whatever case.
static const char *find_part(const listing *list, const char *const *names) {
    for (int n = 0; names[n]; n++) {
        for (int i = 0; i < list->count; i++) {
            if (strcasecmp(list->names[i], names[n]) == 0) {
                return list->names[i];
            }
        }
    }
    return NULL;
}

// Whether the folders in the list, which are in `root`, are parts. Where one called "train" stands beside others, none
// of which is a part, it must have folders in it: else it is a class that is called so.
static fv_status has_parts(const char *root, const listing *list, bool *parts, fv_error *error) {
    const char *train = find_part(list, train_names);
    listing inside = {0};
    *parts = train != NULL;
    if (!train || list->count == 1 || find_part(list, validation_names) || find_part(list, test_names)) {
        return FV_OK;
    }
    char *path = fv__format("%s/%s", root, train);
    fv_status status = path ? list_folder(path, &inside, error) : fv__fail_memory(error, root);
    fv__free(path);
    if (!status) {
        *parts = inside.count > 0;
        free_listing(&inside);
    }
    return status;
}

// Names go into models and pictures.
static fv_status check_names(const fv__folder *folder, const listing *list, fv_error *error) {
    for (int i = 0; i < list->count; i++) {
        if (!fv__is_utf8(list->names[i])) {
            return fv__fail(error, FV_FORMAT, "%s%s%s: the name of its folder '%s' is not UTF-8; rename it",
                            folder->root, folder->train ? "/" : "", folder->train ? folder->train : "", list->names[i]);
        }
    }
    return FV_OK;
}

// Makes `list`, which is of the root, that of the classes.
static fv_status enter_train(fv__folder *folder, listing *list, fv_error *error) {
    const char *validation = find_part(list, validation_names), *test = find_part(list, test_names);
    listing classes;
    validation = validation ? validation : test;
    test = test ? test : validation;
    folder->train = fv__strdup(find_part(list, train_names));
    folder->validation = validation ? fv__strdup(validation) : NULL;
    folder->test = test ? fv__strdup(test) : NULL;
    char *path = folder->train ? fv__format("%s/%s", folder->root, folder->train) : NULL;
    bool complete = path && !folder->validation == !validation && !folder->test == !test;
    fv_status status = complete ? list_folder(path, &classes, error) : fv__fail_memory(error, folder->root);
    fv__free(path);
    if (!status) {
        free_listing(list);
        *list = classes;
    }
    return status;
}

// A folder that has only another folder in it, which has folders in turn, stands for that one.
static fv_status look_through(fv__folder *folder, listing *list, fv_error *error) {
    while (list->count == 1 && !list->pictures && !find_part(list, train_names)) {
        listing inside = {0};
        char *path = fv__format("%s/%s", folder->root, list->names[0]);
        fv_status status = path ? list_folder(path, &inside, error) : fv__fail_memory(error, folder->root);
        if (status || inside.count == 0) {
            fv__free(path);
            return status;
        }
        fv__free(folder->root);
        folder->root = path;
        free_listing(list);
        *list = inside;
    }
    return FV_OK;
}

static fv_status find_parts(fv__folder *folder, fv_error *error) {
    listing list;
    fv_status status = list_folder(folder->root, &list, error);
    if (status) {
        return status;
    }
    bool parts = false;
    status = look_through(folder, &list, error);
    if (!status) {
        status = has_parts(folder->root, &list, &parts, error);
    }
    if (!status && parts) {
        status = enter_train(folder, &list, error);
    }
    if (!status) {
        status = check_names(folder, &list, error);
    }
    if (!status && list.count == 0) {
        status = fv__fail(error, FV_FORMAT,
                          "%s: no folder for each class in it; expected are %s/CLASS/PICTURE.jpg, or %s/train/CLASS/… "
                          "and %s/validation/CLASS/…",
                          folder->root, folder->root, folder->root, folder->root);
    }
    if (status) {
        free_listing(&list);
        return status;
    }
    folder->class_names = list.names;
    folder->classes = list.count;
    return FV_OK;
}

fv_status fv__folder_check_part(const fv__folder *folder, const char *part, fv_error *error) {
    listing list = {0};
    char *path = fv__format("%s/%s", folder->root, part);
    fv_status status = path ? list_folder(path, &list, error) : fv__fail_memory(error, part);
    for (int i = 0; i < list.count && !status; i++) {
        if (!bsearch(&list.names[i], folder->class_names, (size_t)folder->classes, sizeof list.names[i], by_name)) {
            status = fv__fail(error, FV_FORMAT, "%s: there is a class '%s' in %s that is not in %s", folder->root,
                              list.names[i], part, folder->train);
        }
    }
    free_listing(&list);
    fv__free(path);
    return status;
}

// --- Where it is

// The folder or archive that was named or, of a set known by name, its one file, also in a folder that was named.
static fv_status locate(const fv__dataset_info *info, const char *path, char **found, fv_error *error) {
    fv_status status = FV_OK;
    char *folder = NULL;
    *found = NULL;
    if (!path && !info->file_count) {
        return fv__fail(error, FV_INVALID,
                        "where are the pictures? data.path (or --path) names a folder, a zip or a tar file");
    }
    if (!path && (status = fv__dataset_locate(info, NULL, NULL, &folder, error))) {
        return status;
    }
    if (info->file_count) {
        *found = fv__dataset_file_path(path ? path : folder, &info->files[0], &status);
    }
    if (!*found && !status && path) {
        *found = fv__strdup(path);
    }
    fv__free(folder);
    return *found ? FV_OK : fv__fail_memory(error, info->name);
}

fv_status fv__folder_find(const fv__dataset_info *info, const char *path, fv__folder *folder, fv_error *error) {
    char *found;
    *folder = (fv__folder){0};
    fv_status status = locate(info, path, &found, error);
    if (status) {
        return status;
    }
    if (fv__folder_exists(found)) {
        folder->root = found;
        for (size_t end = strlen(found); end > 1 && found[end - 1] == '/'; end--) {
            found[end - 1] = 0;
        }
    } else {
        status = fv__unpack(found, &folder->root, error);
        fv__free(found);
    }
    return status ? status : find_parts(folder, error);
}
