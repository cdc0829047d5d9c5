// SPDX-License-Identifier: Apache-2.0
// Tensors: `state.NAME` for each member of fv__run_state, `history`, `weights`, `best_weights`, `optimizer.NAME`: the
// slabs as they lie in memory. Metadata: format, recipe, data, level, rewrite, and the SHA-256 of all of it.
#include "train/checkpoint.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "formats/safetensors.h"
#include "formats/sha256.h"

#define FORMAT "fovea checkpoint 3"

#define REWRITE "rewrite"
#define OFF "off"

enum { MOST_TENSORS = 32 };

typedef struct state_member {
    const char *name;
    fv__dtype dtype;
    size_t offset;
    int64_t count;
} state_member;

#define WHOLE(member)                                                                                                  \
    { "state." #member, FV__U64, offsetof(fv__run_state, member), 1 }
#define REAL(member)                                                                                                   \
    { "state." #member, FV__F64, offsetof(fv__run_state, member), 1 }

static const state_member members[] = {
    WHOLE(epoch),         WHOLE(step),
    WHOLE(steps),         WHOLE(seed),
    REAL(train.loss),     WHOLE(train.samples),
    WHOLE(train.correct), {"state.train.top", FV__U64, offsetof(fv__run_state, train.top), FV_MAX_TOP},
    REAL(seconds),        REAL(rate),
    REAL(best),           WHOLE(best_epoch),
    WHOLE(waited),        WHOLE(weights_kept),
};

enum { MEMBERS = sizeof members / sizeof *members };

// All tensors of the checkpoint, pointing at its parts.
static size_t list_tensors(const fv__checkpoint *checkpoint, fv__tensor_entry tensors[MOST_TENSORS],
                           char names[FV__OPTIMIZER_STATES][48]) {
    size_t count = 0;
    for (int i = 0; i < MEMBERS; i++) {
        tensors[count++] = (fv__tensor_entry){.name = members[i].name,
                                              .dtype = members[i].dtype,
                                              .rank = 1,
                                              .shape = {members[i].count},
                                              .data = (char *)checkpoint->state + members[i].offset};
    }
    const fv__history *history = checkpoint->history;
    tensors[count++] = (fv__tensor_entry){.name = "history",
                                          .dtype = FV__F64,
                                          .rank = 2,
                                          .shape = {(int64_t)history->rows, history->columns},
                                          .data = history->values};
    const fv__optimizer *optimizer = checkpoint->optimizer;
    int64_t weights = (int64_t)optimizer->weight_count;
    tensors[count++] = (fv__tensor_entry){
        .name = "weights", .dtype = FV__F32, .rank = 1, .shape = {weights}, .data = checkpoint->weights};
    for (int i = 0; i < optimizer->state_count; i++) {
        snprintf(names[i], sizeof names[i], "optimizer.%s", optimizer->state_names[i]);
        tensors[count++] = (fv__tensor_entry){
            .name = names[i], .dtype = FV__F32, .rank = 1, .shape = {weights}, .data = optimizer->states[i]};
    }
    if (checkpoint->best_weights && checkpoint->state->weights_kept) {
        tensors[count++] = (fv__tensor_entry){
            .name = "best_weights", .dtype = FV__F32, .rank = 1, .shape = {weights}, .data = checkpoint->best_weights};
    }
    for (size_t i = 0; i < count; i++) {
        tensors[i].bytes = fv__dtype_size(tensors[i].dtype);
        for (int axis = 0; axis < tensors[i].rank; axis++) {
            tensors[i].bytes *= (size_t)tensors[i].shape[axis];
        }
    }
    return count;
}

// The sum over pairs and tensors, so that a damaged file of the right lengths is found out.
static void sum_up(const fv__metadata *pairs, size_t pair_count, const fv__tensor_entry *tensors, size_t count,
                   char text[FV__SHA256_TEXT]) {
    fv__sha256 sum;
    fv__sha256_start(&sum);
    for (size_t i = 0; i < pair_count; i++) {
        fv__sha256_add(&sum, pairs[i].value, strlen(pairs[i].value) + 1);
    }
    for (size_t i = 0; i < count; i++) {
        fv__sha256_add(&sum, tensors[i].name, strlen(tensors[i].name) + 1);
        fv__sha256_add(&sum, tensors[i].data, tensors[i].bytes);
    }
    fv__sha256_end(&sum, text);
}

enum { PAIRS = 5 };

static void list_pairs(const fv__checkpoint *checkpoint, fv__metadata pairs[PAIRS]) {
    pairs[0] = (fv__metadata){"format", FORMAT};
    pairs[1] = (fv__metadata){"recipe", checkpoint->recipe};
    pairs[2] = (fv__metadata){"data", checkpoint->data};
    pairs[3] = (fv__metadata){"level", checkpoint->level};
    pairs[4] = (fv__metadata){REWRITE, checkpoint->rewrite ? "on" : OFF};
}

fv_status fv__checkpoint_write(const fv__checkpoint *checkpoint, const char *path, fv_error *error) {
    fv__tensor_entry tensors[MOST_TENSORS];
    char names[FV__OPTIMIZER_STATES][48], sum[FV__SHA256_TEXT];
    fv__metadata pairs[PAIRS + 1];
    size_t count = list_tensors(checkpoint, tensors, names);
    list_pairs(checkpoint, pairs);
    sum_up(pairs, PAIRS, tensors, count, sum);
    pairs[PAIRS] = (fv__metadata){"sha256", sum};
    return fv__safetensors_write(path, tensors, count, pairs, PAIRS + 1, error);
}

// --- Reading

static fv_status fail_tensor(const char *path, const char *name, fv_error *error) {
    return fv__fail(error, FV_FORMAT, "%s: tensor '%s' is missing or of another size", path, name);
}

static fv_status refuse_level(const char *path, const char *written, const char *used, fv_error *error) {
    const fv__kernels *kernels;
    if (fv__kernels_select(written, &kernels, NULL) == FV_OK) {
        return fv__fail(error, FV_UNSUPPORTED,
                        "%s was written with %s kernels and these are %s, which round differently: set FOVEA_ISA=%s to "
                        "go on with it",
                        path, written, used, written);
    }
    return fv__fail(error, FV_UNSUPPORTED,
                    "%s was written with %.40s kernels, which this machine cannot run: go on with it on a machine that "
                    "can, or (on both) with FOVEA_ISA=%s from the start",
                    path, written, used);
}

static fv_status check_metadata(const fv__checkpoint *checkpoint, const fv__tensor_file *file, const char *path,
                                fv_error *error) {
    fv__metadata ours[PAIRS];
    const char *theirs[PAIRS];
    list_pairs(checkpoint, ours);
    for (int i = 0; i < PAIRS; i++) {
        theirs[i] = fv__safetensors_metadata(file, ours[i].key);
    }
    if (!theirs[0] || strcmp(theirs[0], FORMAT) != 0) {
        return fv__fail(error, FV_FORMAT, "%s is not a checkpoint of this version of fovea (format '%.40s')", path,
                        theirs[0] ? theirs[0] : "unknown");
    }
    fv__tensor_entry tensors[MOST_TENSORS];
    fv__metadata pairs[PAIRS];
    size_t count = fv__safetensors_count(file);
    for (size_t i = 0; i < count && i < MOST_TENSORS; i++) {
        tensors[i] = *fv__safetensors_entry(file, i);
    }
    char sum[FV__SHA256_TEXT];
    const char *written = fv__safetensors_metadata(file, "sha256");
    for (int i = 0; i < PAIRS; i++) {
        pairs[i] = (fv__metadata){ours[i].key, theirs[i] ? theirs[i] : ""};
    }
    sum_up(pairs, PAIRS, tensors, count < MOST_TENSORS ? count : MOST_TENSORS, sum);
    if (!written || strcmp(written, sum) != 0) {
        return fv__fail(error, FV_FORMAT, "%s is damaged: its content does not have the SHA-256 it names", path);
    }
    if (strcmp(pairs[1].value, checkpoint->recipe) != 0) {
        return fv__fail(error, FV_INVALID, "%s belongs to another recipe: resume with the recipe.yaml next to it",
                        path);
    }
    if (strcmp(pairs[2].value, checkpoint->data) != 0) {
        return fv__fail(error, FV_INVALID, "%s belongs to other data: the run began with samples that are not these",
                        path);
    }
    if (strcmp(pairs[3].value, checkpoint->level) != 0) {
        return refuse_level(path, pairs[3].value, checkpoint->level, error);
    }
    return FV_OK;
}

fv_status fv__checkpoint_begin(const fv__checkpoint *run, const char *path, fv_model *model, bool *rewrite,
                               fv_error *error) {
    fv__tensor_file *file;
    fv_status status = FV_OK;
    FV__TRY(fv__safetensors_open(path, &file, error));
    FV__TRY_OR_DONE(check_metadata(run, file, path, error));
    const fv__tensor_entry *weights = fv__safetensors_find(file, "weights");
    const size_t bytes = model->graph.weight_count * sizeof *model->weights;
    const bool fits = weights && weights->dtype == FV__F32 && weights->bytes == bytes;
    FV__TRY_OR_DONE(fits ? FV_OK : fail_tensor(path, "weights", error));
    const char *choice = fv__safetensors_metadata(file, REWRITE);
    *rewrite = !choice || strcmp(choice, OFF) != 0;
    memcpy(model->weights, weights->data, bytes);
done:
    fv__safetensors_close(file);
    return status;
}

// The tensor, if it is there with the dtype and size of `like`.
static const fv__tensor_entry *find(const fv__tensor_file *file, const fv__tensor_entry *like) {
    const fv__tensor_entry *entry = fv__safetensors_find(file, like->name);
    return entry && entry->dtype == like->dtype && entry->bytes == like->bytes ? entry : NULL;
}

// Gives `checkpoint` the history's size and the state's flag, on which its list of tensors depends.
static fv_status make_room(const fv__checkpoint *checkpoint, const fv__tensor_file *file, fv_error *error) {
    const fv__tensor_entry *history = fv__safetensors_find(file, "history");
    size_t row = (size_t)checkpoint->history->columns * sizeof(double);
    checkpoint->state->weights_kept = fv__safetensors_find(file, "best_weights") != NULL;
    return fv__history_resize(checkpoint->history, history ? history->bytes / row : 0, error);
}

fv_status fv__checkpoint_read(const fv__checkpoint *checkpoint, const char *path, fv_error *error) {
    fv__tensor_file *file;
    fv__tensor_entry tensors[MOST_TENSORS];
    char names[FV__OPTIMIZER_STATES][48];
    fv_status status = FV_OK;
    FV__TRY(fv__safetensors_open(path, &file, error));
    FV__TRY_OR_DONE(make_room(checkpoint, file, error));
    const size_t count = list_tensors(checkpoint, tensors, names);
    if (fv__safetensors_count(file) != count) {
        FV__TRY_OR_DONE(fv__fail(error, FV_FORMAT, "%s holds %zu tensors, but this training keeps %zu", path,
                                 fv__safetensors_count(file), count));
    }
    for (size_t i = 0; i < count; i++) {
        FV__TRY_OR_DONE(find(file, &tensors[i]) ? FV_OK : fail_tensor(path, tensors[i].name, error));
    }
    for (size_t i = 0; i < count; i++) {
        if (tensors[i].bytes) {
            memcpy((void *)tensors[i].data, find(file, &tensors[i])->data, tensors[i].bytes);
        }
    }
done:
    fv__safetensors_close(file);
    return status;
}
