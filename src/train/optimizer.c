// SPDX-License-Identifier: Apache-2.0
// The update. In a tile the gradient is read, the weights and the optimizer's state move, and the gradient is cleared
// for the next step, all while it is in the cache. Clipping needs the norm of all gradients first: one more pass, whose
// tiles' sums are added in their order.
#include "train/optimizer.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

enum { TILE = 8192 }; // weights: small enough to share out, large enough to be worth a task

// --- Making one

// Tiles over runs of neighbouring parameters that are of one lr_factor; `tiles` NULL only counts. Paddings between
// parameters belong to them: they stay zero, since their gradients are.
static int cut_tiles(const fv__graph *graph, fv__optimizer_tile *tiles) {
    int count = 0;
    for (int p = 0; p < graph->parameter_count;) {
        const fv__parameter *start = &graph->parameters[p], *parameter = start;
        if (!start->trainable) {
            p++;
            continue;
        }
        size_t begin = start->offset, end = begin;
        for (; p < graph->parameter_count && parameter->trainable && parameter->lr_factor == start->lr_factor;
             parameter++, p++) {
            end = parameter->offset + parameter->count;
        }
        for (size_t first = begin; first < end; first += TILE) {
            if (tiles) {
                tiles[count] =
                    (fv__optimizer_tile){first, (int)(end - first < TILE ? end - first : TILE), start->lr_factor};
            }
            count++;
        }
    }
    return count;
}

static void name_states(fv__optimizer *optimizer) {
    if (optimizer->settings.kind != FV__OPTIMIZER_SGD) {
        optimizer->state_names[optimizer->state_count++] = "mean";
        optimizer->state_names[optimizer->state_count++] = "square";
    } else if (optimizer->settings.momentum > 0) {
        optimizer->state_names[optimizer->state_count++] = "velocity";
    }
}

fv_status fv__optimizer_init(fv__optimizer *optimizer, const fv__optimizer_settings *settings, double clip_norm,
                             const fv__graph *graph, const fv__kernels *kernels, fv_error *error) {
    *optimizer = (fv__optimizer){
        .settings = *settings, .clip_norm = clip_norm, .kernels = kernels, .weight_count = graph->weight_count};
    name_states(optimizer);
    optimizer->tile_count = cut_tiles(graph, NULL);
    size_t tiles = (size_t)optimizer->tile_count + 1; // never an empty block
    optimizer->tiles = fv__alloc_array(tiles, sizeof *optimizer->tiles);
    optimizer->squares = fv__alloc_array(tiles, sizeof *optimizer->squares);
    bool complete = optimizer->tiles && optimizer->squares;
    for (int i = 0; i < optimizer->state_count && complete; i++) {
        optimizer->states[i] = fv__alloc_array(graph->weight_count + 1, sizeof(float));
        complete = optimizer->states[i] != NULL;
    }
    if (!complete) {
        return fv__fail_memory(error, "the optimizer's state");
    }
    cut_tiles(graph, optimizer->tiles);
    return FV_OK;
}

void fv__optimizer_free(fv__optimizer *optimizer) {
    for (int i = 0; i < FV__OPTIMIZER_STATES; i++) {
        fv__free(optimizer->states[i]);
    }
    fv__free(optimizer->tiles);
    fv__free(optimizer->squares);
    *optimizer = (fv__optimizer){0};
}

// --- A step

typedef struct update {
    const fv__optimizer *optimizer;
    float *weights, *gradients;
    fv__sgd_step sgd;
    fv__adam_step adam;
} update;

static void square_tile(void *context, int index, int worker) {
    (void)worker;
    const update *step = context;
    const fv__optimizer_tile *tile = &step->optimizer->tiles[index];
    step->optimizer->squares[index] =
        step->optimizer->kernels->sum_squares(step->gradients + tile->first, (size_t)tile->count);
}

static void update_tile(void *context, int index, int worker) {
    (void)worker;
    const update *step = context;
    const fv__optimizer *optimizer = step->optimizer;
    const fv__optimizer_tile *tile = &optimizer->tiles[index];
    const size_t first = tile->first, count = (size_t)tile->count;
    float *weights = step->weights + first, *gradients = step->gradients + first;
    float *states[FV__OPTIMIZER_STATES] = {NULL};
    for (int i = 0; i < optimizer->state_count; i++) {
        states[i] = optimizer->states[i] + first;
    }
    if (optimizer->settings.kind == FV__OPTIMIZER_SGD) {
        fv__sgd_step sgd = step->sgd;
        sgd.rate *= tile->lr_factor;
        optimizer->kernels->sgd(&sgd, gradients, weights, states[0], count);
    } else {
        fv__adam_step adam = step->adam;
        adam.rate *= tile->lr_factor;
        adam.decay *= tile->lr_factor;
        optimizer->kernels->adam(&adam, gradients, weights, states[0], states[1], count);
    }
    memset(gradients, 0, count * sizeof *gradients);
}

// What every gradient is multiplied by so that the norm of all is at most clip_norm, as Keras's global_clipnorm.
static fv_status clip(update *step, fv__pool *pool, double *scale, fv_error *error) {
    const fv__optimizer *optimizer = step->optimizer;
    *scale = 1;
    if (optimizer->clip_norm <= 0) {
        return FV_OK;
    }
    fv__pool_run(pool, optimizer->tile_count, square_tile, step);
    double sum = 0;
    for (int i = 0; i < optimizer->tile_count; i++) {
        sum += optimizer->squares[i];
    }
    if (!isfinite(sum)) {
        return fv__fail(error, FV_NUMERIC, "the gradient is not finite");
    }
    double norm = sqrt(sum);
    *scale = norm > optimizer->clip_norm ? optimizer->clip_norm / norm : 1;
    return FV_OK;
}

// The rate of Adam's step with the corrections of both running means, which start at zero; of the constants as floats,
// as Keras's.
static double corrected_rate(const fv__optimizer_settings *settings, uint64_t step, double rate) {
    double t = (double)(step + 1);
    double mean_weight = 1 - pow((double)(float)settings->beta1, t);
    double square_weight = 1 - pow((double)(float)settings->beta2, t);
    return rate * sqrt(square_weight) / mean_weight;
}

fv_status fv__optimizer_step(fv__optimizer *optimizer, fv__pool *pool, uint64_t step, double rate, float *weights,
                             float *gradients, fv_error *error) {
    const fv__optimizer_settings *settings = &optimizer->settings;
    update work = {.optimizer = optimizer, .weights = weights, .gradients = gradients};
    double scale;
    FV__TRY(clip(&work, pool, &scale, error));
    work.sgd = (fv__sgd_step){.rate = (float)rate,
                              .momentum = (float)settings->momentum,
                              .gradient_scale = (float)scale,
                              .nesterov = settings->nesterov};
    if (settings->kind != FV__OPTIMIZER_SGD) {
        double decay = settings->kind == FV__OPTIMIZER_ADAMW ? rate * settings->weight_decay : 0;
        work.adam = (fv__adam_step){.rate = (float)corrected_rate(settings, step, rate),
                                    .beta1 = settings->beta1,
                                    .beta2 = settings->beta2,
                                    .epsilon = (float)settings->epsilon,
                                    .decay = (float)decay,
                                    .gradient_scale = (float)scale};
    }
    fv__pool_run(pool, optimizer->tile_count, update_tile, &work);
    return FV_OK;
}
