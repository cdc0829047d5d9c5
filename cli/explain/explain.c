// SPDX-License-Identifier: Apache-2.0
// `fovea explain`: what a model looked at, as pictures or numbers.
#include "explain.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "support/json.h"
#include "support/memory.h"
#include "support/paths.h"
#include "support/say.h"
#include "support/text.h"

// --- One image

// What pictures say after a map's word.
static const char *remark(const cli_explanation *now, const cli_explain_method *method) {
    const int layers = fv_explainer_get_result(now->explainer)->layers;
    for (int i = 0; i < layers && method->method == FV_EXPLAIN_ROLLOUT; i++) {
        if (!fv_explainer_get_attention(now->explainer, i)->residual) {
            return layers > 1 ? "not all with residual" : "no residual";
        }
    }
    if (method->method != FV_EXPLAIN_ATTENTION || layers < 2) {
        return NULL;
    }
    return now->choice.layer < 0 ? "last layer" : fv_explainer_get_attention(now->explainer, now->choice.layer)->layer;
}

static int make_maps(cli_explanation *now) {
    const size_t size = (size_t)now->model->height * (size_t)now->model->width;
    fv_error error;
    now->map_count = 0;
    for (int i = 0; i < CLI_EXPLAIN_MAPS; i++) {
        const cli_explain_method *method = &cli_explain_methods[i];
        if (now->method && now->method != method) {
            continue;
        }
        cli_explain_map *map = &now->maps[now->map_count];
        map->word = method->word;
        map->remark = remark(now, method);
        map->values = map->values ? map->values : cli_alloc(size, sizeof *map->values);
        const fv_status status = fv_explainer_map(now->explainer, method->method, &now->choice, map->values, &error);
        if (status == FV_INVALID) {
            return cli_usage(&cli_explain, "%s", error.message);
        }
        if (status == FV_UNSUPPORTED && !now->method) {
            if (!now->reported && !now->options->source.quiet) {
                cli_say("no %s: %s", map->word, error.message);
            }
            continue;
        }
        CLI_TRY(cli_check(status, &error));
        now->map_count++;
    }
    now->reported = true;
    return CLI_OK;
}

static void add_to_report(cli_explanation *now) {
    const fv_explained *seen = fv_explainer_get_result(now->explainer);
    const char *const *names = now->model->class_names;
    json_t *image = cli_explain_image_json(now);
    json_object_update_new(image, json_pack("{s:s, s:f, s:s, s:f, s:O}", "predicted", names[seen->predicted],
                                            "probability", (double)seen->probabilities[seen->predicted], "explained",
                                            names[seen->target], "explained_probability",
                                            (double)seen->probabilities[seen->target], "files", now->files));
    json_array_append_new(now->report, image);
}

static void print_files(const cli_explanation *now) {
    for (size_t i = 0; i < json_array_size(now->files); i++) {
        cli_line(stdout, "%s", json_string_value(json_array_get(now->files, i)));
    }
    if (!now->options->source.quiet) {
        char *title = cli_explain_title(now);
        cli_say("%s", title);
        free(title);
    }
}

// *readable turns false for an unreadable picture, which is reported and counted.
static int read_image(cli_explanation *now, bool *readable) {
    fv_error error;
    const fv_status status =
        now->data ? fv_dataset_read(now->data, now->index, now->pixels, &error)
                  : fv_model_read_image(now->subject.model, now->pictures.paths[now->index], now->pixels, &error);
    *readable = !status;
    if (!status || now->data || status == FV_MEMORY) {
        return cli_check(status, &error);
    }
    now->left_out++;
    cli_say("left out: %s", error.message);
    json_t *image = cli_explain_image_json(now);
    json_object_set_new(image, "error", cli_json_text(error.message));
    json_array_append_new(now->report, image);
    return CLI_OK;
}

static int explain_image(cli_explanation *now) {
    const explain_options *options = now->options;
    fv_error error;
    int code;
    now->files = json_array();
    CLI_TRY_OR_DONE(cli_check(fv_explainer_set_image(now->explainer, now->pixels, now->target, &error), &error));
    CLI_TRY_OR_DONE(cli_make_folders(options->out));
    if (!now->method || now->method->kind == CLI_EXPLAIN_MAP) {
        CLI_TRY_OR_DONE(make_maps(now));
    }
    if (options->faithfulness) {
        CLI_TRY_OR_DONE(cli_explain_measure(now));
    }
    CLI_TRY_OR_DONE(strcmp(options->format, "png") == 0 ? cli_explain_draw(now) : cli_explain_write(now));
    if (options->json) {
        add_to_report(now);
    } else {
        print_files(now);
    }
done:
    json_decref(now->files);
    return code;
}

// --- The whole

// What is said of all images together.
static int conclude(const cli_explanation *now) {
    const bool faithfulness = now->options->faithfulness;
    if (now->options->json) {
        json_t *root = json_pack("{s:O}", "images", now->report);
        if (faithfulness) {
            json_object_set_new(root, "faithfulness", cli_explain_scores_json(now));
        }
        return cli_json_print(root, true);
    }
    if (faithfulness && now->scores[CLI_EXPLAIN_MAPS].images) {
        cli_explain_print_scores(now);
    }
    return CLI_OK;
}

static int explain_all(cli_explanation *now) {
    const size_t images = now->data ? now->samples.count : (size_t)now->pictures.count;
    now->pixels = cli_alloc((size_t)now->model->height * (size_t)now->model->width, (size_t)now->model->channels);
    now->report = json_array();
    for (size_t i = 0; i < images; i++) {
        bool readable;
        now->index = now->data ? now->samples.index[i] : i;
        CLI_TRY(read_image(now, &readable));
        if (readable) {
            CLI_TRY(explain_image(now));
        }
    }
    CLI_TRY(conclude(now));
    return cli_files_conclude(&now->pictures, now->left_out);
}

static int run(const void *given, const cli_arguments *arguments) {
    const explain_options *options = given;
    const bool pictures = arguments->count > 1;
    const fv_explainer_options how = {.size = sizeof how, .threads = options->source.threads};
    cli_explanation now = {.options = options};
    fv_error error;
    int code;
    if (pictures && (options->samples || options->source.data || options->source.path)) {
        return cli_usage(&cli_explain, "either images or samples of a data set are explained, not both");
    }
    CLI_TRY(cli_samples_split(&cli_explain, options->samples, &now.samples));
    CLI_TRY(cli_explain_read_words(&now));
    CLI_TRY_OR_DONE(cli_subject_load(arguments->items[0], &options->source, &now.subject));
    now.model = fv_model_get_info(now.subject.model);
    CLI_TRY_OR_DONE(pictures ? cli_files_find(&now.pictures, arguments, 1)
                             : cli_subject_data(&now.subject, now.samples.split, &options->source, &now.data));
    CLI_TRY_OR_DONE(cli_check(fv_explainer_create(now.subject.model, &how, &now.explainer, &error), &error));
    CLI_TRY_OR_DONE(cli_explain_choose(&now));
    code = explain_all(&now);
done:
    for (int i = 0; i < CLI_EXPLAIN_MAPS; i++) {
        free(now.maps[i].values);
    }
    json_decref(now.report);
    free(now.pixels);
    free(now.samples.index);
    fv_explainer_free(now.explainer);
    fv_dataset_free(now.data);
    cli_files_free(&now.pictures);
    cli_subject_free(&now.subject);
    return code;
}

static const cli_option options[] = {
    CLI_SOURCE_DATA(explain_options, source),
    CLI_SOURCE_PATH(explain_options, source),
    CLI_SOURCE_SET(explain_options, source),
    CLI_SAMPLES(explain_options, samples,
                "Which samples: test:0-9, train:5, 3,5,7-9, 9990- (default: the first five of the test set)."),
    CLI_CHOICE("method", "METHOD", explain_options, method, "How to explain.", .preset = "all",
               CLI_WORDS({"all", "every map that applies to the model"},
                         {"received", "how much attention each place of a layer receives (--layer, --head)"},
                         {"rollout", "attention through all layers, residuals included"},
                         {"gradient", "attention weighted by its gradient of the class (--layer)"},
                         {"grad-cam", "the last convolutional image, weighted by its gradient of the class"},
                         {"occlusion", "how far the class falls when a square is covered"},
                         {"attention", "the weights themselves: a map for each layer and head, of the query --query"},
                         {"slots", "external attention: a map for each memory slot"})),
    CLI_TEXT("layer", "NAME", explain_options, layer,
             "Which attention layer (default: the last; attention: each; gradient: all)."),
    CLI_TEXT("head", "N", explain_options, head, "Which of its heads, from 0 (default: their mean; attention: each)."),
    CLI_TEXT("query", "N|R,C", explain_options, query,
             "Which token asks, by number or by row and column; with slots, which slot (default: the class token, or "
             "the mean of all)."),
    CLI_TEXT("class", "CLASS", explain_options, class_name,
             "Explain this class, by name or number (default: the predicted one)."),
    CLI_TEXT("out", "DIR", explain_options, out, "Where to write.", .letter = "o", .preset = "explained",
             .values = CLI_FOLDERS),
    CLI_CHOICE("format", "FORMAT", explain_options, format,
               "The kind of files; the numbers of npy, csv and json are maps (height, width) or weights (heads, "
               "queries, keys).",
               .preset = "png", CLI_WORDS({"png", NULL}, {"npy", NULL}, {"csv", NULL}, {"json", NULL})),
    CLI_FLAG("blocky", explain_options, blocky, "Each pixel as its token, without smoothing between tokens."),
    CLI_FLAG("faithfulness", explain_options, faithfulness, "Also measure the maps by deletion and insertion."),
    CLI_THREADS(explain_options, source.threads),
    CLI_SEED(explain_options, source.seed),
    CLI_JSON(explain_options, json),
    CLI_QUIET(explain_options, source.quiet),
    CLI_END};

const cli_command cli_explain = {
    .name = "explain",
    .arguments = "MODEL|RUN|RECIPE [FILE|DIR|-]...",
    .sentence = "Show what a model looked at",
    .details =
        "Draws for each image a picture: the image, then heat maps of what counted for the predicted class (or "
        "--class), by every method that applies to the model. Under each map are the values between which its colours "
        "change. Unreadable images are named and left out, and the exit code is then 3.\n\n"
        "With --faithfulness a table compares the maps: the area under the class's probability while pixels leave in "
        "the map's order (deletion) and while they come into a blurred image (insertion), next to the mean of three "
        "random orders for each image.",
    .examples = CLI_EXAMPLES({"fovea explain runs/first", "the first five of the test set"},
                             {"fovea explain runs/mine photo.jpg", "your own image"},
                             {"fovea explain runs/first --samples test:7 --class Bag", NULL},
                             {"fovea explain runs/first --method attention --query 5,5 -o heads", NULL},
                             {"fovea explain runs/first --samples 0-19 --faithfulness", NULL}),
    .options = options,
    .options_size = sizeof(explain_options),
    .values = CLI_RECIPES,
    .least_arguments = 1,
    .most_arguments = INT_MAX,
    .missing = "explain needs a model file or a run folder",
    .run = run,
};
