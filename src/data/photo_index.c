// SPDX-License-Identifier: Apache-2.0
// A text file in the cache, named after the folder's path: a line a picture, the fields separated by tabs.
//
//     fovea pictures 3: FORMATS
//     SIZE CHANGED HEIGHT WIDTH FORMAT SHA256 LIKENESS PATH PROBLEM
#include "data/photo_index.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "fetch/cache.h"
#include "formats/file.h"
#include "image/decode.h"

// With the formats that were read, since another build reads others.
static const char first_line[] = "fovea pictures 3: ";
enum { FIELDS = 9 };

// NULL when there is nowhere to keep it. Both splits of a data set are below one root, and each has its own index.
static char *index_path(const fv__photos *photos) {
    char *real = realpath(photos->root, NULL), *path = NULL, *name = NULL;
    const char *below = photos->count ? photos->items[0].path : "";
    char key[FV__SHA256_TEXT];
    char *text = real ? fv__format("%s/%.*s", real, (int)strcspn(below, "/"), below) : NULL;
    if (text) {
        fv__sha256_memory(text, strlen(text), key);
        name = fv__format("pictures/%.32s.tsv", key);
    }
    if (name) {
        fv__cache_path(name, &path, NULL);
    }
    fv__free(name);
    fv__free(text);
    free(real); // realpath's
    return path;
}

static fv__photo *find(const fv__photos *photos, const char *path) {
    size_t low = 0, high = photos->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(photos->items[middle].path, path);
        if (order == 0) {
            return &photos->items[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

// Cuts the line into its fields.
static bool split(char *line, char *fields[FIELDS]) {
    for (int i = 0; i < FIELDS; i++) {
        fields[i] = line;
        char *tab = strchr(line, '\t');
        if (!tab != (i == FIELDS - 1)) {
            return false;
        }
        if (tab) {
            *tab = 0;
            line = tab + 1;
        }
    }
    return true;
}

static bool take(const fv__photos *photos, char *line) {
    char *fields[FIELDS];
    if (!split(line, fields)) {
        return false;
    }
    fv__photo *photo = find(photos, fields[7]);
    bool fresh = photo && strtoull(fields[0], NULL, 10) == photo->size &&
                 strtoll(fields[1], NULL, 10) == photo->changed && !photo->height && !photo->problem;
    int height = 0, width = 0;
    bool sound = fresh && fv__parse_int(fields[2], &height) && fv__parse_int(fields[3], &width) &&
                 (height > 0) != (fields[8][0] != 0) && strlen(fields[5]) < FV__SHA256_TEXT;
    if (!sound) {
        return false;
    }
    if (fields[8][0] && !(photo->problem = fv__strdup(fields[8]))) {
        return false; // it is looked at again
    }
    photo->height = height;
    photo->width = width;
    snprintf(photo->format, sizeof photo->format, "%s", fields[4]);
    snprintf(photo->sha256, sizeof photo->sha256, "%s", fields[5]);
    char *second;
    photo->likeness[0] = strtoull(fields[6], &second, 16);
    photo->likeness[1] = strtoull(second, NULL, 16);
    return true;
}

size_t fv__photo_index_load(fv__photos *photos) {
    size_t known = 0, size;
    uint8_t *bytes = NULL;
    char *path = index_path(photos);
    if (path && !fv__file_read(path, 0, &bytes, &size, NULL) && strlen((char *)bytes) == size &&
        strncmp((char *)bytes, first_line, sizeof first_line - 1) == 0) {
        char *line = (char *)bytes + sizeof first_line - 1;
        const size_t formats = strlen(fv__image_formats);
        line = strncmp(line, fv__image_formats, formats) == 0 && line[formats] == '\n' ? line + formats + 1
                                                                                       : line + strlen(line);
        for (char *end; (end = strchr(line, '\n')); line = end + 1) {
            *end = 0;
            known += take(photos, line);
        }
    }
    fv__free(bytes);
    fv__free(path);
    return known;
}

// A file that could not even be read has no sum, and may be readable the next time.
static void add_line(fv__text *text, const fv__photo *photo) {
    if (photo->sha256[0] && !strpbrk(photo->path, "\t\n") && !(photo->problem && strpbrk(photo->problem, "\t\n"))) {
        fv__text_addf(text, "%" PRIu64 "\t%" PRId64 "\t%d\t%d\t%s\t%s\t%" PRIx64 " %" PRIx64 "\t%s\t%s\n", photo->size,
                      photo->changed, photo->height, photo->width, photo->format, photo->sha256, photo->likeness[0],
                      photo->likeness[1], photo->path, photo->problem ? photo->problem : "");
    }
}

void fv__photo_index_store(const fv__photos *photos) {
    fv__text text = {0};
    char *path = index_path(photos);
    char *folder = path ? fv__strndup(path, (size_t)(strrchr(path, '/') - path)) : NULL;
    fv__text_addf(&text, "%s%s\n", first_line, fv__image_formats);
    for (size_t i = 0; i < photos->count; i++) {
        add_line(&text, &photos->items[i]);
    }
    if (folder && !text.failed && !fv__make_folders(folder, NULL)) {
        fv__file_write(path, text.bytes, text.length, NULL);
    }
    fv__text_free(&text);
    fv__free(folder);
    fv__free(path);
}
