// SPDX-License-Identifier: Apache-2.0
// `fovea eval`: what a model makes of a whole split.
#include "eval.h"

#include <string.h>

#include "commands.h"
#include "support/numbers.h"
#include "support/say.h"
#include "support/subject.h"

typedef struct eval_options {
    cli_source source;
    const char *split, *csv, *pictures;
    int top; // 0: as the recipe says
    bool per_class, confusion, json;
} eval_options;

static void print_text(const cli_evaluation *now, const eval_options *options) {
    char number[CLI_NUMBER_SIZE];
    const fv_metrics *metrics = &now->details->metrics;
    printf("loss      %s", cli_loss(number, metrics->loss));
    if (now->label_smoothing > 0) {
        printf(" (cross-entropy with label smoothing %g, as trained)", now->label_smoothing);
    }
    printf("\naccuracy  %.2f %%\n", 100 * metrics->accuracy);
    for (int i = 0; i < FV_MAX_TOP && metrics->top_k[i]; i++) {
        printf("top-%-4d  %.2f %%\n", metrics->top_k[i], 100 * metrics->top[i]);
    }
    printf("ECE       %.2f %% (how far confidence is from accuracy, %d bins)\n", 100 * now->details->calibration_error,
           FV_CALIBRATION_BINS);
    printf("samples   %s (%s)", cli_count(number, (double)metrics->samples), now->split);
    printf(", %s img/s\n", cli_count(number, (double)metrics->samples / now->seconds));
    if (options->per_class) {
        cli_eval_print_classes(now);
    }
    if (options->confusion) {
        cli_eval_print_confusion(now);
    }
}

static int report(const cli_evaluation *now, const eval_options *options) {
    if (options->json) {
        CLI_TRY(cli_json_print(cli_eval_json(now), true));
    } else {
        print_text(now, options);
    }
    if (options->csv) {
        CLI_TRY(cli_eval_write_csv(now, options->csv));
    }
    return options->pictures ? cli_eval_draw(now, options->pictures) : CLI_OK;
}

// Which top-k accuracies are counted: --top, else those of the recipe.
static int choose_metrics(const cli_subject *subject, const eval_options *options, fv_evaluate_options *out) {
    const int classes = fv_model_get_info(subject->model)->classes;
    if (options->top >= classes) {
        return cli_usage(&cli_eval, "--top %d: the model has only %d classes", options->top, classes);
    }
    if (options->top) {
        out->top_k[0] = options->top;
    } else if (subject->recipe) {
        memcpy(out->top_k, fv_recipe_get_info(subject->recipe)->top_k, sizeof out->top_k);
    }
    return CLI_OK;
}

static int run(const void *given, const cli_arguments *arguments) {
    const eval_options *options = given;
    cli_subject subject;
    fv_dataset *data = NULL;
    fv_evaluation *details = NULL;
    fv_error error;
    int code;
    CLI_TRY_OR_DONE(cli_subject_load(arguments->items[0], &options->source, &subject));
    const double smoothing = subject.recipe
                                 ? fv_recipe_get_info(subject.recipe)->label_smoothing // --set may have changed it
                                 : fv_model_get_info(subject.model)->label_smoothing;
    fv_evaluate_options how = {.size = sizeof how,
                               .threads = options->source.threads,
                               .no_rewrite = options->source.no_rewrite,
                               .label_smoothing = &smoothing};
    CLI_TRY_OR_DONE(choose_metrics(&subject, options, &how));
    CLI_TRY_OR_DONE(cli_subject_data(&subject, options->split, &options->source, &data));
    const double begin = cli_seconds();
    CLI_TRY_OR_DONE(cli_check(fv_model_evaluate(subject.model, data, &how, &details, &error), &error));
    code = report(&(cli_evaluation){.split = options->split,
                                    .data = data,
                                    .info = fv_dataset_get_info(data),
                                    .seconds = cli_seconds() - begin,
                                    .label_smoothing = smoothing,
                                    .details = details},
                  options);
done:
    fv_evaluation_free(details);
    fv_dataset_free(data);
    cli_subject_free(&subject);
    return code;
}

static const cli_option options[] = {
    CLI_SOURCE_DATA(eval_options, source),
    CLI_SOURCE_PATH(eval_options, source),
    CLI_SOURCE_SET(eval_options, source),
    CLI_SOURCE_STRICT(eval_options, source),
    CLI_CHOICE("split", "SPLIT", eval_options, split, "Which part of the data set.", .preset = "test",
               CLI_WORDS({"test", NULL}, {"train", NULL})),
    CLI_COUNT("top", "K", eval_options, top, "Count top-K accuracy (default: as the recipe says)."),
    CLI_FLAG("per-class", eval_options, per_class, "Precision, recall, F1 and samples of each class, and their means."),
    CLI_FLAG("confusion", eval_options, confusion,
             "How many samples of each class are taken for which; for more than ten classes the most frequent "
             "confusions."),
    CLI_TEXT("csv", "DIR", eval_options, csv, "Write classes.csv, confusion.csv and calibration.csv to this folder.",
             .values = CLI_FOLDERS),
    CLI_TEXT("pictures", "DIR", eval_options, pictures,
             "Draw into this folder: the confusion matrix, the accuracy of each class, calibration, the most confident "
             "mistakes, and some predictions.",
             .values = CLI_FOLDERS),
    CLI_SOURCE_NO_REWRITE(eval_options, source),
    CLI_THREADS(eval_options, source.threads),
    CLI_JSON(eval_options, json),
    CLI_QUIET(eval_options, source.quiet),
    CLI_END};

const cli_command cli_eval = {
    .name = "eval",
    .arguments = "MODEL|RUN",
    .sentence = "Loss, accuracy and mistakes of a trained model",
    .details =
        "The data set is that of the recipe, which the model file carries, unless --data or --path say otherwise; "
        "always the whole split, regardless of the data.limit it was trained with.\n\n"
        "The loss is the one it was trained with; --set train.loss=cross_entropy leaves out label smoothing. ECE is "
        "the expected calibration error over 15 bins of equal width. --json has everything; --csv and --pictures "
        "leave files in a folder.",
    .examples =
        CLI_EXAMPLES({"fovea eval runs/first", NULL}, {"fovea eval model.safetensors --split train --top 5", NULL},
                     {"fovea eval runs/first --set data.limit=1000 --json", NULL},
                     {"fovea eval runs/first --per-class --confusion", NULL},
                     {"fovea eval runs/first --pictures runs/first/pictures --csv runs/first", NULL},
                     {"fovea eval runs/first --path ~/data/fashion-mnist", NULL}),
    .options = options,
    .options_size = sizeof(eval_options),
    .values = CLI_RECIPES,
    .least_arguments = 1,
    .most_arguments = 1,
    .missing = "eval needs a model file or a run folder",
    .run = run,
};
