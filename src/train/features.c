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
#include "formats/npy.h"
#include "formats/sha256.h"
#include "graph/runner.h"

enum {
    BATCH = 64,
    PAYS_FROM = 256, // multiply-adds a value: reading one back takes about as long as these
    HEADER = FV__NPY_HEADER
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
    fv_status status = FV_OK;
    if (run->probe) {
        fv__model_preprocess(run->model, run->probe, 1, out);
        return FV_OK;
    }
    for (int i = 0; i < count && !status; i++, out += values) {
        fv__augment_draw draw = {.sample = run->first + (size_t)(first + i)};
        status = fv__render(&run->renderer, run->samples, draw, worker, out, error);
    }
    return status;
}

static fv_status start(frozen_run *run, const fv_model *model, const fv__features_options *options, fv_error *error) {
    *run = (frozen_run){.model = model};
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
    fv_status status = fv__runner_run(&run->runner, run->plan, &feed, error);
    *values = fv__plan_value(run->plan, run->node);
    return status;
}

// --- The name of the file

static void add_text(fv__sha256 *sum, const char *text) {
    fv__sha256_add(sum, text, strlen(text) + 1);
}

// What the frozen part computes is told by its weights and its output for a picture of noise.
static fv_status fingerprint(frozen_run *run, const fv__features_options *options, size_t values,
                             char text[FV__SHA256_TEXT], fv_error *error) {
    const fv_model *model = run->model;
    const size_t bytes = fv__shape_elements(fv__graph_shape(&model->graph, model->input));
    const float *output;
    uint8_t *probe = fv__alloc(bytes);
    if (!probe) {
        return fv__fail_memory(error, "the features");
    }
    for (size_t i = 0; i < bytes; i++) {
        probe[i] = (uint8_t)((uint32_t)i * 2654435761u >> 24);
    }
    run->probe = probe;
    fv_status status = run_batch(run, 1, &output, error);
    run->probe = NULL;
    fv__free(probe);
    if (!status) {
        fv__sha256 sum;
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
    }
    return status;
}

// --- The file

static fv_status write_batches(frozen_run *run, const fv__features_options *options, const fv__features *features,
                               fv__writer *writer, fv_error *error) {
    fv_status status = FV_OK;
    const double begin = fv__seconds();
    for (run->first = 0; run->first < features->count && !status; run->first += BATCH) {
        const size_t left = features->count - run->first;
        const int count = left < BATCH ? (int)left : BATCH;
        const float *values;
        status = run_batch(run, count, &values, error);
        if (!status) {
            status = fv__writer_append(writer, values, (size_t)count * features->values * sizeof *values, error);
        }
        if (!status && options->on_batch &&
            !options->on_batch(options->context, run->first + (size_t)count, features->count, fv__seconds() - begin)) {
            status = fv__fail(error, FV_INTERRUPTED, "stopped while the frozen layers were computed");
        }
    }
    return status;
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
    fv__npy_header(header, sizes, 1 + (size_t)shape.rank);
    fv_status status = fv__writer_open(features->path, &writer, error);
    if (status) {
        return status;
    }
    run->samples = samples;
    fv__writer_append(writer, header, sizeof header, NULL);
    status = write_batches(run, options, features, writer, error);
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

// One process computes, the others wait: whoever has the lock looks again whether the file has come.
static fv_status find_or_compute(frozen_run *run, const fv__samples *samples, const fv__features_options *options,
                                 fv__features *features, fv_error *error) {
    char *lock_path = fv__format("%s.lock", features->path);
    fv_status status = lock_path ? fv__make_folders(options->folder, error) : fv__fail_memory(error, "the features");
    features->file = status ? -1 : open_file(features);
    while (!status && features->file < 0) {
        int lock = fv__open_locked(lock_path);
        if (lock < 0 && errno == EWOULDBLOCK) {
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
            if (options->on_batch && !options->on_batch(options->context, 0, features->count, 0)) {
                status = fv__fail(error, FV_INTERRUPTED, "stopped while another process computed the frozen layers");
            }
        } else if (lock < 0) {
            status = fv__fail_file(error, lock_path, "write", errno);
        } else {
            features->file = open_file(features);
            if (features->file < 0) {
                status = compute(run, samples, options, features, error);
            }
            unlink(lock_path);
            close(lock);
        }
        features->file = status || features->file >= 0 ? features->file : open_file(features);
    }
    fv__free(lock_path);
    return status;
}

bool fv__features_pay(const fv_model *model, int node) {
    double multiply_adds = 0;
    for (int n = 0; n <= node; n++) {
        const fv__node *one = &model->graph.nodes[n];
        multiply_adds += fv__node_multiply_adds(one);
    }
    return multiply_adds > PAYS_FROM * (double)fv__shape_elements(fv__graph_shape(&model->graph, node));
}

fv_status fv__features_open(const fv_model *model, const fv__samples *samples, const fv__features_options *options,
                            fv__features **out, fv_error *error) {
    char name[FV__SHA256_TEXT];
    frozen_run run;
    *out = NULL;
    fv__features *features = fv__alloc(sizeof *features);
    if (!features) {
        return fv__fail_memory(error, "the features");
    }
    features->file = -1;
    features->count = samples->count;
    features->values = fv__shape_elements(fv__graph_shape(&model->graph, options->node));
    fv_status status = start(&run, model, options, error);
    if (!status) {
        status = fingerprint(&run, options, features->values, name, error);
    }
    if (!status) {
        features->path = fv__format("%s/%.32s.npy", options->folder, name);
        status = features->path ? find_or_compute(&run, samples, options, features, error)
                                : fv__fail_memory(error, "the features");
    }
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
