// `fovea summary`: a model layer by layer, and what a step of training takes.
#include "model/summary.h"

#include <string.h>

#include "base/cpu.h"
#include "support/json.h"
#include "support/subject.h"
#include "train/trainer.h"

// The model's graph as it runs.
static fv_status rewrite_model(const cli_subject *subject, int batch, fv__rewrite *rewrite, fv_error *error) {
    const fv_model *model = subject->model;
    const fv__rewrite_options options = {
        .rules = model->rewrite, .training = true, .batch = batch, .wanted = &model->output, .wanted_count = 1};
    return fv__rewrite_make(&model->graph, &options, rewrite, error);
}

// What the plan of training says. Made and thrown away: nothing runs.
static fv_status plan_training(const cli_subject *subject, const fv__train_settings *settings, int threads,
                               fv__plan_report *report, fv_error *error) {
    fv__trainer *trainer = NULL;
    const fv__trainer_options options = {.threads = threads, .train_samples = (size_t)settings->batch};
    fv_status status = fv__trainer_create(subject->model, settings, &options, &trainer, error);
    if (status == FV_OK) {
        *report = fv__plan_describe(fv__pass_plan(trainer->training));
    }
    fv__trainer_destroy(trainer);
    return status;
}

// A line for each rewrite.
static const char *notes_of(const fv__rewrite *rewrite) {
    return rewrite->notes.bytes ? rewrite->notes.bytes : "";
}

static int print_json(const fv__summary *summary, const fv__plan_report *plan, const fv__rewrite *rewrite, int batch) {
    json_t *layers = json_array();
    for (int i = 0; i < summary->row_count; i++) {
        const fv__summary_row *row = &summary->rows[i];
        json_t *shape = json_array();
        for (int axis = 0; axis < row->output.rank; axis++) {
            json_array_append_new(shape, json_integer(row->output.size[axis]));
        }
        json_array_append_new(
            layers, json_pack("{s:s, s:s, s:i, s:o, s:I, s:I, s:I}", "name", row->name, "type", row->type, "depth",
                              row->depth, "output", shape, "parameters", (json_int_t)row->parameters, "multiply_adds",
                              (json_int_t)row->multiply_adds, "activation_bytes", (json_int_t)row->activation_bytes));
    }
    return cli_json_print(
        json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:{s:i, s:I, s:i, s:i}, s:s, s:I}", "layers", layers, "parameters",
                  (json_int_t)summary->parameters, "trainable", (json_int_t)summary->trainable, "frozen",
                  (json_int_t)summary->frozen, "multiply_adds", (json_int_t)summary->multiply_adds, "activation_bytes",
                  (json_int_t)summary->activation_bytes, "training", "batch", batch, "bytes", (json_int_t)plan->bytes,
                  "micro_batch", plan->micro_batch, "groups", plan->groups, "rewrites", notes_of(rewrite),
                  "rewritten_multiply_adds", (json_int_t)fv__graph_multiply_adds(&rewrite->graph)),
        true);
}

static void add_rewrites(const fv__summary *summary, const fv__rewrite *rewrite, fv__text *text) {
    const char *notes = notes_of(rewrite);
    char before[CLI_NUMBER_SIZE], after[CLI_NUMBER_SIZE];
    double left = fv__graph_multiply_adds(&rewrite->graph);
    if (notes[0] && left < summary->multiply_adds) {
        fv__text_addf(text,
                      "Rewritten:    %s instead of %s multiply-adds for the same function (unless --no-rewrite)\n",
                      cli_count(after, left), cli_count(before, summary->multiply_adds));
    } else if (notes[0]) {
        fv__text_add(text, "Rewritten:    the same function with less memory (unless --no-rewrite)\n");
    }
    for (const char *line = notes, *next; *line; line = next) {
        const int length = (int)strcspn(line, "\n");
        int times = 0;
        for (next = line; strncmp(next, line, (size_t)length + 1) == 0 && *next; times++) {
            next += length + (next[length] != '\0');
        }
        fv__text_addf(text, "              %.*s", length, line);
        if (times > 1) {
            fv__text_addf(text, " (%d times)", times);
        }
        fv__text_add(text, "\n");
    }
}

static int print_text(const fv__summary *summary, const fv__plan_report *plan, const fv__rewrite *rewrite, int batch,
                      int threads) {
    fv__text text = {0};
    char bytes[CLI_NUMBER_SIZE];
    fv__summary_print(summary, &text);
    fv__text_addf(&text,
                  "Training:     batch %d in %d group%s (threads beyond that many find no work), %d image%s at a time "
                  "a thread;\n"
                  "              %s on %d thread%s, without weights and optimizer\n",
                  batch, plan->groups, plan->groups == 1 ? "" : "s", plan->micro_batch,
                  plan->micro_batch == 1 ? "" : "s", cli_bytes(bytes, (double)plan->bytes), threads,
                  threads == 1 ? "" : "s");
    add_rewrites(summary, rewrite, &text);
    int code = text.failed ? cli_fail_memory() : CLI_OK;
    if (code == CLI_OK) {
        fputs(text.bytes, stdout);
    }
    fv__text_free(&text);
    return code;
}

static int summarize(const cli_options *options, const cli_subject *subject) {
    fv_error error;
    fv__summary summary = {0};
    fv__train_settings settings;
    fv__plan_report plan;
    fv__rewrite rewrite = {0};
    int threads = options->threads ? options->threads : fv__cpu_threads();
    int code = cli_subject_settings(subject, &settings);
    if (code != CLI_OK) {
        return code;
    }
    if (fv__summary_create(subject->model, &summary, &error) != FV_OK ||
        plan_training(subject, &settings, threads, &plan, &error) != FV_OK ||
        rewrite_model(subject, settings.batch, &rewrite, &error) != FV_OK) {
        code = cli_fail(&error);
    } else {
        code = options->json ? print_json(&summary, &plan, &rewrite, settings.batch)
                             : print_text(&summary, &plan, &rewrite, settings.batch, threads);
    }
    fv__rewrite_free(&rewrite);
    fv__summary_free(&summary);
    return code;
}

static int run(const cli_options *options) {
    if (options->argument_count == 0) {
        return cli_usage(&cli_summary, "summary needs a recipe, a model file or a run folder");
    }
    cli_subject subject;
    int code = cli_subject_open(options->arguments[0], options, &subject);
    if (code == CLI_OK) {
        code = summarize(options, &subject);
        cli_subject_free(&subject);
    }
    return code;
}

const cli_command cli_summary = {
    .name = "summary",
    .arguments = "RECIPE|MODEL|RUN  [OPTIONS]",
    .sentence = "Layers, parameters, operations and memory of a model",
    .details =
        "One line a layer: name and type, output shape of one image, parameters, multiply-adds and the memory of\n"
        "its values for one image; then the sums, and what a step of training takes.\n"
        "\n"
        "  fovea summary fashion-attention\n"
        "  fovea summary mnist-mha --set train.batch=32\n"
        "  fovea summary runs/first --json\n",
    .options = "data path set no-rewrite",
    .most_arguments = 1,
    .run = run,
};
