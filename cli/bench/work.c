// What `fovea bench` times: whole steps on random samples in memory. A step of training is forward, loss, backward and
// update; a step of inference is bytes to probabilities.
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "base/random.h"
#include "bench.h"

// Images come round every 16 batches (fewer of large ones) and labels every 61: no sample keeps its label, so that
// nothing is learnt by heart and gradients stay of ordinary size.
enum { MOST_SAMPLE_BATCHES = 16, LABEL_BATCHES = 61, MOST_SAMPLE_VALUES = 1 << 24 };

static size_t sample_values(const cli_benchmark *bench) {
    const fv_model *model = bench->model;
    return fv__shape_elements(fv__graph_shape(&model->graph, bench->from > 0 ? bench->from : model->input));
}

static int make_samples(cli_benchmark *bench, uint64_t seed) {
    const size_t batch = (size_t)bench->batch, size = sample_values(bench);
    const size_t fitting = MOST_SAMPLE_VALUES / (batch * size);
    const size_t batches = fitting < 1 ? 1 : fitting < MOST_SAMPLE_BATCHES ? fitting : MOST_SAMPLE_BATCHES;
    bench->sample_batches = (int)batches;
    bench->labels = fv__alloc_array(LABEL_BATCHES * batch, sizeof *bench->labels);
    bench->values = bench->training ? fv__alloc_array(batches * batch, size * sizeof(float)) : NULL;
    bench->pixels = bench->training ? NULL : fv__alloc_array(batches * batch, size);
    bench->probabilities = fv__alloc_array(batch, (size_t)bench->model->classes * sizeof(float));
    if (!bench->labels || !(bench->values || bench->pixels) || !bench->probabilities) {
        return cli_fail_memory();
    }
    fv__random random = fv__random_start(seed, FV__DRAW_TEST, 0);
    for (size_t i = 0; i < batches * batch * size; i++) {
        uint32_t word = fv__random_word(&random);
        if (bench->training) {
            bench->values[i] = (float)(word >> 8) / (float)(1 << 24);
        } else {
            bench->pixels[i] = (uint8_t)(word >> 24);
        }
    }
    for (size_t i = 0; i < LABEL_BATCHES * batch; i++) {
        bench->labels[i] = (int32_t)fv__random_below(&random, (uint64_t)bench->model->classes);
    }
    return CLI_OK;
}

int cli_bench_prepare(cli_benchmark *bench, const fv__train_settings *settings, uint64_t seed) {
    fv_error error;
    bench->threads = bench->threads ? bench->threads : fv__cpu_threads();
    if (fv__kernels_select(NULL, &bench->kernels, &error) != FV_OK) {
        return cli_fail(&error);
    }
    int code = make_samples(bench, seed);
    if (code != CLI_OK) {
        return code;
    }
    fv_model_set_threads(bench->model, bench->threads);
    if (!bench->training) {
        return CLI_OK;
    }
    fv__train_settings own = *settings;
    own.batch = bench->batch;
    const fv__trainer_options options = {.threads = bench->threads,
                                         .seed = seed,
                                         .train_samples = (size_t)bench->sample_batches * (size_t)bench->batch,
                                         .from = bench->from};
    return fv__trainer_create(bench->model, &own, &options, &bench->trainer, &error) == FV_OK ? CLI_OK
                                                                                              : cli_fail(&error);
}

void cli_bench_free(cli_benchmark *bench) {
    fv__trainer_destroy(bench->trainer);
    fv__free(bench->labels);
    fv__free(bench->values);
    fv__free(bench->pixels);
    fv__free(bench->probabilities);
}

typedef struct images_in_memory {
    const float *values;
    size_t size; // floats of an image
} images_in_memory;

static fv_status read_image(void *context, size_t index, float *values, fv_error *error) {
    (void)error;
    const images_in_memory *images = context;
    memcpy(values, images->values + index * images->size, images->size * sizeof *values);
    return FV_OK;
}

static fv_status train(cli_benchmark *bench, fv_error *error) {
    const size_t batch = (size_t)bench->batch, size = sample_values(bench);
    const size_t images = bench->next % (size_t)bench->sample_batches, labels = bench->next % LABEL_BATCHES;
    images_in_memory memory = {bench->values + images * batch * size, size};
    const fv__samples samples = {
        .count = batch, .labels = bench->labels + labels * batch, .read_values = read_image, .context = &memory};
    uint32_t indices[FV__MOST_BATCH];
    for (uint32_t i = 0; i < batch; i++) {
        indices[i] = i;
    }
    fv__metrics metrics = {0};
    return fv__trainer_step(bench->trainer, &samples, indices, bench->batch, &metrics, error);
}

int cli_bench_step(cli_benchmark *bench) {
    fv_error error;
    fv_status status;
    if (bench->training) {
        status = train(bench, &error);
    } else {
        size_t offset = bench->next % (size_t)bench->sample_batches * (size_t)bench->batch * sample_values(bench);
        status = fv_predict(bench->model, bench->pixels + offset, (size_t)bench->batch, bench->probabilities, &error);
    }
    bench->next++;
    return status == FV_OK ? CLI_OK : cli_fail(&error);
}

int cli_bench_run(cli_benchmark *bench, double seconds, long steps, cli_bench_time *time) {
    double begin = fv__seconds();
    *time = (cli_bench_time){0};
    while (time->steps < steps || time->seconds < seconds) {
        int code = cli_bench_step(bench);
        if (code != CLI_OK) {
            return code;
        }
        time->steps++;
        time->seconds = fv__seconds() - begin;
    }
    return CLI_OK;
}

double cli_peak_memory(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_maxrss / 1024 : 0;
}
