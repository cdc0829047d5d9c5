// SPDX-License-Identifier: Apache-2.0
// What is wrong, or may be, with a folder of photographs.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/check.h"
#include "data/folder.h"
#include "image/decode.h"

enum { FEW = 10, MOST_COMPARED = 200000 };

typedef struct photographs {
    fv__folder folder;
    fv__photos parts[FV__CHECK_PARTS];
    int part_count;
} photographs;

static void close_all(photographs *all) {
    for (int p = 0; p < all->part_count; p++) {
        fv__photos_free(&all->parts[p]);
    }
    fv__folder_free(&all->folder);
}

// --- Reading

static void count_part(const photographs *all, int p, fv_check *check, size_t *class_counts) {
    fv_check_part *part = &check->parts[p];
    fv_check_info *info = &check->info;
    for (size_t i = 0; i < all->parts[p].count; i++) {
        const fv__photo *photo = &all->parts[p].items[i];
        if (photo->problem) {
            info->unreadable++;
            continue;
        }
        class_counts[photo->label]++;
        part->samples++;
        info->least_width = !info->least_width || photo->width < info->least_width ? photo->width : info->least_width;
        info->least_height =
            !info->least_height || photo->height < info->least_height ? photo->height : info->least_height;
        info->most_width = photo->width > info->most_width ? photo->width : info->most_width;
        info->most_height = photo->height > info->most_height ? photo->height : info->most_height;
    }
}

static fv_status add_part(photographs *all, fv_check *check, const char *split, const char *name, int threads,
                          fv_error *error) {
    const int p = all->part_count++;
    size_t *class_counts = fv__alloc_array((size_t)all->folder.classes, sizeof *class_counts);
    check->parts[p] = (fv_check_part){.name = fv__strdup(name ? name : split), .class_counts = class_counts};
    check->info.part_count = all->part_count;
    if (!class_counts || !check->parts[p].name) {
        return fv__fail_memory(error, "a part");
    }
    FV__TRY(fv__folder_photos(&all->folder, split, threads, &all->parts[p], error));
    count_part(all, p, check, class_counts);
    return FV_OK;
}

// The names in one block, which outlives the folder.
static fv_status copy_names(const fv__folder *folder, fv_check *check, fv_error *error) {
    size_t bytes = (size_t)folder->classes * sizeof(char *);
    for (int c = 0; c < folder->classes; c++) {
        bytes += strlen(folder->class_names[c]) + 1;
    }
    check->class_names = fv__alloc(bytes + 1);
    check->root = fv__strdup(folder->root);
    if (!check->class_names || !check->root) {
        return fv__fail_memory(error, "the check");
    }
    char *text = (char *)(check->class_names + folder->classes);
    for (int c = 0; c < folder->classes; c++) {
        check->class_names[c] = strcpy(text, folder->class_names[c]);
        text += strlen(text) + 1;
    }
    check->info.folder = check->root;
    check->info.classes = folder->classes;
    check->info.class_names = (const char *const *)check->class_names;
    return FV_OK;
}

static fv_status open_all(const fv__dataset_place *place, int threads, photographs *all, fv_check *check,
                          fv_error *error) {
    const fv__folder *folder = &all->folder;
    FV__TRY(fv__folder_find(place->info, place->path, &all->folder, error));
    FV__TRY(copy_names(folder, check, error));
    FV__TRY(add_part(all, check, "train", folder->train, threads, error));
    if (folder->validation) {
        FV__TRY(add_part(all, check, "validation", folder->validation, threads, error));
    }
    if (folder->test && strcmp(folder->test, folder->validation) != 0) {
        FV__TRY(add_part(all, check, "test", folder->test, threads, error));
    }
    return FV_OK;
}

// --- Single files

static fv_status find_unreadable(const photographs *all, fv_check *check, fv_error *error) {
    fv__check_list(check, "unreadable", "Cannot be read, and will be left out", true);
    for (int p = 0; p < all->part_count; p++) {
        for (size_t i = 0; i < all->parts[p].count; i++) {
            const fv__photo *photo = &all->parts[p].items[i];
            if (photo->problem) {
                FV__TRY(fv__check_add(check, photo->path, photo->problem, false, error));
            }
        }
    }
    return FV_OK;
}

static fv_status find_misnamed(const photographs *all, fv_check *check, fv_error *error) {
    fv__check_list(check, "misnamed", "Named as another kind of image than they are (they will be read)", false);
    for (int p = 0; p < all->part_count; p++) {
        for (size_t i = 0; i < all->parts[p].count; i++) {
            const fv__photo *photo = &all->parts[p].items[i];
            if (!photo->problem && !fv__image_format_named(photo->format, photo->path)) {
                FV__TRY(fv__check_add(check, photo->path, photo->format, true, error));
            }
        }
    }
    return FV_OK;
}

static fv_status find_small_classes(const photographs *all, fv_check *check, fv_error *error) {
    char text[64];
    fv__check_list(check, "small_classes", "Classes with few images", true);
    for (int p = 0; p < all->part_count; p++) {
        for (int c = 0; c < all->folder.classes; c++) {
            const size_t count = check->parts[p].class_counts[c];
            if (count < (p == 0 ? FEW : 1)) {
                snprintf(text, sizeof text, "%zu in %s", count, check->parts[p].name);
                FV__TRY(fv__check_add(check, all->folder.class_names[c], text, count > 0, error));
            }
        }
    }
    return FV_OK;
}

// --- Pairs of files

typedef struct picture {
    const fv__photo *photo;
    int part;
} picture;

static int by_content(const void *a, const void *b) {
    const picture *first = a, *second = b;
    int order = strcmp(first->photo->sha256, second->photo->sha256);
    return order ? order : strcmp(first->photo->path, second->photo->path);
}

// All that can be read, by content; NULL when out of memory.
static picture *gather(const photographs *all, size_t *count) {
    size_t most = 0;
    for (int p = 0; p < all->part_count; p++) {
        most += all->parts[p].count;
    }
    picture *pictures = fv__alloc_array(most + 1, sizeof *pictures);
    *count = 0;
    for (int p = 0; p < all->part_count && pictures; p++) {
        for (size_t i = 0; i < all->parts[p].count; i++) {
            if (!all->parts[p].items[i].problem) {
                pictures[(*count)++] = (picture){&all->parts[p].items[i], p};
            }
        }
    }
    if (pictures && *count) {
        qsort(pictures, *count, sizeof *pictures, by_content);
    }
    return pictures;
}

// Files of one content: each with the first of them.
static fv_status find_same(fv_check *check, const picture *all, size_t count, bool across, fv_error *error) {
    for (size_t first = 0, i = 1; i < count; i++) {
        if (strcmp(all[first].photo->sha256, all[i].photo->sha256) != 0) {
            first = i;
        } else if ((all[first].part != all[i].part) == across) {
            FV__TRY(fv__check_add(check, all[first].photo->path, all[i].photo->path, !across, error));
        }
    }
    return FV_OK;
}

static fv_status find_alike(fv_check *check, const picture *all, size_t count, bool across, fv_error *error) {
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            if (fv__photos_alike(all[i].photo, all[j].photo) && (all[i].part != all[j].part) == across &&
                strcmp(all[i].photo->sha256, all[j].photo->sha256) != 0) {
                FV__TRY(fv__check_add(check, all[i].photo->path, all[j].photo->path, true, error));
            }
        }
    }
    return FV_OK;
}

static fv_status find_pairs(const photographs *photos, fv_check *check, fv_error *error) {
    size_t count;
    fv_status status = FV_OK;
    picture *all = gather(photos, &count);
    FV__TRY_OR_DONE(all ? FV_OK : fv__fail_memory(error, "the check"));
    const size_t compared = count <= MOST_COMPARED ? count : 0;
    check->info.not_compared = count > MOST_COMPARED ? count : 0;
    fv__check_list(check, "shared", "The same image in two parts, so that validation knows it already", true);
    FV__TRY_OR_DONE(find_same(check, all, count, true, error));
    fv__check_list(check, "same", "The same image twice", true);
    FV__TRY_OR_DONE(find_same(check, all, count, false, error));
    fv__check_list(check, "shared_alike", "Nearly the same image in two parts", false);
    FV__TRY_OR_DONE(find_alike(check, all, compared, true, error));
    fv__check_list(check, "alike", "Nearly the same image twice", false);
    FV__TRY_OR_DONE(find_alike(check, all, compared, false, error));
done:
    fv__free(all);
    return status;
}

fv_status fv__check_photos(fv_check *check, const fv__dataset_place *place, bool brief, int threads, fv_error *error) {
    photographs all = {0};
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(open_all(place, threads, &all, check, error));
    if (!brief) {
        FV__TRY_OR_DONE(find_unreadable(&all, check, error));
        FV__TRY_OR_DONE(find_misnamed(&all, check, error));
        FV__TRY_OR_DONE(find_small_classes(&all, check, error));
        FV__TRY_OR_DONE(find_pairs(&all, check, error));
    }
done:
    close_all(&all);
    return status;
}
