// `fovea predict`: what a model takes chosen samples for.
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "json.h"
#include "samples.h"
#include "subject.h"

typedef struct prediction {
    const cli_options *options;
    cli_subject subject;
    fv_dataset *data;
    cli_samples samples;
    float *probabilities; // (samples, classes)
    int top;              // classes shown
} prediction;

// The `top` likeliest classes, likeliest first.
static void rank(const float *probabilities, int classes, int top, int *ranked) {
    for (int k = 0; k < top; k++) {
        int best = -1;
        for (int c = 0; c < classes; c++) {
            bool taken = false;
            for (int earlier = 0; earlier < k; earlier++) {
                taken |= ranked[earlier] == c;
            }
            if (!taken && (best < 0 || probabilities[c] > probabilities[best])) {
                best = c;
            }
        }
        ranked[k] = best;
    }
}

enum { CHUNK = 256 }; // samples whose pixels are in memory at a time

static int predict(prediction *now) {
    fv_model_info model = fv_model_describe(now->subject.model);
    size_t size = (size_t)model.height * (size_t)model.width * (size_t)model.channels, count = now->samples.count;
    uint8_t *pixels = fv__alloc(CHUNK * size);
    now->probabilities = fv__alloc_array(count, (size_t)model.classes * sizeof(float));
    if (!pixels || !now->probabilities) {
        fv__free(pixels);
        return cli_fail_memory();
    }
    fv_error error;
    fv_status status = FV_OK;
    for (size_t first = 0; first < count && status == FV_OK; first += CHUNK) {
        size_t images = count - first < CHUNK ? count - first : CHUNK;
        for (size_t i = 0; i < images && status == FV_OK; i++) {
            status = fv_dataset_read(now->data, now->samples.index[first + i], pixels + i * size, &error);
        }
        if (status == FV_OK) {
            status = fv_predict(now->subject.model, pixels, images, now->probabilities + first * (size_t)model.classes,
                                &error);
        }
    }
    fv__free(pixels);
    return status == FV_OK ? CLI_OK : cli_fail(&error);
}

static int print_json(const prediction *now) {
    fv_model_info model = fv_model_describe(now->subject.model);
    fv_dataset_info data = fv_dataset_describe(now->data);
    json_t *list = json_array();
    int *ranked = fv__alloc_array((size_t)now->top, sizeof *ranked);
    for (size_t i = 0; i < now->samples.count && ranked; i++) {
        const float *probabilities = now->probabilities + i * (size_t)model.classes;
        int label = data.labels[now->samples.index[i]];
        json_t *classes = json_array();
        rank(probabilities, model.classes, now->top, ranked);
        for (int k = 0; k < now->top; k++) {
            json_array_append_new(classes, json_pack("{s:i, s:s, s:f}", "label", ranked[k], "class",
                                                     model.class_names[ranked[k]], "probability",
                                                     (double)probabilities[ranked[k]]));
        }
        json_array_append_new(list, json_pack("{s:s, s:I, s:i, s:s, s:b, s:o}", "split", now->samples.split, "index",
                                              (json_int_t)now->samples.index[i], "label", label, "class",
                                              model.class_names[label], "correct", (int)(ranked[0] == label),
                                              "predictions", classes));
    }
    fv__free(ranked);
    return cli_json_print(list, true);
}

static int print_text(const prediction *now) {
    fv_model_info model = fv_model_describe(now->subject.model);
    fv_dataset_info data = fv_dataset_describe(now->data);
    char alignment[2 * 3 + 4] = "rll";
    int *ranked = fv__alloc_array((size_t)now->top, sizeof *ranked);
    size_t correct = 0;
    if (!ranked) {
        return cli_fail_memory();
    }
    strcat(alignment, now->top > 1 ? "ll" : "l");
    cli_table table = {.alignment = alignment};
    cli_table_add(&table, "%s", now->samples.split);
    cli_table_add(&table, " ");
    cli_table_add(&table, "true class");
    cli_table_add(&table, "predicted");
    if (now->top > 1) {
        cli_table_add(&table, "next");
    }
    for (size_t i = 0; i < now->samples.count; i++) {
        const float *probabilities = now->probabilities + i * (size_t)model.classes;
        int label = data.labels[now->samples.index[i]];
        rank(probabilities, model.classes, now->top, ranked);
        bool right = ranked[0] == label;
        correct += right;
        cli_table_add(&table, "%zu", now->samples.index[i]);
        cli_table_add(&table, "%s", right ? "" : cli_utf8() ? "✗" : "x");
        cli_table_add(&table, "%s", model.class_names[label]);
        cli_table_add(&table, "%s %.1f %%", model.class_names[ranked[0]], 100 * (double)probabilities[ranked[0]]);
        fv__text others = {0};
        for (int k = 1; k < now->top; k++) {
            fv__text_addf(&others, "%s%s %.1f %%", k > 1 ? ", " : "", model.class_names[ranked[k]],
                          100 * (double)probabilities[ranked[k]]);
        }
        if (now->top > 1) {
            cli_table_add(&table, "%s", others.failed || !others.bytes ? "" : others.bytes);
        }
        fv__text_free(&others);
    }
    fv__free(ranked);
    int code = cli_table_print(&table, stdout);
    if (!now->options->quiet && code == CLI_OK) {
        printf("%zu of %zu right\n", correct, now->samples.count);
    }
    return code;
}

static int choose_samples(prediction *now) {
    char problem[256], first[32];
    size_t total = fv_dataset_describe(now->data).count;
    snprintf(first, sizeof first, "0-%zu", total > 10 ? 9 : total - 1);
    const char *text = now->options->samples ? now->options->samples : first;
    const char *wrong = cli_samples_read(text, total, &now->samples, problem, sizeof problem);
    return wrong ? cli_usage(&cli_predict, "--samples: %s", wrong) : CLI_OK;
}

static int run(const cli_options *options) {
    const char *text = options->samples ? options->samples : "test", *path = options->arguments[0];
    prediction now = {.options = options};
    if (options->argument_count == 0) {
        return cli_usage(&cli_predict, "predict needs a model file or a run folder");
    }
    if (!cli_samples_split(text, now.samples.split)) {
        return cli_usage(&cli_predict, "--samples: '%s' should begin with test: or train:", text);
    }
    int code = cli_subject_load(path, options, &now.subject);
    if (code == CLI_OK) {
        code = cli_subject_data(&now.subject, now.samples.split, options, &now.data);
    }
    if (code == CLI_OK) {
        code = choose_samples(&now);
    }
    if (code == CLI_OK) {
        int classes = fv_model_describe(now.subject.model).classes;
        now.top = options->top ? options->top : 3;
        now.top = now.top < classes ? now.top : classes;
        code = predict(&now);
    }
    if (code == CLI_OK) {
        code = options->json ? print_json(&now) : print_text(&now);
    }
    fv__free(now.probabilities);
    fv__free(now.samples.index);
    fv_dataset_close(now.data);
    cli_subject_free(&now.subject);
    return code;
}

const cli_command cli_predict = {
    .name = "predict",
    .arguments = "MODEL|RUN  [OPTIONS]",
    .sentence = "Classify samples of a data set",
    .details =
        "A row a sample: its number, a mark where the model is wrong, the true class, the likeliest classes.\n"
        "The data are those of the recipe, which the model file carries, unless --data or --path say otherwise.\n"
        "\n"
        "  fovea predict runs/first                          the first ten of the test set\n"
        "  fovea predict runs/first --samples train:100-119 --top 1\n"
        "  fovea predict model.safetensors --samples 3,5,7-9 --json\n",
    .options = "data path samples top set no-rewrite",
    .most_arguments = 1,
    .run = run,
};
