// SPDX-License-Identifier: Apache-2.0
// Time and memory of training by tokens: the transformer of vit-cifar100 on images of 16, 32, 64 … pixels, cut into
// patches of 2 × 2. Attention's time grows with the square of the tokens; its memory must not.
//
//   tokens [BATCH [SIDE ...]]      4 images a step, sides 16 32 64 128, unless given
//
// Each size runs in a process of its own, whose largest resident set is told; the rate is that of the best step.
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "train/trainer.h"

enum { CLASSES = 100, LEAST_STEPS = 2 };

static const double least_seconds = 2;

static void check(fv_status status, const fv_error *error) {
    if (status != FV_OK) {
        fprintf(stderr, "tokens: %s\n", error->message);
        exit(1);
    }
}

static fv_model *make_model(int side) {
    static const char *const layers[] = {
        "patches: 2", "dense: 64", "position_embedding",
        "repeat: {times: 8, layers: ["
        "{residual: [{layer_norm: {epsilon: 1e-5}}, {multi_head_attention: {heads: 4, head_dim: 64, dropout: 0.2}}]}, "
        "{residual: [{layer_norm: {epsilon: 1e-5}}, {dense: {units: 64, activation: gelu_tanh}}, {dropout: 0.2}, "
        "{dense: 64}, {dropout: 0.2}]}]}",
        "global_average_pool"};
    fv_error error;
    fv_model *model;
    check(fv_model_create(side, side, 3, "unit", &model, &error), &error);
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        check(fv_model_add(model, &error, "%s", layers[i]), &error);
    }
    check(fv_model_add(model, &error, "dense: %d", CLASSES), &error);
    return model;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static fv_status read_noise(void *context, size_t index, uint8_t *pixels, fv_error *error) {
    (void)error;
    const size_t bytes = *(const size_t *)context;
    for (size_t i = 0; i < bytes; i++) {
        pixels[i] = (uint8_t)((index * bytes + i) * 2654435761U >> 16);
    }
    return FV_OK;
}

// Images a second of the best step.
static double measure(fv_model *model, int batch, int side) {
    fv_error error;
    fv__trainer *trainer;
    fv__train_settings settings;
    check(fv__train_settings_read(NULL, &settings, &error), &error);
    settings.batch = batch;
    const fv__trainer_options options = {.train_samples = (size_t)batch};
    check(fv__trainer_create(model, &settings, &options, &trainer, &error), &error);
    size_t bytes = (size_t)side * (size_t)side * 3;
    int32_t *labels = fv__alloc_array((size_t)batch, sizeof *labels);
    uint32_t *indices = fv__alloc_array((size_t)batch, sizeof *indices);
    check(labels && indices ? FV_OK : fv__fail_memory(&error, "the samples"), &error);
    for (int i = 0; i < batch; i++) {
        labels[i] = i % CLASSES;
        indices[i] = (uint32_t)i;
    }
    const fv__samples samples = {.count = (size_t)batch, .labels = labels, .read = read_noise, .context = &bytes};
    double best = 0, begin = now();
    for (int step = 0; step < LEAST_STEPS || now() - begin < least_seconds; step++) {
        fv__metrics metrics = {0};
        double start = now();
        check(fv__trainer_step(trainer, &samples, indices, batch, &metrics, &error), &error);
        double rate = batch / (now() - start);
        best = rate > best ? rate : best;
    }
    fv__trainer_destroy(trainer);
    fv__free(labels);
    fv__free(indices);
    return best;
}

static void report(int batch, int side) {
    fv_model *model = make_model(side);
    double rate = measure(model, batch, side);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("| %d × %d | %d | %.3g | %ld |\n", side, side, side * side / 4, rate, usage.ru_maxrss / 1024);
    fv_model_free(model);
}

int main(int count, char **arguments) {
    static const int usual[] = {16, 32, 64, 128};
    const int batch = count > 1 ? atoi(arguments[1]) : 4, sides = count > 2 ? count - 2 : 4;
    if (batch < 1) {
        fputs("usage: tokens [BATCH [SIDE ...]]\n", stderr);
        return 2;
    }
    printf("vit-cifar100, training, batch %d\n\n| image | tokens | img/s | peak MB |\n| --- | ---: | ---: | ---: |\n",
           batch);
    for (int i = 0; i < sides; i++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            report(batch, count > 2 ? atoi(arguments[i + 2]) : usual[i]);
            fflush(stdout);
            _exit(0);
        }
        int status;
        if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
            return 1;
        }
    }
    return 0;
}
