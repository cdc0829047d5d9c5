// `fovea summary`: a model layer by layer, and what a step of training takes.
#include <string.h>

#include "support/json.h"
#include "support/subject.h"

static int print_json(const fv_summary *summary) {
    json_t *layers = json_array();
    for (int i = 0; i < summary->layer_count; i++) {
        const fv_layer_info *layer = &summary->layers[i];
        json_t *shape = json_array();
        for (int axis = 0; axis < layer->rank; axis++) {
            json_array_append_new(shape, json_integer(layer->shape[axis]));
        }
        json_array_append_new(layers, json_pack("{s:s, s:s, s:i, s:o, s:I, s:I, s:I}", "name", layer->name, "type",
                                                layer->kind, "depth", layer->depth, "output", shape, "parameters",
                                                (json_int_t)layer->parameters, "multiply_adds",
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
static int print_layers(const fv_summary *summary) {
    static const char *const head[] = {"Layer (type)", "Output shape", "Parameters", "Multiply-adds", "Memory"};
    char shape[CLI_SHAPE_SIZE], parameters[CLI_NUMBER_SIZE], work[CLI_NUMBER_SIZE], memory[CLI_NUMBER_SIZE];
    cli_table table = {.alignment = "llrrr"};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        cli_table_add(&table, "%s", head[i]);
    }
    for (int i = 0; i < summary->layer_count; i++) {
        const fv_layer_info *layer = &summary->layers[i];
        const int64_t sizes[] = {layer->shape[0], layer->shape[1], layer->shape[2], layer->shape[3]};
        cli_table_add(&table, "%*s%s (%s)", 2 * layer->depth, "", layer->name, layer->kind);
        cli_table_add(&table, "%s", cli_shape(shape, layer->rank, sizes));
        cli_table_add(&table, "%s", cli_count(parameters, (double)layer->parameters));
        cli_table_add(&table, "%s", cli_count(work, layer->multiply_adds));
        cli_table_add(&table, "%s", cli_bytes(memory, (double)layer->activation_bytes));
    }
    return cli_table_print(&table, stdout);
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
        printf("              %.*s", length, line);
        if (times > 1) {
            printf(" (%d times)", times);
        }
        printf("\n");
    }
}

static int print_text(const fv_summary *summary, bool plan) {
    const int code = print_layers(summary);
    if (code == CLI_OK) {
        print_totals(summary);
        print_rewrites(summary);
        if (plan) {
            printf("\nA training step: %s", summary->plan);
        }
    }
    return code;
}

static int run(const cli_options *options) {
    if (options->argument_count == 0) {
        return cli_usage(&cli_summary, "summary needs a recipe, a model file or a run folder");
    }
    cli_subject subject;
    int code = cli_subject_open(options->arguments[0], options, &subject);
    if (code != CLI_OK) {
        return code;
    }
    fv_error error;
    fv_summary *summary = NULL;
    const fv_summary_options how = {
        .size = sizeof how, .recipe = subject.recipe, .threads = options->threads, .no_rewrite = options->no_rewrite};
    if (fv_model_summarize(subject.model, &how, &summary, &error) != FV_OK) {
        code = cli_fail(&error);
    } else {
        code = options->json ? print_json(summary) : print_text(summary, options->plan);
    }
    fv_summary_free(summary);
    cli_subject_free(&subject);
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
        "  fovea summary fashion-attention --plan\n"
        "  fovea summary runs/first --json\n",
    .options = "data path set no-rewrite plan",
    .most_arguments = 1,
    .run = run,
};
