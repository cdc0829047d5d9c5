// SPDX-License-Identifier: Apache-2.0
#include "train/pass.h"

#include "base/memory.h"
#include "graph/frozen.h"
#include "ops/softmax.h"
#include "train/evaluation.h"

struct fv__pass {
    const fv_model *model;
    fv__pass_options options;
    fv__runner runner; // of the model's graph, and then the loss
    int loss, logits;  // nodes of it
    fv__plan *plan;
    size_t sample_values;    // of the model's input
    uint64_t *ids;           // (batch)
    fv__target *targets;     // (batch)
    fv__renderer renderer;   // of one image a thread
    const fv__pass_run *run; // while running
};

static size_t index_of(const fv__pass_run *run, int i) {
    return run->indices ? run->indices[i] : run->first + (size_t)i;
}

static fv__augment_draw draw_of(const fv__pass_run *run, int i) {
    return (fv__augment_draw){.seed = run->seed, .epoch = run->epoch, .sample = index_of(run, i)};
}

// The plan asks for samples first … first+count-1 of the batch.
static fv_status render(void *context, int input, int first, int count, int worker, float *out, fv_error *error) {
    (void)input;
    const fv__pass *pass = context;
    for (int i = 0; i < count; i++, out += pass->sample_values) {
        FV__TRY(fv__render(&pass->renderer, pass->run->samples, draw_of(pass->run, first + i), worker, out, error));
    }
    return FV_OK;
}

static int entry_of(const fv__pass *pass) {
    return pass->options.from > 0 ? pass->options.from : pass->model->input;
}

// The model's graph, cut where samples enter, after the algebra pass.
static fv_status rewrite_model(fv__pass *pass, fv_error *error) {
    const fv_model *model = pass->model;
    const fv__rewrite_options options = {.rules = !pass->options.no_rewrite,
                                         .training = pass->options.training,
                                         .batch = pass->options.batch,
                                         .wanted = &model->output,
                                         .wanted_count = 1};
    fv__graph graph;
    fv_status status = FV_OK;
    FV__TRY(fv__graph_copy(&model->graph, &graph, error));
    if (entry_of(pass) != model->input) {
        FV__TRY_OR_DONE(fv__graph_cut(&graph, entry_of(pass), error));
    }
    FV__TRY_OR_DONE(fv__runner_rewrite(&pass->runner, &graph, &options, error));
done:
    fv__graph_free(&graph);
    return status;
}

// That graph with the loss at its end, and its plan.
static fv_status make_plan(fv__pass *pass, fv_error *error) {
    FV__TRY(rewrite_model(pass, error));
    fv__rewrite *rewrite = &pass->runner.rewrite;
    const fv__cross_entropy_attributes attributes = {.label_smoothing = (float)pass->options.label_smoothing};
    pass->logits = rewrite->node_of[pass->model->output];
    FV__TRY(fv__graph_add(&rewrite->graph, "loss", &fv__op_cross_entropy, &attributes, &pass->logits, 1, &pass->loss,
                          error));
    const fv__plan_options options = {.batch = pass->options.batch,
                                      .training = pass->options.training,
                                      .backward = pass->options.training,
                                      .root = pass->loss,
                                      .kept = &pass->logits,
                                      .kept_count = 1};
    return fv__runner_plan(&pass->runner, NULL, &options, &pass->plan, error);
}

static fv_status prepare(fv__pass *pass, fv_error *error) {
    const size_t batch = (size_t)pass->options.batch;
    pass->sample_values = fv__shape_elements(fv__graph_shape(&pass->model->graph, entry_of(pass)));
    pass->ids = fv__alloc_array(batch, sizeof *pass->ids);
    pass->targets = fv__alloc_array(batch, sizeof *pass->targets);
    FV__TRY(pass->ids && pass->targets ? FV_OK : fv__fail_memory(error, "training"));
    FV__TRY(fv__renderer_init(&pass->renderer, pass->model, pass->runner.kernels, pass->options.augmentations,
                              fv__runner_threads(&pass->runner), error));
    return make_plan(pass, error);
}

fv_status fv__pass_create(const fv_model *model, const fv__runner *runner, const fv__pass_options *options,
                          fv__pass **out, fv_error *error) {
    *out = NULL;
    fv__pass *pass = fv__alloc(sizeof *pass);
    if (!pass) {
        return fv__fail_memory(error, "training");
    }
    pass->model = model;
    pass->options = *options;
    fv__runner_share(&pass->runner, runner);
    const fv_status status = prepare(pass, error);
    if (status) {
        fv__pass_destroy(pass);
        return status;
    }
    *out = pass;
    return FV_OK;
}

void fv__pass_destroy(fv__pass *pass) {
    if (pass) {
        fv__plan_destroy(pass->plan);
        fv__runner_stop(&pass->runner);
        fv__free(pass->ids);
        fv__free(pass->targets);
        fv__renderer_free(&pass->renderer);
        fv__free(pass);
    }
}

fv__plan *fv__pass_plan(fv__pass *pass) {
    return pass->plan;
}

const fv__graph *fv__pass_graph(const fv__pass *pass) {
    return &pass->runner.rewrite.graph;
}

const float *fv__pass_logits(const fv__pass *pass) {
    return fv__plan_value(pass->plan, pass->logits);
}

// Both classes of a mixed sample count by their shares.
static float weight_of(const float *class_weights, const fv__target *target) {
    return class_weights ? (1 - target->mix) * class_weights[target->label] + target->mix * class_weights[target->other]
                         : 1;
}

fv_status fv__pass_run_on(fv__pass *pass, const fv__pass_run *run, fv__metrics *metrics, fv_error *error) {
    for (int i = 0; i < run->count; i++) {
        pass->ids[i] = index_of(run, i);
        pass->targets[i] = fv__render_target(&pass->renderer, run->samples, draw_of(run, i));
        pass->targets[i].weight = weight_of(pass->options.class_weights, &pass->targets[i]);
    }
    pass->run = run;
    fv__feed feed = {.samples = run->count,
                     .weights = pass->model->weights,
                     .seed = run->seed,
                     .epoch = run->epoch,
                     .sample_ids = pass->ids,
                     .targets = pass->targets,
                     .render = render,
                     .context = pass};
    *metrics = (fv__metrics){0};
    FV__TRY(fv__runner_run(&pass->runner, pass->plan, &feed, error));
    fv__metrics_add(metrics, pass->options.top_k, pass->model->classes, fv__plan_value(pass->plan, pass->loss),
                    fv__plan_value(pass->plan, pass->logits), pass->targets, run->count);
    return FV_OK;
}

fv_status fv__samples_check(const fv__samples *samples, const fv_model *model, fv_error *error) {
    for (size_t i = 0; i < samples->count; i++) {
        if (samples->labels[i] < 0 || samples->labels[i] >= model->classes) {
            return fv__fail(error, FV_INVALID, "sample %zu is of class %d, but the model distinguishes classes 0 to %d",
                            i, (int)samples->labels[i], model->classes - 1);
        }
    }
    return FV_OK;
}

fv_status fv__pass_evaluate(fv__pass *pass, const fv__samples *samples, fv__metrics *metrics, fv_evaluation *details,
                            fv_error *error) {
    const int batch = pass->options.batch;
    *metrics = (fv__metrics){0};
    for (size_t first = 0; first < samples->count; first += (size_t)batch) {
        size_t left = samples->count - first;
        fv__pass_run run = {.samples = samples, .first = first, .count = left < (size_t)batch ? (int)left : batch};
        fv__metrics part;
        FV__TRY(fv__pass_run_on(pass, &run, &part, error));
        fv__metrics_join(metrics, &part);
        if (details) {
            fv__evaluation_add(details, fv__pass_logits(pass), samples->labels + first, run.count);
        }
    }
    return FV_OK;
}
