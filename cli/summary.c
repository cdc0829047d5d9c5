// SPDX-License-Identifier: Apache-2.0
// `fovea summary`: a model layer by layer, and what a step of training takes.
#include <string.h>

#include "commands.h"
#include "support/json.h"
#include "support/numbers.h"
#include "support/say.h"
#include "support/subject.h"
#include "support/table.h"
#include "support/text.h"

typedef struct summary_options {
    cli_source source;
    bool json, plan;
} summary_options;

static int print_json(const fv_summary *summary) {
    json_t *layers = json_array();
    for (int i = 0; i < summary->layer_count; i++) {
        const fv_layer_info *layer = &summary->layers[i];
        const cli_shape shape = cli_shape_of(layer->rank, layer->shape);
        json_array_append_new(layers, json_pack("{s:s, s:s, s:i, s:o, s:I, s:I, s:I}", "name", layer->name, "type",
                                                layer->kind, "depth", layer->depth, "output", cli_json_shape(&shape),
                                                "parameters", (json_int_t)layer->parameters, "multiply_adds",
                                                (json_int_t)layer->multiply_adds, "activation_bytes",
                                                (json_int_t)layer->activation_bytes));
    }
    return cli_json_print(
        json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:{s:i, s:I, s:i, s:i}, s:s, s:I}", "layers", layers, "parameters",
                  (json_int_t)summary->parameters, "trainable", (json_int_t)summary->trainable, "frozen",
                  (json_int_t)(summary->parameters - summary->trainable), "multiply_adds",
                  (json_int_t)summary->multiply_adds, "activation_bytes", (json_int_t)summary->activation_bytes,
                  "training", "batch", summary->batch, "bytes", (json_int_t)summary->training_bytes, "micro_batch",
                  summary->micro_batch, "groups", summary->groups, "rewrites", summary->rewrites,
                  "rewritten_multiply_adds", (json_int_t)summary->rewritten_multiply_adds),
        true);
}

// As Keras prints it: Layer (type) | Output shape | Parameters | Multiply-adds | Memory.
static void print_layers(const fv_summary *summary) {
    char text[CLI_SHAPE_SIZE], parameters[CLI_NUMBER_SIZE], work[CLI_NUMBER_SIZE], memory[CLI_NUMBER_SIZE];
    cli_table table = {.alignment = "llrrr"};
    cli_table_add_row(&table, "Layer (type)", "Output shape", "Parameters", "Multiply-adds", "Memory");
    for (int i = 0; i < summary->layer_count; i++) {
        const fv_layer_info *layer = &summary->layers[i];
        const cli_shape shape = cli_shape_of(layer->rank, layer->shape);
        cli_table_add(&table, "%*s%s (%s)", 2 * layer->depth, "", layer->name, layer->kind);
        cli_table_add(&table, "%s", cli_shape_print(&shape, text));
        cli_table_add(&table, "%s", cli_count(parameters, (double)layer->parameters));
        cli_table_add(&table, "%s", cli_count(work, layer->multiply_adds));
        cli_table_add(&table, "%s", cli_bytes(memory, (double)layer->activation_bytes));
    }
    cli_table_print(&table, stdout);
}

static void print_totals(const fv_summary *summary) {
    char all[CLI_NUMBER_SIZE], trainable[CLI_NUMBER_SIZE], frozen[CLI_NUMBER_SIZE], work[CLI_NUMBER_SIZE],
        memory[CLI_NUMBER_SIZE], training[CLI_NUMBER_SIZE];
    printf("\nParameters:   %s (%s trainable, %s frozen)\n", cli_count(all, (double)summary->parameters),
           cli_count(trainable, (double)summary->trainable),
           cli_count(frozen, (double)(summary->parameters - summary->trainable)));
    printf("One image:    %s multiply-adds, %s of values\n", cli_count(work, summary->multiply_adds),
           cli_bytes(memory, (double)summary->activation_bytes));
    printf("Training:     batch %d in %d group%s (more threads than that find no work), %d image%s at a time per "
           "thread;\n"
           "              %s on %d thread%s, without weights and optimizer\n",
           summary->batch, summary->groups, summary->groups == 1 ? "" : "s", summary->micro_batch,
           summary->micro_batch == 1 ? "" : "s", cli_bytes(training, (double)summary->training_bytes), summary->threads,
           summary->threads == 1 ? "" : "s");
}

// A line for each kind of rewrite, and how often it was made.
static void print_rewrites(const fv_summary *summary) {
    char before[CLI_NUMBER_SIZE], after[CLI_NUMBER_SIZE];
    const char *notes = summary->rewrites;
    if (notes[0] && summary->rewritten_multiply_adds < summary->multiply_adds) {
        printf("Rewritten:    %s instead of %s multiply-adds for the same function (unless --no-rewrite)\n",
               cli_count(after, summary->rewritten_multiply_adds), cli_count(before, summary->multiply_adds));
    } else if (notes[0]) {
        printf("Rewritten:    the same function with less memory (unless --no-rewrite)\n");
    }
    for (const char *line = notes, *next; *line; line = next) {
        const int length = (int)strcspn(line, "\n");
        int times = 0;
        for (next = line; strncmp(next, line, (size_t)length + 1) == 0 && *next; times++) {
            next += length + (next[length] != '\0');
        }
        char more[32] = "";
        if (times > 1) {
            snprintf(more, sizeof more, " (%d times)", times);
        }
        cli_line(stdout, "              %.*s%s", length, line, more);
    }
}

static int run(const void *given, const cli_arguments *arguments) {
    const summary_options *options = given;
    const cli_source *source = &options->source;
    cli_subject subject;
    fv_summary *summary = NULL;
    fv_error error;
    int code;
    CLI_TRY_OR_DONE(cli_subject_open(arguments->items[0], source, &subject));
    const fv_summary_options how = {
        .size = sizeof how, .recipe = subject.recipe, .threads = source->threads, .no_rewrite = source->no_rewrite};
    CLI_TRY_OR_DONE(cli_check(fv_model_summarize(subject.model, &how, &summary, &error), &error));
    if (options->json) {
        code = print_json(summary);
    } else {
        print_layers(summary);
        print_totals(summary);
        print_rewrites(summary);
        if (options->plan) {
            printf("\nA training step: %s", summary->plan);
        }
    }
done:
    fv_summary_free(summary);
    cli_subject_free(&subject);
    return code;
}

static const cli_option options[] = {
    CLI_SOURCE_DATA(summary_options, source),
    CLI_SOURCE_PATH(summary_options, source),
    CLI_SOURCE_SET(summary_options, source),
    CLI_SOURCE_NO_REWRITE(summary_options, source),
    CLI_THREADS(summary_options, source.threads),
    CLI_FLAG("plan", summary_options, plan, "Also print how a training step runs: phases, instructions, arrays."),
    CLI_JSON(summary_options, json),
    CLI_END};

const cli_command cli_summary = {
    .name = "summary",
    .arguments = "RECIPE|MODEL|RUN",
    .sentence = "Layers, parameters, operations and memory of a model",
    .details =
        "Prints one line for each layer: name and type, output shape of one image, parameters, multiply-adds and "
        "the memory of its values for one image; then the sums, what a step of training takes, and which "
        "operations the algebra pass saves.",
    .examples =
        CLI_EXAMPLES({"fovea summary fashion-attention", NULL}, {"fovea summary mnist-mha --set train.batch=32", NULL},
                     {"fovea summary runs/first --json", NULL},
                     {"fovea summary fashion-attention --plan", "phases, instructions and arrays of a training step"}),
    .options = options,
    .options_size = sizeof(summary_options),
    .values = CLI_RECIPES,
    .least_arguments = 1,
    .most_arguments = 1,
    .missing = "summary needs a recipe, a model file or a run folder",
    .run = run,
};
