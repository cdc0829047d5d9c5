// SPDX-License-Identifier: Apache-2.0
// What a model is made of, layer by layer, and what training it takes.
#include "base/cpu.h"
#include "base/memory.h"
#include "base/options.h"
#include "model/layer_table.h"
#include "recipe/recipe.h"
#include "train/trainer.h"

// The library's side of fv_summary, whose pointers lead into it.
typedef struct summary {
    fv_summary given;
    fv_layer_info *layers;
    fv__rewrite rewrite;
    fv__text plan;
} summary;

// Made and thrown away: nothing runs.
static fv_status plan_training(fv_model *model, const fv__train_settings *settings, bool no_rewrite, summary *out,
                               fv_error *error) {
    fv__trainer *trainer = NULL;
    const fv__trainer_options options = {
        .threads = out->given.threads, .train_samples = (size_t)settings->batch, .no_rewrite = no_rewrite};
    FV__TRY(fv__trainer_create(model, settings, &options, &trainer, error));
    const fv__plan *plan = fv__pass_plan(trainer->training);
    const fv__plan_report report = fv__plan_describe(plan);
    out->given.training_bytes = report.bytes;
    out->given.micro_batch = report.micro_batch;
    out->given.groups = report.groups;
    fv__plan_print(plan, &out->plan);
    out->given.plan = out->plan.bytes;
    fv__trainer_destroy(trainer);
    return out->plan.failed ? fv__fail_memory(error, "the summary") : FV_OK;
}

static fv_status rewrite(const fv_model *model, int batch, bool rules, summary *out, fv_error *error) {
    const fv__rewrite_options options = {
        .rules = rules, .training = true, .batch = batch, .wanted = &model->output, .wanted_count = 1};
    FV__TRY(fv__rewrite_make(&model->graph, &options, &out->rewrite, error));
    out->given.rewritten_multiply_adds = fv__graph_multiply_adds(&out->rewrite.graph);
    out->given.rewrites = out->rewrite.notes.bytes ? out->rewrite.notes.bytes : "";
    return FV_OK;
}

static fv_status list_layers(const fv_model *model, summary *out, fv_error *error) {
    fv_summary *given = &out->given;
    FV__TRY(fv__layer_table_create(model, &out->layers, error));
    for (int i = 0; i < model->layer_count; i++) {
        given->multiply_adds += out->layers[i].multiply_adds;
        given->activation_bytes += out->layers[i].activation_bytes;
    }
    given->layers = out->layers;
    given->layer_count = model->layer_count;
    given->parameters = fv__graph_count_parameters(&model->graph, false);
    given->trainable = fv__graph_count_parameters(&model->graph, true);
    return FV_OK;
}

fv_status fv_model_summarize(const fv_model *model, const fv_summary_options *options, fv_summary **out,
                             fv_error *error) {
    *out = NULL;
    FV__TAKE(fv_summary_options, options, error);
    fv__train_settings settings;
    summary *made = NULL;
    fv_status status = FV_OK;
    if (own.recipe) {
        settings = own.recipe->train;
    } else {
        FV__TRY(fv__train_settings_read(NULL, &settings, error));
    }
    made = fv__alloc(sizeof *made);
    FV__TRY_OR_DONE(made ? FV_OK : fv__fail_memory(error, "the summary"));
    made->given.threads = own.threads ? own.threads : fv__cpu_threads();
    made->given.batch = settings.batch;
    FV__TRY_OR_DONE(list_layers(model, made, error));
    FV__TRY_OR_DONE(plan_training((fv_model *)model, &settings, own.no_rewrite, made, error)); // which takes no step
    FV__TRY_OR_DONE(rewrite(model, settings.batch, !own.no_rewrite, made, error));
    *out = &made->given;
    made = NULL;
done:
    fv_summary_free(made ? &made->given : NULL);
    return status;
}

void fv_summary_free(fv_summary *given) {
    if (given) {
        summary *made = (summary *)given; // its first member
        fv__rewrite_free(&made->rewrite);
        fv__text_free(&made->plan);
        fv__free(made->layers);
        fv__free(made);
    }
}
