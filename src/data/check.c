// SPDX-License-Identifier: Apache-2.0
#include "data/check.h"

#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "data/folder.h"
#include "formats/file.h"

void fv__check_list(fv_check *check, const char *key, const char *title, bool faulty) {
    check->lists[check->info.list_count++] = (fv_check_list){.key = key, .title = title, .faulty = faulty};
}

fv_status fv__check_add(fv_check *check, const char *file, const char *detail, bool good, fv_error *error) {
    const int at = check->info.list_count - 1;
    fv__finding_list *list = &check->findings[at];
    if (!fv__reserve((void **)&list->items, list->count, &list->capacity, sizeof *list->items)) {
        return fv__fail_memory(error, "the check");
    }
    fv_finding *finding = &list->items[list->count++];
    *finding = (fv_finding){.file = fv__strdup(file), .detail = fv__strdup(detail), .good = good};
    check->lists[at].findings = list->items;
    check->lists[at].count = list->count;
    check->info.ok &= good || !check->lists[at].faulty;
    return finding->file && finding->detail ? FV_OK : fv__fail_memory(error, "the check");
}

fv_status fv_dataset_check(const char *name, const fv_check_options *options, fv_check **out, fv_error *error) {
    *out = NULL;
    FV__TAKE(fv_check_options, options, error);
    fv__dataset_place place;
    fv_status status = FV_OK;
    fv_check *check = fv__alloc(sizeof *check);
    FV__TRY_OR_DONE(check ? FV_OK : fv__fail_memory(error, "the check"));
    const bool folder = fv_dataset_is_path(name) && fv__folder_exists(name);
    const fv__dataset_info *partial = folder ? fv__check_recognize(name) : NULL;
    FV__TRY_OR_DONE(fv__dataset_find(name, own.path, &place, error));
    place.info = partial ? partial : place.info;
    check->info = (fv_check_info){.name = place.info->name, .ok = true, .photos = !place.info->open};
    FV__TRY_OR_DONE(check->info.photos ? fv__check_photos(check, &place, own.brief, own.threads, error)
                                       : fv__check_files(check, &place, folder, error));
    check->info.lists = check->lists;
    check->info.parts = check->parts;
    *out = check;
    check = NULL;
done:
    fv_check_free(check);
    return status;
}

void fv_check_free(fv_check *check) {
    if (!check) {
        return;
    }
    for (int l = 0; l < FV__CHECK_LISTS; l++) {
        for (int i = 0; i < check->findings[l].count; i++) {
            fv__free((char *)check->findings[l].items[i].file);
            fv__free((char *)check->findings[l].items[i].detail);
        }
        fv__free(check->findings[l].items);
    }
    for (int p = 0; p < FV__CHECK_PARTS; p++) {
        fv__free((char *)check->parts[p].name);
        fv__free((size_t *)check->parts[p].class_counts);
    }
    fv__free(check->class_names);
    fv__free(check->name);
    fv__free(check->root);
    fv__free(check);
}

const fv_check_info *fv_check_get_info(const fv_check *check) {
    return &check->info;
}
