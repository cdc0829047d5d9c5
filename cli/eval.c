// `fovea eval`: loss and accuracy of a model over a whole split.
#include <string.h>

#include "json.h"
#include "subject.h"

static void print_text(const fv_metrics *metrics, const fv_model *model, const fv_dataset *data, const char *split,
                       double seconds) {
    char number[CLI_NUMBER_SIZE];
    fv_dataset_info info = fv_dataset_describe(data);
    double smoothing = fv_model_describe(model).label_smoothing;
    printf("loss      %s", cli_loss(number, metrics->loss));
    if (smoothing > 0) {
        printf(" (cross-entropy with label smoothing %g, as trained)", smoothing);
    }
    printf("\naccuracy  %.2f %%\n", 100 * metrics->accuracy);
    for (int i = 0; i < FV_MAX_TOP && metrics->top_k[i]; i++) {
        printf("top-%-4d  %.2f %%\n", metrics->top_k[i], 100 * metrics->top[i]);
    }
    printf("samples   %s (%s)", cli_count(number, (double)info.count), split);
    printf(", %s img/s\n", cli_count(number, (double)info.count / seconds));
}

static int print_json(const fv_metrics *metrics, const fv_model *model, const fv_dataset *data, const char *split,
                      double seconds) {
    json_t *object = json_pack("{s:s, s:I}", "split", split, "samples", (json_int_t)metrics->samples);
    cli_json_metrics(object, "", metrics);
    json_object_set_new(object, "label_smoothing", json_real(fv_model_describe(model).label_smoothing));
    json_object_set_new(object, "img_s", json_real((double)fv_dataset_describe(data).count / seconds));
    return cli_json_print(object, true);
}

static int evaluate(const cli_options *options, fv_model *model, const fv_dataset *data, const char *split,
                    fv_metrics *metrics) {
    fv_error error;
    double begin = cli_now();
    if (fv_evaluate(model, data, metrics, &error) != FV_OK) {
        return cli_fail(&error);
    }
    double seconds = cli_now() - begin;
    if (options->json) {
        return print_json(metrics, model, data, split, seconds);
    }
    print_text(metrics, model, data, split, seconds);
    return CLI_OK;
}

// Which top-k accuracies are counted: --top, else those of the recipe.
static int choose_metrics(const cli_subject *subject, const cli_options *options, fv_metrics *metrics) {
    *metrics = (fv_metrics){0};
    int classes = fv_model_describe(subject->model).classes;
    if (options->top >= classes) {
        return cli_usage(&cli_eval, "--top %d: the model tells only %d classes apart", options->top, classes);
    }
    if (options->top) {
        metrics->top_k[0] = options->top;
    } else if (subject->recipe) {
        memcpy(metrics->top_k, subject->recipe->train.top_k, sizeof metrics->top_k);
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
    fv_metrics metrics;
    int code = cli_subject_load(path, options, &subject);
    if (code != CLI_OK) {
        return code;
    }
    if (subject.recipe) { // which --set may have changed
        subject.model->label_smoothing = subject.recipe->train.label_smoothing;
    }
    code = choose_metrics(&subject, options, &metrics);
    if (code == CLI_OK) {
        code = cli_subject_data(&subject, split, options, &data);
    }
    if (code == CLI_OK) {
        code = evaluate(options, subject.model, data, split, &metrics);
    }
    fv_dataset_close(data);
    cli_subject_free(&subject);
    return code;
}

const cli_command cli_eval = {
    .name = "eval",
    .arguments = "MODEL|RUN  [OPTIONS]",
    .sentence = "Loss and accuracy of a trained model",
    .details =
        "The data are those of the recipe, which the model file carries, unless --data or --path say otherwise;\n"
        "always the whole split, whatever data.limit the model was trained with.\n"
        "The loss is the one trained with; --set train.loss=cross_entropy leaves out label smoothing.\n"
        "\n"
        "  fovea eval runs/first\n"
        "  fovea eval model.safetensors --split train --top 5\n"
        "  fovea eval runs/first --set data.limit=1000 --json\n"
        "  fovea eval runs/first --path ~/data/fashion-mnist\n",
    .options = "data path split top set no-rewrite",
    .most_arguments = 1,
    .run = run,
};
