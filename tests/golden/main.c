// SPDX-License-Identifier: Apache-2.0
// fovea-golden DIR…: runs every reference case (*.safetensors) it finds in the folders, at each instruction-set level
// this machine has. A line a case: PASS, FAIL with the first array that is off, or SKIP for a kind it does not know how
// to build. Exit status: 0 all passed (or skipped), 1 a failure, 2 nothing could be read.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "golden.h"

typedef enum outcome { PASSED, FAILED, SKIPPED } outcome;

static const golden_kind *find_kind(const char *layer) {
    const golden_kind *const lists[] = {golden_layers, golden_built_layers, golden_others};
    for (size_t i = 0; layer && i < sizeof lists / sizeof *lists; i++) {
        for (const golden_kind *kind = lists[i]; kind->layer; kind++) {
            if (strcmp(kind->layer, layer) == 0) {
                return kind;
            }
        }
    }
    return NULL;
}

// Runs the case at one level; the message of a failure goes to `error`.
static fv_status run_once(const char *folder, const fv__tensor_file *file, const golden_kind *kind, json_t *config,
                          const fv__kernels *kernels, fv__pool *pool, double *worst, fv_error *error) {
    golden_case golden = {
        .folder = folder, .file = file, .config = config, .kernels = kernels, .pool = pool, .attention = -1};
    fv__graph_init(&golden.graph);
    kind->run(&golden);
    for (int i = 0; i < golden.binding_count; i++) {
        fv__free(golden.bindings[i].values);
    }
    fv__free(golden.weights);
    fv__graph_free(&golden.graph);
    *worst = golden.worst > *worst ? golden.worst : *worst;
    *error = golden.error;
    return golden.status;
}

static outcome run_case(const char *folder, const char *path, const char *name, fv__pool *pool) {
    fv__tensor_file *file = NULL;
    fv_error error = {0};
    if (fv__safetensors_open(path, &file, &error)) {
        printf("FAIL %s: %s\n", name, error.message);
        return FAILED;
    }
    const char *layer = fv__safetensors_metadata(file, "layer"), *text = fv__safetensors_metadata(file, "config");
    const golden_kind *kind = find_kind(layer);
    json_t *config = text ? json_loads(text, 0, NULL) : json_object();
    outcome result = kind && config ? PASSED : SKIPPED;
    double worst = 0;
    if (result == SKIPPED) {
        printf("SKIP %s: no way to build layer '%s'\n", name, layer ? layer : "(none named)");
    }
    const fv__kernels *kernels;
    for (int i = 0; result == PASSED && (kernels = fv__kernels_available(i)); i++) {
        fv_status status = run_once(folder, file, kind, config, kernels, pool, &worst, &error);
        if (status == FV_UNSUPPORTED) {
            printf("SKIP %s: %s\n", name, error.message);
            result = SKIPPED;
        } else if (status) {
            printf("FAIL %s (%s): %s\n", name, kernels->level, error.message);
            result = FAILED;
        }
    }
    if (result == PASSED) {
        printf("PASS %s (worst error %.0f %% of what is allowed)\n", name, 100 * worst);
    }
    json_decref(config);
    fv__safetensors_close(file);
    return result;
}

static int is_case(const struct dirent *entry) {
    const char *end = strrchr(entry->d_name, '.');
    return end && strcmp(end, ".safetensors") == 0;
}

int main(int count, char **arguments) {
    if (count < 2) {
        fprintf(stderr, "usage: fovea-golden DIR...\nRuns the reference cases (*.safetensors) in each folder.\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); // a line as soon as its case is done, into a pipe too
    int totals[3] = {0};
    fv_error error = {0};
    fv__pool *pool = NULL;
    if (fv__pool_create(2, &pool, &error)) {
        fprintf(stderr, "fovea-golden: %s\n", error.message);
        return 2;
    }
    for (int i = 1; i < count; i++) {
        struct dirent **entries;
        int found = scandir(arguments[i], &entries, is_case, alphasort);
        if (found < 0) {
            fprintf(stderr, "fovea-golden: %s: cannot be read as a folder\n", arguments[i]);
            fv__pool_destroy(pool);
            return 2;
        }
        for (int e = 0; e < found; e++) {
            char *path = fv__format("%s/%s", arguments[i], entries[e]->d_name);
            totals[path ? run_case(arguments[i], path, entries[e]->d_name, pool) : FAILED]++;
            fv__free(path);
            free(entries[e]);
        }
        free(entries);
    }
    fv__pool_destroy(pool);
    printf("%d passed, %d failed, %d skipped\n", totals[PASSED], totals[FAILED], totals[SKIPPED]);
    return totals[FAILED] ? 1 : totals[PASSED] + totals[SKIPPED] ? 0 : 2;
}
