// SPDX-License-Identifier: Apache-2.0
#include "recipe/pretrained.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fetch/cache.h"
#include "formats/file.h"

// Keras's, of which no sums of the files are published.
#define MOBILENET_V2(width, size)                                                                                      \
    {                                                                                                                  \
        .given = {.name = "mobilenet-v2-" width "-" size,                                                              \
                  .title = "MobileNetV2 of width " width ", ImageNet at " size "×" size,                               \
                  .url = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2",                  \
                  .file = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_" width "_" size ".h5"},                    \
        .headless = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_" width "_" size "_no_top.h5",                    \
        .classes = "imagenet_classes.txt",                                                                             \
    }
#define MOBILENET_V2_SIZES(width)                                                                                      \
    MOBILENET_V2(width, "224"), MOBILENET_V2(width, "192"), MOBILENET_V2(width, "160"), MOBILENET_V2(width, "128"),    \
        MOBILENET_V2(width, "96")

static const fv__pretrained known[] = {
    MOBILENET_V2_SIZES("1.0"),  MOBILENET_V2_SIZES("0.75"), MOBILENET_V2_SIZES("0.5"),
    MOBILENET_V2_SIZES("0.35"), MOBILENET_V2("1.3", "224"), MOBILENET_V2("1.4", "224"),
};
enum { KNOWN_COUNT = sizeof known / sizeof *known };

size_t fv__pretrained_count(void) {
    return KNOWN_COUNT;
}

const fv__pretrained *fv__pretrained_at(size_t index) {
    return &known[index];
}

static const fv__pretrained *find(const char *name) {
    for (int i = 0; i < KNOWN_COUNT; i++) {
        if (strcmp(known[i].given.name, name) == 0) {
            return &known[i];
        }
    }
    return NULL;
}

const fv__pretrained *fv__pretrained_find(const char *name, fv_error *error) {
    const fv__pretrained *found = find(name);
    if (!found) {
        const char *names[KNOWN_COUNT + 1] = {NULL};
        char hint[800];
        for (int i = 0; i < KNOWN_COUNT; i++) {
            names[i] = known[i].given.name;
        }
        fv__fail(error, FV_NOT_FOUND, "no weights are called '%.80s', nor is a file; %s", name,
                 fv__suggest_name(hint, sizeof hint, name, names));
    }
    return found;
}

// --- Places

// The folders that are searched, and how many there are; FV_MEMORY. Each is to be freed.
enum { MOST_PLACES = 3 };

static fv_status list_places(char *places[MOST_PLACES], int *count, fv_error *error) {
    const char *own = getenv("FOVEA_WEIGHTS"), *keras = getenv("KERAS_HOME"), *home = getenv("HOME");
    *count = 0;
    if (own && own[0] && !(places[(*count)++] = fv__strdup(own))) {
        return fv__fail_memory(error, "the path of weights");
    }
    fv_status status = fv__cache_path("weights", &places[*count], error);
    if (status == FV_MEMORY) {
        return status;
    }
    *count += status == FV_OK; // no home folder is no error: there are other places
    if ((keras && keras[0]) || (home && home[0])) {
        places[*count] = keras && keras[0] ? fv__format("%s/models", keras) : fv__format("%s/.keras/models", home);
        return places[(*count)++] ? FV_OK : fv__fail_memory(error, "the path of weights");
    }
    return FV_OK;
}

static void free_places(char *places[MOST_PLACES]) {
    for (int i = 0; i < MOST_PLACES; i++) {
        fv__free(places[i]);
    }
}

static fv_status look_for(char *places[MOST_PLACES], int count, const char *file, char **path, fv_error *error) {
    for (int i = 0; i < count; i++) {
        char *at = fv__format("%s/%s", places[i], file);
        if (!at) {
            return fv__fail_memory(error, "the path of weights");
        }
        if (fv__file_exists(at)) {
            *path = at;
            return FV_OK;
        }
        fv__free(at);
    }
    return FV_OK;
}

static fv_status fail_missing(const fv__pretrained *wanted, char *places[MOST_PLACES], int count, fv_error *error) {
    fv__text text = {0};
    for (int i = 0; i < count; i++) {
        fv__text_addf(&text, "%s%s", i ? ", " : "", places[i]);
    }
    fv_status status = text.failed
                           ? fv__fail_memory(error, "the path of weights")
                           : fv__fail(error, FV_NOT_FOUND,
                                      "the weights %s are not here; `fovea weights get %s` downloads them, or "
                                      "put %s/%s into one of: %s",
                                      wanted->given.name, wanted->given.name, wanted->given.url, wanted->given.file,
                                      text.bytes ? text.bytes : "the folder that FOVEA_WEIGHTS names");
    fv__text_free(&text);
    return status;
}

fv_status fv__pretrained_locate(const fv__pretrained *wanted, char **path, fv_error *error) {
    char *places[MOST_PLACES] = {NULL};
    int count;
    *path = NULL;
    fv_status status = list_places(places, &count, error);
    if (!status) {
        status = look_for(places, count, wanted->given.file, path, error);
    }
    if (!status && !*path) {
        status = look_for(places, count, wanted->headless, path, error);
    }
    if (!status && !*path) {
        status = fail_missing(wanted, places, count, error);
    }
    free_places(places);
    return status;
}

fv_status fv__pretrained_classes(const fv__pretrained *wanted, char **path, fv_error *error) {
    char *places[MOST_PLACES] = {NULL};
    int count;
    *path = NULL;
    fv_status status = list_places(places, &count, error);
    if (!status) {
        status = look_for(places, count, wanted->classes, path, error);
    }
    free_places(places);
    return status;
}

// --- Downloading

// Where no sum is published, a file that is whole and can be read is taken for the one meant.
static fv_status check_arrival(void *context, const char *path, fv_error *error) {
    fv__weights weights;
    (void)context;
    fv_status status = fv__weights_read(path, &weights, error);
    fv__weights_free(&weights);
    return status == FV_FORMAT ? fv__fail_in(error, status, "the download was removed") : status;
}

fv_status fv__pretrained_get(const fv__pretrained *wanted, const char *folder, fv_event_callback *on_event,
                             void *context, char **path, fv_error *error) {
    const char *mirror = getenv("FOVEA_MIRROR");
    char *cache = NULL;
    *path = NULL;
    fv_status status = folder ? FV_OK : fv__cache_path("weights", &cache, error);
    if (status) {
        return status;
    }
    char *url = mirror && mirror[0] ? fv__format("%s/weights/%s", mirror, wanted->given.file)
                                    : fv__format("%s/%s", wanted->given.url, wanted->given.file);
    *path = fv__format("%s/%s", folder ? folder : cache, wanted->given.file);
    fv__fetch_options options = {
        .sha256 = wanted->given.sha256, .check = check_arrival, .on_event = on_event, .context = context};
    status = url && *path ? fv__fetch(url, *path, &options, error) : fv__fail_memory(error, "the path of weights");
    fv__free(url);
    fv__free(cache);
    if (status) {
        fv__free(*path);
        *path = NULL;
    }
    return status;
}

fv_status fv__pretrained_path(const char *from, char **path, fv_error *error) {
    const fv__pretrained *wanted = find(from);
    *path = NULL;
    if (wanted) {
        return fv__pretrained_locate(wanted, path, error);
    }
    if (!strchr(from, '/') && !fv__file_exists(from)) {
        fv__pretrained_find(from, error);
        return FV_NOT_FOUND;
    }
    if (!fv__file_exists(from)) {
        return fv__fail_file(error, from, "open", ENOENT);
    }
    *path = fv__strdup(from);
    return *path ? FV_OK : fv__fail_memory(error, "the path of weights");
}

fv_status fv__pretrained_read(const char *from, fv__weights *weights, char **path, fv_error *error) {
    *weights = (fv__weights){0};
    fv_status status = fv__pretrained_path(from, path, error);
    if (!status && (status = fv__weights_read(*path, weights, error))) {
        fv__free(*path);
        *path = NULL;
    }
    return status;
}
