// `fovea explain`: what a model looked at, as pictures or numbers.
#include "explain.h"

#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "formats/file.h"
#include "support/json.h"

// --- One image

static const char *without_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool same_but_for_slashes(const char *a, const char *b) {
    while (*a && (*a == '/' ? '_' : *a) == (*b == '/' ? '_' : *b)) {
        a++;
        b++;
    }
    return *a == *b;
}

// DIR/PICTURESUFFIX, or DIR/FOLDER_PICTURESUFFIX where another picture has the same name, with the picture's number in
// front where that is another's, too.
static char *path_for_picture(const cli_explanation *now, const char *suffix) {
    const char *path = now->pictures.paths[now->index], *name = without_folder(path);
    bool shared = false, alike = false;
    for (size_t i = 0; i < (size_t)now->pictures.count; i++) {
        const char *other = now->pictures.paths[i];
        shared |= i != now->index && strcmp(without_folder(other), name) == 0;
        alike |= i != now->index && same_but_for_slashes(other, path);
    }
    char number[24] = "";
    if (alike) {
        snprintf(number, sizeof number, "%zu_", now->index);
    }
    char *out = fv__format("%s/%s%s%s", now->folder, number, shared || alike ? path : name, suffix);
    for (char *at = out ? out + strlen(now->folder) + 1 : NULL; at && *at; at++) {
        *at = *at == '/' ? '_' : *at;
    }
    return out;
}

json_t *cli_explain_image_json(const cli_explanation *now) {
    if (!now->data) {
        return json_pack("{s:o}", "file", cli_json_text(now->pictures.paths[now->index]));
    }
    int label = fv_dataset_get_info(now->data)->labels[now->index];
    return json_pack("{s:s, s:I, s:s}", "split", now->samples.split, "index", (json_int_t)now->index, "class",
                     fv_model_get_info(now->subject.model)->class_names[label]);
}

char *cli_explain_path(cli_explanation *now, const char *suffix) {
    char *path = now->data ? fv__format("%s/%s-%zu%s", now->folder, now->samples.split, now->index, suffix)
                           : path_for_picture(now, suffix);
    if (path) {
        json_array_append_new(now->files, cli_json_text(path));
    }
    return path;
}

const char *cli_explain_title(const cli_explanation *now, char text[CLI_EXPLAIN_TITLE]) {
    fv_explained seen = *fv_explainer_get_result(now->explainer);
    fv_model_info model = *fv_model_get_info(now->subject.model);
    int length;
    if (now->data) {
        int label = fv_dataset_get_info(now->data)->labels[now->index];
        length = snprintf(text, CLI_EXPLAIN_TITLE, "%s %zu: true %.80s, ", now->samples.split, now->index,
                          model.class_names[label]);
    } else {
        length = snprintf(text, CLI_EXPLAIN_TITLE, "%.255s: ", without_folder(now->pictures.paths[now->index]));
    }
    length += snprintf(text + length, CLI_EXPLAIN_TITLE - (size_t)length, "predicted %.80s %.1f %%",
                       model.class_names[seen.predicted], 100 * (double)seen.probabilities[seen.predicted]);
    if (seen.target != seen.predicted) {
        snprintf(text + length, CLI_EXPLAIN_TITLE - (size_t)length, "; why %.80s (%.1f %%)?",
                 model.class_names[seen.target], 100 * (double)seen.probabilities[seen.target]);
    }
    return text;
}

// What pictures say beside a map's word.
static const char *remark(const cli_explanation *now, const cli_explain_method *method) {
    int layers = fv_explainer_get_result(now->explainer)->layers;
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
    fv_model_info model = *fv_model_get_info(now->subject.model);
    fv_error error;
    now->map_count = 0;
    for (int i = 0; i < CLI_EXPLAIN_MAPS; i++) {
        if (now->method && now->method != &cli_explain_methods[i]) {
            continue;
        }
        cli_explain_map *map = &now->maps[now->map_count];
        map->word = cli_explain_methods[i].word;
        map->remark = remark(now, &cli_explain_methods[i]);
        if (!map->values &&
            !(map->values = fv__alloc_array((size_t)model.height * (size_t)model.width, sizeof(float)))) {
            return cli_fail_memory();
        }
        fv_status status =
            fv_explainer_map(now->explainer, cli_explain_methods[i].method, &now->choice, map->values, &error);
        if (status == FV_UNSUPPORTED && !now->method) {
            if (!now->told && !now->options->quiet) {
                cli_say("no %s: %s", map->word, error.message);
            }
            continue;
        }
        if (status) {
            return status == FV_INVALID ? cli_usage(&cli_explain, "%s", error.message) : cli_fail(&error);
        }
        now->map_count++;
    }
    now->told = true;
    return CLI_OK;
}

static int report(cli_explanation *now) {
    fv_explained seen = *fv_explainer_get_result(now->explainer);
    fv_model_info model = *fv_model_get_info(now->subject.model);
    char title[CLI_EXPLAIN_TITLE];
    if (!now->options->json) {
        for (size_t i = 0; i < json_array_size(now->files); i++) {
            puts(json_string_value(json_array_get(now->files, i)));
        }
        if (!now->options->quiet) {
            cli_say("%s", cli_explain_title(now, title));
        }
        return CLI_OK;
    }
    json_t *image = cli_explain_image_json(now);
    json_object_update_new(image, json_pack("{s:s, s:f, s:s, s:f, s:O}", "predicted", model.class_names[seen.predicted],
                                            "probability", (double)seen.probabilities[seen.predicted], "explained",
                                            model.class_names[seen.target], "explained_probability",
                                            (double)seen.probabilities[seen.target], "files", now->files));
    return json_array_append_new(now->report, image) == 0 ? CLI_OK : cli_fail_memory();
}

// *readable turns false for a picture that cannot be read, which is told and counted.
static int read_image(cli_explanation *now, bool *readable) {
    fv_error error;
    fv_status status =
        now->data ? fv_dataset_read(now->data, now->index, now->pixels, &error)
                  : fv_model_read_image(now->subject.model, now->pictures.paths[now->index], now->pixels, &error);
    *readable = !status;
    if (!status || now->data || status == FV_MEMORY) {
        return status ? cli_fail(&error) : CLI_OK;
    }
    now->left_out++;
    cli_say("left out: %s", error.message);
    json_t *image = cli_explain_image_json(now);
    json_object_set_new(image, "error", cli_json_text(error.message));
    return json_array_append_new(now->report, image) == 0 ? CLI_OK : cli_fail_memory();
}

static int explain_image(cli_explanation *now) {
    fv_error error;
    if (fv_explainer_set_image(now->explainer, now->pixels, now->target, &error) != FV_OK ||
        fv__make_folders(now->folder, &error) != FV_OK) {
        return cli_fail(&error);
    }
    now->files = json_array();
    int code = now->method && now->method->kind != CLI_EXPLAIN_MAP ? CLI_OK : make_maps(now);
    if (code == CLI_OK && now->options->faithfulness) {
        code = cli_explain_measure(now);
    }
    if (code == CLI_OK) {
        code = strcmp(now->format, "png") == 0 ? cli_explain_draw(now) : cli_explain_write(now);
    }
    if (code == CLI_OK) {
        code = report(now);
    }
    json_decref(now->files);
    return code;
}

// --- The whole

// What is told of all images together.
static int conclude(const cli_explanation *now) {
    const bool faithfulness = now->options->faithfulness;
    if (!now->options->json) {
        return faithfulness && now->scores[CLI_EXPLAIN_MAPS].images ? cli_explain_print_scores(now) : CLI_OK;
    }
    return cli_json_print(
        faithfulness ? json_pack("{s:O, s:o}", "images", now->report, "faithfulness", cli_explain_scores_json(now))
                     : json_pack("{s:O}", "images", now->report),
        true);
}

static int explain_all(cli_explanation *now) {
    fv_model_info model = *fv_model_get_info(now->subject.model);
    now->pixels = fv__alloc_array((size_t)model.height * (size_t)model.width, (size_t)model.channels);
    now->report = json_array();
    if (!now->pixels || !now->report) {
        return cli_fail_memory();
    }
    int code = CLI_OK;
    size_t images = now->data ? now->samples.count : (size_t)now->pictures.count;
    for (size_t i = 0; i < images && code == CLI_OK; i++) {
        bool readable;
        now->index = now->data ? now->samples.index[i] : i;
        code = read_image(now, &readable);
        if (code == CLI_OK && readable) {
            code = explain_image(now);
        }
    }
    code = code == CLI_OK ? conclude(now) : code;
    return code == CLI_OK ? cli_files_conclude(&now->pictures, now->left_out) : code;
}

static int run(const cli_options *options) {
    cli_explanation now = {.options = options};
    const fv_explainer_options how = {.size = sizeof how, .threads = options->threads};
    fv_error error;
    if (options->argument_count == 0) {
        return cli_usage(&cli_explain, "explain needs a model file or a run folder");
    }
    if (options->argument_count > 1 && (options->samples || options->data || options->path)) {
        return cli_usage(&cli_explain, "either pictures or samples of a data set are explained, not both");
    }
    if (!cli_samples_split(options->samples ? options->samples : "test", now.samples.split)) {
        return cli_usage(&cli_explain, "--samples: '%s' should begin with test: or train:", options->samples);
    }
    int code = cli_explain_read_words(&now);
    if (code == CLI_OK) {
        code = cli_subject_load(options->arguments[0], options, &now.subject);
    }
    if (code == CLI_OK) {
        code = options->argument_count > 1 ? cli_files_find(&now.pictures, options, 1)
                                           : cli_subject_data(&now.subject, now.samples.split, options, &now.data);
    }
    if (code == CLI_OK && fv_explainer_create(now.subject.model, &how, &now.explainer, &error) != FV_OK) {
        code = cli_fail(&error);
    }
    if (code == CLI_OK) {
        code = cli_explain_choose(&now);
    }
    if (code == CLI_OK) {
        code = explain_all(&now);
    }
    for (int i = 0; i < CLI_EXPLAIN_MAPS; i++) {
        fv__free(now.maps[i].values);
    }
    json_decref(now.report);
    fv__free(now.pixels);
    fv__free(now.samples.index);
    fv_explainer_free(now.explainer);
    fv_dataset_free(now.data);
    cli_files_free(&now.pictures);
    cli_subject_free(&now.subject);
    return code;
}

const cli_command cli_explain = {
    .name = "explain",
    .arguments = "MODEL|RUN|RECIPE [FILE|DIR|-]...  [OPTIONS]",
    .sentence = "Show what a model looked at",
    .details =
        "For each image a picture: the image, then heat maps of what counted for the predicted class (or --class), by\n"
        "every method that applies to the model. --method names one:\n"
        "\n"
        "  received   how much attention each place of a layer receives (--layer, --head)\n"
        "  rollout    attention through all layers, residuals included\n"
        "  gradient   attention weighted by its gradient of the class\n"
        "  grad-cam   the last convolutional image, weighted by its gradient of the class\n"
        "  occlusion  how far the class falls when a square is covered\n"
        "  attention  the weights themselves: a map for each layer and head, of the query --query\n"
        "  slots      external attention: a map for each memory slot\n"
        "\n"
        "--format npy, csv or json writes numbers in place of pictures: maps (height, width), weights (heads, "
        "queries,\n"
        "keys). --faithfulness measures how the class's probability falls and rises as pixels are deleted and "
        "inserted\n"
        "in the order of each map, beside random orders. Pictures that cannot be read are named and left out, and "
        "the\n"
        "exit code is 3 then.\n"
        "\n"
        "  fovea explain runs/first                               the first five of the test set\n"
        "  fovea explain runs/mine photo.jpg                      a picture of one's own\n"
        "  fovea explain runs/first --samples test:7 --class Bag\n"
        "  fovea explain runs/first --method attention --query 5,5 -o heads\n"
        "  fovea explain runs/first --samples 0-19 --faithfulness\n",
    .options = "data path samples set method layer head query class out format blocky faithfulness",
    .most_arguments = INT_MAX,
    .run = run,
};
