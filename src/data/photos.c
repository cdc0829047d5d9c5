// SPDX-License-Identifier: Apache-2.0
#include "data/photos.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/pool.h"
#include "data/photo_index.h"
#include "formats/file.h"
#include "image/resize.h"

fv_status fv__photos_begin(fv__photos *photos, const char *root, fv_error *error) {
    *photos = (fv__photos){.root = fv__strdup(root)};
    return photos->root ? FV_OK : fv__fail_memory(error, root);
}

void fv__photos_free(fv__photos *photos) {
    for (size_t i = 0; i < photos->count; i++) {
        fv__free(photos->items[i].path);
        fv__free(photos->items[i].problem);
    }
    fv__free(photos->items);
    fv__free(photos->root);
    *photos = (fv__photos){0};
}

bool fv__photos_alike(const fv__photo *a, const fv__photo *b) {
    enum { MOST = 6, DETAIL = 12 }; // of 128 bits; a picture of one colour is like every other
    int detail = __builtin_popcountll(a->likeness[0]) + __builtin_popcountll(a->likeness[1]);
    int across = __builtin_popcountll(a->likeness[0] ^ b->likeness[0]);
    return across <= MOST && across + __builtin_popcountll(a->likeness[1] ^ b->likeness[1]) <= MOST &&
           detail >= DETAIL && detail <= 128 - DETAIL;
}

// --- Finding them

// By its name, or else by how it begins.
static bool is_picture(const char *path) {
    uint8_t start[FV__IMAGE_START];
    if (fv__image_named(path)) {
        return true;
    }
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = descriptor >= 0 ? read(descriptor, start, sizeof start) : -1;
    if (descriptor >= 0) {
        close(descriptor);
    }
    return got > 0 && fv__image_begins(start, (size_t)got);
}

static fv_status add_file(fv__photos *photos, const char *path, const char *full, const struct stat *about, int label,
                          fv_error *error) {
    if (!is_picture(full)) {
        return FV_OK;
    }
    if (photos->count == photos->capacity) {
        size_t capacity = photos->capacity + photos->capacity / 2 + 64;
        fv__photo *grown = fv__realloc(photos->items, capacity * sizeof *grown);
        if (!grown) {
            return fv__fail_memory(error, photos->root);
        }
        photos->items = grown;
        photos->capacity = capacity;
    }
    fv__photo *photo = &photos->items[photos->count];
    *photo = (fv__photo){.path = fv__strdup(path),
                         .size = (uint64_t)about->st_size,
                         .changed = (int64_t)about->st_mtim.tv_sec * 1000000000 + about->st_mtim.tv_nsec,
                         .label = label};
    if (!photo->path) {
        return fv__fail_memory(error, photos->root);
    }
    photos->count++;
    return FV_OK;
}

static fv_status add_folder(fv__photos *photos, const char *folder, int label, int depth, fv_error *error);

static fv_status add_entry(fv__photos *photos, const char *path, int label, int depth, fv_error *error) {
    struct stat itself, about;
    char *full = fv__format("%s/%s", photos->root, path);
    fv_status status = full ? FV_OK : fv__fail_memory(error, path);
    if (status || lstat(full, &itself) != 0) {
        fv__free(full);
        return status;
    }
    if (stat(full, &about) != 0) { // a link that leads nowhere: found out like any file that cannot be read
        status = add_file(photos, path, full, &itself, label, error);
    } else if (S_ISDIR(itself.st_mode)) { // but no link to a folder, which could lead round in circles
        status = add_folder(photos, path, label, depth + 1, error);
    } else if (S_ISREG(about.st_mode)) {
        status = add_file(photos, path, full, &about, label, error);
    }
    fv__free(full);
    return status;
}

static fv_status add_folder(fv__photos *photos, const char *folder, int label, int depth, fv_error *error) {
    enum { DEEPEST = 32 };
    char *full = fv__format("%s/%s", photos->root, folder);
    DIR *entries = full ? opendir(full) : NULL;
    fv_status status = !full      ? fv__fail_memory(error, folder)
                       : !entries ? fv__fail_file(error, full, "read the folder", errno)
                                  : FV_OK;
    for (struct dirent *entry; entries && depth < DEEPEST && !status && (entry = readdir(entries));) {
        char *path = entry->d_name[0] == '.' ? NULL : fv__format("%s/%s", folder, entry->d_name);
        if (path) {
            status = add_entry(photos, path, label, depth, error);
        } else if (entry->d_name[0] != '.') {
            status = fv__fail_memory(error, folder);
        }
        fv__free(path);
    }
    if (entries) {
        closedir(entries);
    }
    fv__free(full);
    return status;
}

fv_status fv__photos_add(fv__photos *photos, const char *folder, int label, fv_error *error) {
    return add_folder(photos, folder, label, 0, error);
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const fv__photo *)a)->path, ((const fv__photo *)b)->path);
}

void fv__photos_sort(fv__photos *photos) {
    if (photos->count) {
        qsort(photos->items, photos->count, sizeof *photos->items, by_path);
    }
}

// --- Looking at them

typedef struct look {
    fv__photos *photos;
    const fv__kernels *kernels;
    int failed; // atomic: out of memory
} look;

// Each bit tells whether a pixel of the picture, made 9 by 9, is darker than the next ("difference hash").
static fv_status compute_likeness(const fv__bitmap *image, const fv__kernels *kernels, uint64_t likeness[2],
                                  fv_error *error) {
    enum { BITS = 8, SIDE = BITS + 1 };
    const fv__resize resize = {.mode = FV__RESIZE_ANTIALIAS, .height = SIDE, .width = SIDE};
    uint8_t small[SIDE * SIDE];
    fv_status status = fv__resize_pixels(&resize, kernels, image, 1, small, error);
    likeness[0] = likeness[1] = 0;
    for (int y = 0; y < BITS && !status; y++) {
        for (int x = 0; x < BITS; x++) {
            const uint8_t *pixel = small + y * SIDE + x;
            likeness[0] = likeness[0] << 1 | (pixel[0] < pixel[1]);
            likeness[1] = likeness[1] << 1 | (pixel[0] < pixel[SIDE]);
        }
    }
    return status;
}

// Pictures are looked at as small as is fast: their likeness needs no more than this.
enum { LEAST_SIDE = 64 };

static fv_status look_inside(fv__photo *photo, const char *path, const fv__kernels *kernels, fv_error *error) {
    uint8_t *bytes;
    size_t size;
    fv__bitmap image;
    fv_status status = fv__file_read(path, FV__IMAGE_BYTES, &bytes, &size, error);
    if (status) {
        return status;
    }
    fv__sha256_memory(bytes, size, photo->sha256);
    const fv__image_format *format = fv__image_format_of(bytes, size);
    strncpy(photo->format, format ? fv__image_format_name(format) : "", sizeof photo->format - 1);
    status = fv__image_survey(bytes, size, path, LEAST_SIDE, &image, error);
    if (!status) {
        status = compute_likeness(&image, kernels, photo->likeness, error);
        photo->height = image.whole[0];
        photo->width = image.whole[1];
        fv__bitmap_free(&image);
    }
    fv__free(bytes);
    return status;
}

static void look_at(void *context, int index, int worker) {
    (void)worker;
    look *now = context;
    fv__photo *photo = &now->photos->items[index];
    fv_error error;
    if (photo->height > 0 || photo->problem) { // known from an earlier time
        return;
    }
    char *path = fv__format("%s/%s", now->photos->root, photo->path);
    fv_status status = path ? look_inside(photo, path, now->kernels, &error) : FV_MEMORY;
    if (status && status != FV_MEMORY) {
        size_t length = strlen(path);
        bool named = strncmp(error.message, path, length) == 0 && strncmp(error.message + length, ": ", 2) == 0;
        photo->problem = fv__strdup(error.message + (named ? length + 2 : 0));
    }
    if (status == FV_MEMORY || (status && !photo->problem)) {
        __atomic_store_n(&now->failed, 1, __ATOMIC_RELAXED);
    }
    fv__free(path);
}

fv_status fv__photos_look(fv__photos *photos, int threads, fv_error *error) {
    look now = {.photos = photos};
    fv__pool *pool = NULL;
    fv__photos_sort(photos);
    size_t known = fv__photo_index_load(photos);
    if (known == photos->count) {
        return FV_OK;
    }
    if (photos->count > INT32_MAX) {
        return fv__fail(error, FV_INVALID, "%s: more than %d pictures", photos->root, INT32_MAX);
    }
    fv_status status = fv__kernels_select(NULL, &now.kernels, error);
    if (!status) {
        status = fv__pool_create(threads, &pool, error);
    }
    if (!status) {
        fv__pool_run(pool, (int)photos->count, look_at, &now);
        status = now.failed ? fv__fail_memory(error, photos->root) : FV_OK;
    }
    fv__pool_destroy(pool);
    if (!status) {
        fv__photo_index_store(photos);
    }
    return status;
}
