// `fovea predict`: what a model takes chosen samples for. Files are in predict_files.c.
#include "predict.h"

#include <limits.h>

#include "base/memory.h"
#include "image/decode.h"
#include "support/json.h"
#include "support/samples.h"

typedef struct prediction {
    cli_predictions shared;
    fv_dataset *data;
    cli_samples samples;
} prediction;

static int predict(prediction *now) {
    size_t count = now->samples.count;
    int code = cli_predictions_reserve(&now->shared, count);
    for (size_t first = 0; first < count && code == CLI_OK; first += CLI_PREDICT_CHUNK) {
        size_t images = count - first < CLI_PREDICT_CHUNK ? count - first : CLI_PREDICT_CHUNK;
        const size_t *index = now->samples.index + first;
        fv_error error;
        const fv_status status =
            fv_predictor_run_samples(now->shared.predictor, now->data, index, images, now->shared.chunk, &error);
        if (status == FV_NUMERIC) {
            cli_say("counted among the samples from %s:%zu on: %s", now->samples.split, index[0], error.message);
            return CLI_FAILED;
        }
        if (status) {
            return cli_fail(&error);
        }
        cli_predictions_rank(&now->shared, first, images);
    }
    return code;
}

static int print_json(const prediction *now) {
    const cli_predictions *shared = &now->shared;
    fv_dataset_info data = *fv_dataset_get_info(now->data);
    json_t *list = json_array();
    for (size_t i = 0; i < now->samples.count; i++) {
        const cli_ranked *ranked = cli_predictions_of(shared, i);
        int label = data.labels[now->samples.index[i]];
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:i, s:s, s:b, s:o}", "split", now->samples.split, "index",
                                        (json_int_t)now->samples.index[i], "label", label, "class",
                                        shared->model.class_names[label], "correct", (int)(ranked->label == label),
                                        "predictions", cli_ranked_json(shared, ranked)));
    }
    return cli_json_print(list, true);
}

static int print_csv(const prediction *now) {
    static const char *const names[] = {"split", "index", "true_class", "correct"};
    fv_dataset_info data = *fv_dataset_get_info(now->data);
    fv__text text = {0};
    cli_ranked_csv_head(&now->shared, names, 4, &text);
    for (size_t i = 0; i < now->samples.count; i++) {
        const cli_ranked *ranked = cli_predictions_of(&now->shared, i);
        char index[CLI_NUMBER_SIZE];
        int label = data.labels[now->samples.index[i]];
        snprintf(index, sizeof index, "%zu", now->samples.index[i]);
        const char *const fields[] = {now->samples.split, index, now->shared.model.class_names[label],
                                      ranked->label == label ? "true" : "false"};
        cli_ranked_csv(&now->shared, fields, 4, ranked, &text);
    }
    return cli_csv_print(&text);
}

static int print_text(const prediction *now) {
    const cli_predictions *shared = &now->shared;
    fv_dataset_info data = *fv_dataset_get_info(now->data);
    size_t correct = 0;
    cli_table table = {.alignment = shared->top > 1 ? "rllll" : "rlll"};
    cli_table_add(&table, "%s", now->samples.split);
    cli_table_add(&table, " ");
    cli_table_add(&table, "true class");
    cli_ranked_cells(shared, NULL, &table);
    for (size_t i = 0; i < now->samples.count; i++) {
        const cli_ranked *ranked = cli_predictions_of(shared, i);
        int label = data.labels[now->samples.index[i]];
        bool right = ranked->label == label;
        correct += right;
        cli_table_add(&table, "%zu", now->samples.index[i]);
        cli_table_add(&table, "%s", right ? "" : cli_utf8() ? "✗" : "x");
        cli_table_add(&table, "%s", shared->model.class_names[label]);
        cli_ranked_cells(shared, ranked, &table);
    }
    int code = cli_table_print(&table, stdout);
    if (!shared->options->quiet && code == CLI_OK) {
        printf("%zu of %zu right\n", correct, now->samples.count);
    }
    return code;
}

static int choose_samples(prediction *now) {
    char problem[256], first[32];
    size_t total = fv_dataset_get_info(now->data)->count;
    snprintf(first, sizeof first, "0-%zu", total > 10 ? 9 : total - 1);
    const char *text = now->shared.options->samples ? now->shared.options->samples : first;
    const char *wrong = cli_samples_read(text, total, &now->samples, problem, sizeof problem);
    return wrong ? cli_usage(&cli_predict, "--samples: %s", wrong) : CLI_OK;
}

static int predict_samples(const cli_options *options) {
    prediction now = {0};
    const char *text = options->samples ? options->samples : "test";
    if (!cli_samples_split(text, now.samples.split)) {
        return cli_usage(&cli_predict, "--samples: '%s' should begin with test: or train:", text);
    }
    int code = cli_predictions_load(options, &now.shared);
    if (code == CLI_OK) {
        code = cli_subject_data(&now.shared.subject, now.samples.split, options, &now.data);
    }
    if (code == CLI_OK) {
        code = choose_samples(&now);
    }
    if (code == CLI_OK) {
        code = predict(&now);
    }
    if (code == CLI_OK) {
        code = options->json ? print_json(&now) : options->as_csv ? print_csv(&now) : print_text(&now);
    }
    fv__free(now.samples.index);
    fv_dataset_free(now.data);
    cli_predictions_free(&now.shared);
    return code;
}

static int run(const cli_options *options) {
    bool files = options->argument_count > 1;
    if (options->argument_count == 0) {
        return cli_usage(&cli_predict, "predict needs a model file or a run folder");
    }
    if (fv__image_named(options->arguments[0])) {
        return cli_usage(&cli_predict, "%s is a picture; a model stands before the pictures", options->arguments[0]);
    }
    if (options->json && options->as_csv) {
        return cli_usage(&cli_predict, "--json and --csv are two ways of answering: choose one");
    }
    if (files && (options->samples || options->data || options->path)) {
        return cli_usage(&cli_predict, "--samples, --data and --path are for samples of a data set, not for files");
    }
    if (!files && options->strict) {
        return cli_usage(&cli_predict, "--strict is for files; for a data set: --set data.strict=true");
    }
    return files ? cli_predict_files(options) : predict_samples(options);
}

const cli_command cli_predict = {
    .name = "predict",
    .arguments = "MODEL|RUN|RECIPE [FILE|DIR|-]...  [OPTIONS]",
    .sentence = "Classify pictures, or samples of a data set",
    .details =
        "Images are JPEG, PNG, GIF, WebP, TIFF, BMP or PNM files of any size, or folders, which are searched for them\n"
        "with all folders inside; - is an image on standard input. The model file knows how to prepare them. A recipe\n"
        "works too if it begins with trained weights of all layers. A model of grey images sees the luma of colours.\n"
        "A row a picture: its name and the likeliest classes. Files that cannot be read are named and left out, and\n"
        "the exit code is 3 then.\n"
        "\n"
        "  fovea predict mobilenet-v2 parrot.jpg             which of ImageNet's 1000 classes\n"
        "  fovea predict runs/first holiday/ --csv > holiday.csv\n"
        "  fovea predict model.safetensors a.jpg b.png --top 1 --json\n"
        "  curl -s https://example.org/cat.jpg | fovea predict model.safetensors -\n"
        "\n"
        "Without pictures, samples of the data set of the recipe, which the model file carries, unless --data or\n"
        "--path say otherwise. A row a sample: number, a mark where the model is wrong, true class, likeliest "
        "classes.\n"
        "\n"
        "  fovea predict runs/first                          the first ten of the test set\n"
        "  fovea predict runs/first --samples train:100-119 --top 1\n"
        "  fovea predict model.safetensors --samples 3,5,7-9 --json\n",
    .options = "data path samples top csv strict set no-rewrite",
    .most_arguments = INT_MAX,
    .run = run,
};
