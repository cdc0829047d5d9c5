// SPDX-License-Identifier: Apache-2.0
// The image files of a folder, as the public API gives them.
#include <string.h>

#include "base/memory.h"
#include "data/photos.h"
#include "image/decode.h"

static fv_status copy_paths(const fv__photos *photos, const char *folder, fv_image_list *list, fv_error *error) {
    int length = (int)strlen(folder);
    while (length > 1 && folder[length - 1] == '/') {
        length--;
    }
    list->paths = fv__alloc_array(photos->count + 1, sizeof *list->paths);
    if (!list->paths) {
        return fv__fail_memory(error, folder);
    }
    for (; list->count < photos->count; list->count++) {
        const char *below = photos->items[list->count].path + 2; // after "./"
        char *path = fv__format("%.*s%s%s", length, folder, folder[length - 1] == '/' ? "" : "/", below);
        if (!path) {
            return fv__fail_memory(error, folder);
        }
        list->paths[list->count] = path;
    }
    return FV_OK;
}

fv_status fv_images_find(const char *folder, fv_image_list **out, fv_error *error) {
    *out = NULL;
    fv__photos photos = {0};
    fv_status status = FV_OK;
    fv_image_list *list = fv__alloc(sizeof *list);
    FV__TRY_OR_DONE(list ? FV_OK : fv__fail_memory(error, folder));
    FV__TRY_OR_DONE(fv__photos_begin(&photos, folder, error));
    FV__TRY_OR_DONE(fv__photos_add(&photos, ".", 0, error));
    fv__photos_sort(&photos);
    FV__TRY_OR_DONE(copy_paths(&photos, folder, list, error));
    *out = list;
    list = NULL;
done:
    fv_images_free(list);
    fv__photos_free(&photos);
    return status;
}

void fv_images_free(fv_image_list *list) {
    if (list) {
        for (size_t i = 0; i < list->count; i++) {
            fv__free((char *)list->paths[i]);
        }
        fv__free(list->paths);
        fv__free(list);
    }
}

bool fv_image_is_named(const char *path) {
    return fv__image_named(path);
}
