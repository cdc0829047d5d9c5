// `fovea eval`: what a model makes of a whole split.
#include <string.h>

#include "base/clock.h"
#include "eval.h"
#include "support/subject.h"

static int print_text(const cli_evaluation *now, const cli_options *options) {
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
    int code = options->per_class ? cli_eval_print_classes(now) : CLI_OK;
    return code == CLI_OK && options->confusion ? cli_eval_print_confusion(now) : code;
}

static int write_files(const cli_evaluation *now, const cli_options *options) {
    fv_error error;
    fv_status status = FV_OK;
    if (options->csv) {
        status = cli_eval_write_csv(now, options->csv, &error);
    }
    if (!status && options->pictures) {
        status = cli_eval_draw(now, options->pictures, &error);
    }
    return status ? cli_fail(&error) : CLI_OK;
}

static int evaluate(const cli_options *options, fv_model *model, cli_evaluation *now) {
    fv_error error;
    double begin = fv__seconds();
    if (fv_model_evaluate(model, now->data, &now->options, &now->details, &error) != FV_OK) {
        return cli_fail(&error);
    }
    now->seconds = fv__seconds() - begin;
    int code = options->json ? cli_json_print(cli_eval_json(now), true) : print_text(now, options);
    return code == CLI_OK ? write_files(now, options) : code;
}

// Which top-k accuracies are counted: --top, else those of the recipe.
static int choose_metrics(const cli_subject *subject, const cli_options *options, fv_evaluate_options *out) {
    *out = (fv_evaluate_options){.size = sizeof *out, .threads = options->threads, .no_rewrite = options->no_rewrite};
    int classes = fv_model_get_info(subject->model)->classes;
    if (options->top >= classes) {
        return cli_usage(&cli_eval, "--top %d: the model tells only %d classes apart", options->top, classes);
    }
    if (options->top) {
        out->top_k[0] = options->top;
    } else if (subject->recipe) {
        memcpy(out->top_k, fv_recipe_get_info(subject->recipe)->top_k, sizeof out->top_k);
    }
    return CLI_OK;
}

static int run(const cli_options *options) {
    if (options->argument_count == 0) {
        return cli_usage(&cli_eval, "eval needs a model file or a run folder");
    }
    const char *split = options->split ? options->split : "test", *path = options->arguments[0];
    if (strcmp(split, "test") != 0 && strcmp(split, "train") != 0) {
        return cli_usage(&cli_eval, "--split: '%s' should be test or train", split);
    }
    cli_subject subject;
    fv_dataset *data = NULL;
    cli_evaluation now = {.split = split};
    int code = cli_subject_load(path, options, &subject);
    if (code != CLI_OK) {
        return code;
    }
    // --set may have changed the recipe's
    now.label_smoothing = subject.recipe ? fv_recipe_get_info(subject.recipe)->label_smoothing
                                         : fv_model_get_info(subject.model)->label_smoothing;
    code = choose_metrics(&subject, options, &now.options);
    if (code == CLI_OK) {
        code = cli_subject_data(&subject, split, options, &data);
    }
    if (code == CLI_OK) {
        now.data = data;
        now.options.label_smoothing = &now.label_smoothing;
        now.info = *fv_dataset_get_info(data);
        code = evaluate(options, subject.model, &now);
    }
    fv_evaluation_free(now.details);
    fv_dataset_free(data);
    cli_subject_free(&subject);
    return code;
}

const cli_command cli_eval = {
    .name = "eval",
    .arguments = "MODEL|RUN  [OPTIONS]",
    .sentence = "Loss, accuracy and mistakes of a trained model",
    .details =
        "The data are those of the recipe, which the model file carries, unless --data or --path say otherwise;\n"
        "always the whole split, whatever data.limit the model was trained with.\n"
        "The loss is the one trained with; --set train.loss=cross_entropy leaves out label smoothing.\n"
        "--json has everything; --csv and --pictures leave files in a folder.\n"
        "\n"
        "  fovea eval runs/first\n"
        "  fovea eval model.safetensors --split train --top 5\n"
        "  fovea eval runs/first --set data.limit=1000 --json\n"
        "  fovea eval runs/first --per-class --confusion\n"
        "  fovea eval runs/first --pictures runs/first/pictures --csv runs/first\n"
        "  fovea eval runs/first --path ~/data/fashion-mnist\n",
    .options = "data path strict split top set no-rewrite per-class confusion csv pictures",
    .most_arguments = 1,
    .run = run,
};
