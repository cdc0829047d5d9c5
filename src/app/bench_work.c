// SPDX-License-Identifier: Apache-2.0
// What a benchmark times: whole steps on random samples in memory. A step of training is forward, loss, backward and
// update; a step of inference is bytes to probabilities.
#include <string.h>

#include "app/bench.h"
#include "base/memory.h"
#include "base/random.h"

// Images come round every 16 batches (fewer of large ones) and labels every 61: no sample keeps its label, so that
// nothing is learnt by heart and gradients stay of ordinary size.
enum { MOST_SAMPLE_BATCHES = 16, LABEL_BATCHES = 61, MOST_SAMPLE_VALUES = 1 << 24 };

static size_t sample_values(const fv_bench *bench) {
    const fv_model *model = bench->model;
    return fv__shape_elements(fv__graph_shape(&model->graph, bench->from > 0 ? bench->from : model->input));
}

fv_status fv__bench_fill(fv_bench *bench, uint64_t seed, fv_error *error) {
    const size_t batch = (size_t)bench->info.batch, size = sample_values(bench);
    const size_t fitting = MOST_SAMPLE_VALUES / (batch * size);
    const size_t batches = fitting < 1 ? 1 : fitting < MOST_SAMPLE_BATCHES ? fitting : MOST_SAMPLE_BATCHES;
    bench->sample_batches = (int)batches;
    bench->labels = fv__alloc_array(LABEL_BATCHES * batch, sizeof *bench->labels);
    bench->values = bench->info.training ? fv__alloc_array(batches * batch, size * sizeof(float)) : NULL;
    bench->pixels = bench->info.training ? NULL : fv__alloc_array(batches * batch, size);
    bench->probabilities = fv__alloc_array(batch, (size_t)bench->model->classes * sizeof(float));
    if (!bench->labels || !(bench->values || bench->pixels) || !bench->probabilities) {
        return fv__fail_memory(error, "the benchmark");
    }
    fv__random random = fv__random_start(seed, FV__DRAW_TEST, 0);
    for (size_t i = 0; i < batches * batch * size; i++) {
        uint32_t word = fv__random_word(&random);
        if (bench->info.training) {
            bench->values[i] = (float)(word >> 8) / (float)(1 << 24);
        } else {
            bench->pixels[i] = (uint8_t)(word >> 24);
        }
    }
    for (size_t i = 0; i < LABEL_BATCHES * batch; i++) {
        bench->labels[i] = (int32_t)fv__random_below(&random, (uint64_t)bench->model->classes);
    }
    return FV_OK;
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

static fv_status train(fv_bench *bench, fv_error *error) {
    const size_t batch = (size_t)bench->info.batch, size = sample_values(bench);
    const size_t images = bench->next % (size_t)bench->sample_batches, labels = bench->next % LABEL_BATCHES;
    images_in_memory memory = {bench->values + images * batch * size, size};
    const fv__samples samples = {
        .count = batch, .labels = bench->labels + labels * batch, .read_values = read_image, .context = &memory};
    uint32_t indices[FV__MOST_BATCH];
    for (uint32_t i = 0; i < batch; i++) {
        indices[i] = i;
    }
    fv__metrics metrics = {0};
    return fv__trainer_step(bench->trainer, &samples, indices, bench->info.batch, &metrics, error);
}

fv_status fv__bench_step(fv_bench *bench, fv_error *error) {
    fv_status status;
    if (bench->trainer) {
        status = train(bench, error);
    } else {
        const size_t batch = (size_t)bench->info.batch;
        const size_t offset = bench->next % (size_t)bench->sample_batches * batch * sample_values(bench);
        status = fv_predictor_run(bench->predictor, bench->pixels + offset, batch, bench->probabilities, error);
    }
    bench->next++;
    return status;
}
