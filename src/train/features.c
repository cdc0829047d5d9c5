// SPDX-License-Identifier: Apache-2.0
#include "train/features.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "formats/file.h"
#include "formats/sha256.h"
#include "fovea.h"
#include "graph/runner.h"

enum {
    BATCH = 64,
    PAYS_FROM = 256, // multiply-adds a value: reading one back takes about as long as these
    HEADER = FV_NPY_HEADER
};

struct fv__features {
    int file;
    char *path;
    size_t count, values; // of a sample
};

// --- Running the frozen part

typedef struct frozen_run {
    const fv_model *model;
    fv__runner runner;
    int node; // of the graph that runs
    fv__plan *plan;
    fv__renderer renderer;
    const fv__samples *samples; // while running
    size_t first;               // sample of the batch
    const uint8_t *probe;       // instead of samples: one picture
    uint64_t ids[BATCH];
} frozen_run;

static fv_status render(void *context, int input, int first, int count, int worker, float *out, fv_error *error) {
    (void)input;
    frozen_run *run = context;
    const size_t values = fv__shape_elements(fv__graph_shape(&run->model->graph, run->model->input));
    if (run->probe) {
        fv__model_preprocess(run->model, run->probe, 1, out);
        return FV_OK;
    }
    for (int i = 0; i < count; i++, out += values) {
        const fv__augment_draw draw = {.sample = run->first + (size_t)(first + i)};
        FV__TRY(fv__render(&run->renderer, run->samples, draw, worker, out, error));
    }
    return FV_OK;
}

static fv_status start(frozen_run *run, const fv__features_options *options, fv_error *error) {
    const fv_model *model = run->model;
    const fv__rewrite_options rewrite = {
        .rules = !options->no_rewrite, .batch = BATCH, .wanted = &options->node, .wanted_count = 1};
    FV__TRY(fv__runner_start(&run->runner, options->threads, error));
    FV__TRY(
        fv__renderer_init(&run->renderer, model, run->runner.kernels, NULL, fv__runner_threads(&run->runner), error));
    FV__TRY(fv__runner_rewrite(&run->runner, &model->graph, &rewrite, error));
    run->node = run->runner.rewrite.node_of[options->node];
    const fv__plan_options plan = {.batch = BATCH, .root = run->node};
    return fv__runner_plan(&run->runner, NULL, &plan, &run->plan, error);
}

static void stop(frozen_run *run) {
    fv__plan_destroy(run->plan);
    fv__renderer_free(&run->renderer);
    fv__runner_stop(&run->runner);
}

static fv_status run_batch(frozen_run *run, int count, const float **values, fv_error *error) {
    for (int i = 0; i < count; i++) {
        run->ids[i] = run->first + (size_t)i;
    }
    fv__feed feed = {
        .samples = count, .weights = run->model->weights, .sample_ids = run->ids, .render = render, .context = run};
    *values = fv__plan_value(run->plan, run->node);
    return fv__runner_run(&run->runner, run->plan, &feed, error);
}

// --- The name of the file

static void add_text(fv__sha256 *sum, const char *text) {
    fv__sha256_add(sum, text, strlen(text) + 1);
}

// The frozen part is identified by its weights and by its output for an image of noise.
static fv_status fingerprint(frozen_run *run, const fv__features_options *options, size_t values,
                             char text[FV__SHA256_TEXT], fv_error *error) {
    const fv_model *model = run->model;
    const size_t bytes = fv__model_image_bytes(model);
    const float *output;
    fv__sha256 sum;
    fv_status status = FV_OK;
    uint8_t *probe = fv__alloc(bytes);
    FV__TRY_OR_DONE(probe ? FV_OK : fv__fail_memory(error, "the features"));
    for (size_t i = 0; i < bytes; i++) {
        probe[i] = (uint8_t)((uint32_t)i * 2654435761u >> 24);
    }
    run->probe = probe;
    FV__TRY_OR_DONE(run_batch(run, 1, &output, error));
    fv__sha256_start(&sum);
    add_text(&sum, "fovea features 1");
    add_text(&sum, run->runner.kernels->level);
    add_text(&sum, options->data);
    for (int i = 0; i < model->graph.parameter_count; i++) {
        const fv__parameter *parameter = &model->graph.parameters[i];
        if (!parameter->trainable && parameter->node <= options->node) {
            fv__sha256_add(&sum, model->weights + parameter->offset, parameter->count * sizeof(float));
        }
    }
    fv__sha256_add(&sum, output, values * sizeof *output);
    fv__sha256_end(&sum, text);
done:
    run->probe = NULL;
    fv__free(probe);
    return status;
}

// --- The file

// Asks the caller whether to go on.
static fv_status report(const fv__features_options *options, size_t done, size_t count, double seconds,
                        const char *what, fv_error *error) {
    if (!options->on_batch || options->on_batch(options->context, done, count, seconds)) {
        return FV_OK;
    }
    return fv__fail(error, FV_INTERRUPTED, "stopped while %s", what);
}

static fv_status write_batches(frozen_run *run, const fv__features_options *options, const fv__features *features,
                               fv__writer *writer, fv_error *error) {
    const double begin = fv__seconds();
    for (run->first = 0; run->first < features->count; run->first += BATCH) {
        const size_t left = features->count - run->first;
        const int count = left < BATCH ? (int)left : BATCH;
        const float *values;
        FV__TRY(run_batch(run, count, &values, error));
        FV__TRY(fv__writer_append(writer, values, (size_t)count * features->values * sizeof *values, error));
        FV__TRY(report(options, run->first + (size_t)count, features->count, fv__seconds() - begin,
                       "the frozen layers were computed", error));
    }
    return FV_OK;
}

static fv_status compute(frozen_run *run, const fv__samples *samples, const fv__features_options *options,
                         const fv__features *features, fv_error *error) {
    uint8_t header[HEADER];
    fv__shape shape = *fv__graph_shape(&run->model->graph, options->node);
    size_t sizes[1 + FV__MAX_RANK] = {features->count};
    fv__writer *writer;
    for (int i = 0; i < shape.rank; i++) {
        sizes[1 + i] = (size_t)shape.size[i];
    }
    fv_npy_header(header, sizes, 1 + (size_t)shape.rank);
    FV__TRY(fv__writer_open(features->path, &writer, error));
    run->samples = samples;
    fv__writer_append(writer, header, sizeof header, NULL);
    const fv_status status = write_batches(run, options, features, writer, error);
    if (status) {
        fv__writer_abandon(writer);
        return status;
    }
    return fv__writer_commit(writer, error);
}

// Opens the file if it is there and whole; -1 if not.
static int open_file(const fv__features *features) {
    struct stat about;
    const size_t bytes = HEADER + features->count * features->values * sizeof(float);
    int file = open(features->path, O_RDONLY | O_CLOEXEC);
    if (file >= 0 && (fstat(file, &about) != 0 || (size_t)about.st_size != bytes)) {
        close(file);
        file = -1;
    }
    return file;
}

// Computes the file if nobody else is about to; otherwise waits a moment.
static fv_status compute_or_wait(frozen_run *run, const fv__samples *samples, const fv__features_options *options,
                                 const char *lock_path, fv__features *features, fv_error *error) {
    const int lock = fv__open_locked(lock_path);
    if (lock < 0 && errno == EWOULDBLOCK) {
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        return report(options, 0, features->count, 0, "another process computed the frozen layers", error);
    }
    if (lock < 0) {
        return fv__fail_file(error, lock_path, "write", errno);
    }
    features->file = open_file(features); // it may have come in the meantime
    const fv_status status = features->file < 0 ? compute(run, samples, options, features, error) : FV_OK;
    unlink(lock_path);
    close(lock);
    return status;
}

// One process computes, the others wait.
static fv_status find_or_compute(frozen_run *run, const fv__samples *samples, const fv__features_options *options,
                                 fv__features *features, fv_error *error) {
    char *lock_path = fv__format("%s.lock", features->path);
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(lock_path ? FV_OK : fv__fail_memory(error, "the features"));
    FV__TRY_OR_DONE(fv__make_folders(options->folder, error));
    while ((features->file = open_file(features)) < 0) {
        FV__TRY_OR_DONE(compute_or_wait(run, samples, options, lock_path, features, error));
        if (features->file >= 0) {
            break;
        }
    }
done:
    fv__free(lock_path);
    return status;
}

bool fv__features_pay(const fv_model *model, int node) {
    double multiply_adds = 0;
    for (int n = 0; n <= node; n++) {
        multiply_adds += fv__node_multiply_adds(&model->graph.nodes[n]);
    }
    return multiply_adds > PAYS_FROM * (double)fv__shape_elements(fv__graph_shape(&model->graph, node));
}

static fv_status open_features(frozen_run *run, const fv__samples *samples, const fv__features_options *options,
                               fv__features *features, fv_error *error) {
    char name[FV__SHA256_TEXT];
    FV__TRY(start(run, options, error));
    FV__TRY(fingerprint(run, options, features->values, name, error));
    features->path = fv__format("%s/%.32s.npy", options->folder, name);
    FV__TRY(features->path ? FV_OK : fv__fail_memory(error, "the features"));
    return find_or_compute(run, samples, options, features, error);
}

fv_status fv__features_open(const fv_model *model, const fv__samples *samples, const fv__features_options *options,
                            fv__features **out, fv_error *error) {
    frozen_run run = {.model = model};
    *out = NULL;
    fv__features *features = fv__alloc(sizeof *features);
    if (!features) {
        return fv__fail_memory(error, "the features");
    }
    features->file = -1;
    features->count = samples->count;
    features->values = fv__shape_elements(fv__graph_shape(&model->graph, options->node));
    const fv_status status = open_features(&run, samples, options, features, error);
    stop(&run);
    if (status) {
        fv__features_close(features);
        return status;
    }
    *out = features;
    return FV_OK;
}

void fv__features_close(fv__features *features) {
    if (features) {
        if (features->file >= 0) {
            close(features->file);
        }
        fv__free(features->path);
        fv__free(features);
    }
}

// --- Reading

static fv_status read_values(void *context, size_t index, float *values, fv_error *error) {
    const fv__features *features = context;
    const size_t bytes = features->values * sizeof *values;
    char *to = (char *)values;
    for (size_t done = 0; done < bytes;) {
        ssize_t got = pread(features->file, to + done, bytes - done, (off_t)(HEADER + index * bytes + done));
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return fv__fail_file(error, features->path, "read", got ? errno : EIO);
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return FV_OK;
}

fv__samples fv__features_samples(fv__features *features, const fv__samples *samples) {
    return (fv__samples){
        .count = features->count, .labels = samples->labels, .read_values = read_values, .context = features};
}
