// SPDX-License-Identifier: Apache-2.0
#include "app/bench.h"

#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "base/options.h"
#include "model/predict.h"
#include "recipe/recipe.h"
#include "train/frozen.h"

// The graph that runs: the model's after the algebra pass and, in training, with the loss.
static const fv__graph *graph_of(const fv_bench *bench) {
    return bench->trainer ? fv__pass_graph(bench->trainer->training) : &bench->predictor->runner.rewrite.graph;
}

// For how many operands gradients are computed: each costs as much as the product itself.
static int wanted_gradients(const fv__node *node, const bool *trained) {
    bool values = false, weights = false, wanted_values = false, wanted_weights = false;
    for (int i = 0; i < node->view.input_count; i++) {
        bool wanted = trained[node->inputs[i]], weight = node->view.input_is_weight[i];
        weights |= weight;
        values |= !weight;
        wanted_weights |= weight && wanted;
        wanted_values |= !weight && wanted;
    }
    // Both operands may be of one kind: attention multiplies values, composing weights.
    return values && weights ? wanted_values + wanted_weights : wanted_values || wanted_weights ? 2 : 0;
}

// Multiply-adds of each node for one image. What backward computes a second time does not count; work done once a step
// is shared by the images of a batch.
static fv_status count_work(fv_bench *bench, fv_error *error) {
    const fv__graph *graph = graph_of(bench);
    const size_t count = (size_t)graph->node_count;
    bench->nodes = fv__alloc_array(count, sizeof *bench->nodes);
    bool *trained = fv__alloc_array(count, sizeof *trained); // whether anything trainable comes before the node
    if (!bench->nodes || !trained) {
        fv__free(trained);
        return fv__fail_memory(error, "the benchmark");
    }
    for (size_t n = 0; n < count; n++) {
        const fv__node *node = &graph->nodes[n];
        trained[n] = node->parameter >= 0 && graph->parameters[node->parameter].trainable;
        for (int i = 0; i < node->view.input_count; i++) {
            trained[n] |= trained[node->inputs[i]];
        }
        const double all = fv__node_multiply_adds(node);
        const double forward = all / (node->view.cadence == FV__CADENCE_STEP ? bench->info.batch : 1);
        const double backward = bench->trainer ? forward * wanted_gradients(node, trained) : 0;
        bench->nodes[n] =
            (fv_bench_node){.name = node->name, .op = node->op->name, .multiply_adds = forward + backward};
        bench->info.multiply_adds += forward + backward;
    }
    fv__free(trained);
    return FV_OK;
}

// Of the layers that run: only those after the frozen part, where training learns from its output.
static size_t count_parameters(const fv_bench *bench) {
    const fv__graph *graph = &bench->model->graph;
    size_t count = 0;
    for (int i = 0; i < graph->parameter_count; i++) {
        count += graph->parameters[i].node > bench->from ? graph->parameters[i].count : 0;
    }
    return count;
}

static fv_status read_settings(const fv_recipe *recipe, int batch, fv__train_settings *settings, fv_error *error) {
    if (recipe) {
        *settings = recipe->train;
    } else {
        FV__TRY(fv__train_settings_read(NULL, settings, error));
    }
    settings->batch = batch ? batch : settings->batch;
    if (settings->batch < 1 || settings->batch > FV__MOST_BATCH) {
        return fv__fail(error, FV_INVALID, "a batch of %d samples: it must be 1 to %d", settings->batch,
                        FV__MOST_BATCH);
    }
    return FV_OK;
}

static fv_status prepare_training(fv_bench *bench, const fv_bench_options *options, const fv__train_settings *settings,
                                  fv_error *error) {
    const char *why_not;
    if (options->recipe) {
        FV__TRY(fv__frozen_end(&options->recipe->train, &options->recipe->augmentations, bench->model, &bench->from,
                               &why_not, error));
    }
    bench->info.after_frozen = bench->from > 0;
    FV__TRY(fv__bench_fill(bench, options->seed, error));
    const fv__trainer_options trainer = {.threads = bench->info.threads,
                                         .seed = options->seed,
                                         .train_samples = (size_t)bench->sample_batches * (size_t)settings->batch,
                                         .no_rewrite = options->no_rewrite,
                                         .from = bench->from};
    return fv__trainer_create(bench->model, settings, &trainer, &bench->trainer, error);
}

static fv_status prepare_inference(fv_bench *bench, const fv_bench_options *options, fv_error *error) {
    const fv_predictor_options predictor = {
        .size = sizeof predictor, .threads = bench->info.threads, .no_rewrite = options->no_rewrite};
    FV__TRY(fv__bench_fill(bench, options->seed, error));
    return fv_predictor_create(bench->model, &predictor, &bench->predictor, error);
}

fv_status fv_bench_create(fv_model *model, const fv_bench_options *options, fv_bench **out, fv_error *error) {
    *out = NULL;
    FV__TAKE(fv_bench_options, options, error);
    fv__train_settings settings;
    FV__TRY(read_settings(own.recipe, own.batch, &settings, error));
    fv_status status = FV_OK;
    fv_bench *bench = fv__alloc(sizeof *bench);
    FV__TRY_OR_DONE(bench ? FV_OK : fv__fail_memory(error, "the benchmark"));
    bench->model = model;
    bench->info = (fv_bench_info){
        .batch = settings.batch, .threads = own.threads ? own.threads : fv__cpu_threads(), .training = own.training};
    FV__TRY_OR_DONE(fv__kernels_select(NULL, &bench->kernels, error));
    bench->info.isa = bench->kernels->level;
    FV__TRY_OR_DONE(own.training ? prepare_training(bench, &own, &settings, error)
                                 : prepare_inference(bench, &own, error));
    bench->info.parameters = count_parameters(bench);
    FV__TRY_OR_DONE(count_work(bench, error));
    bench->info.nodes = bench->nodes;
    bench->info.node_count = graph_of(bench)->node_count;
    *out = bench;
    bench = NULL;
done:
    fv_bench_free(bench);
    return status;
}

void fv_bench_free(fv_bench *bench) {
    if (bench) {
        fv__trainer_destroy(bench->trainer);
        fv_predictor_free(bench->predictor);
        fv__free(bench->labels);
        fv__free(bench->values);
        fv__free(bench->pixels);
        fv__free(bench->probabilities);
        fv__free(bench->nodes);
        fv__free(bench);
    }
}

const fv_bench_info *fv_bench_get_info(const fv_bench *bench) {
    return &bench->info;
}

fv_status fv_bench_run(fv_bench *bench, double seconds, long steps, fv_bench_time *time, fv_error *error) {
    const double begin = fv__seconds();
    *time = (fv_bench_time){0};
    while (time->steps < steps || time->seconds < seconds) {
        FV__TRY(fv__bench_step(bench, error));
        time->steps++;
        time->seconds = fv__seconds() - begin;
    }
    return FV_OK;
}

fv_status fv_bench_profile(fv_bench *bench, double seconds, fv_bench_time *time, fv_error *error) {
    fv__plan *plan = bench->trainer ? fv__pass_plan(bench->trainer->training) : NULL;
    if (!plan) {
        FV__TRY(fv__predictor_plan(bench->predictor, bench->info.batch, &plan, error));
    }
    FV__TRY(fv__plan_profile(plan, true, error));
    const fv_status status = fv_bench_run(bench, seconds, 1, time, error);
    for (int n = 0; n < bench->info.node_count; n++) {
        const fv__node_time spent = fv__plan_time(plan, n);
        bench->nodes[n].forward_seconds = spent.forward;
        bench->nodes[n].backward_seconds = spent.backward;
    }
    FV__TRY(status);
    return fv__plan_profile(plan, false, error);
}

double fv_bench_measure_peak(const fv_bench *bench) {
    return fv__bench_peak(bench->kernels, bench->info.threads);
}
