// `fovea explain`: what a model looked at, as pictures or numbers.
#include "explain.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "formats/file.h"
#include "json.h"

static const cli_explain_method methods[] = {
    {"received", CLI_EXPLAIN_MAP, FV_EXPLAIN_ATTENTION},  {"rollout", CLI_EXPLAIN_MAP, FV_EXPLAIN_ROLLOUT},
    {"gradient", CLI_EXPLAIN_MAP, FV_EXPLAIN_GRADIENT},   {"grad-cam", CLI_EXPLAIN_MAP, FV_EXPLAIN_GRAD_CAM},
    {"occlusion", CLI_EXPLAIN_MAP, FV_EXPLAIN_OCCLUSION}, {"attention", CLI_EXPLAIN_WEIGHTS, FV_EXPLAIN_ATTENTION},
    {"slots", CLI_EXPLAIN_SLOTS, FV_EXPLAIN_ATTENTION}};
enum { METHODS = sizeof methods / sizeof *methods }; // the maps are the first CLI_EXPLAIN_MAPS

// --- What is asked for

static int read_words(cli_explanation *now) {
    static const char *const formats[] = {"png", "npy", "csv", "json", NULL};
    const cli_options *options = now->options;
    const char *names[METHODS + 2] = {"all"};
    char known[256];
    now->format = options->format ? options->format : "png";
    now->folder = options->out ? options->out : "explained";
    bool found = !options->method || strcmp(options->method, "all") == 0, right = false;
    for (int i = 0; i < METHODS; i++) {
        names[i + 1] = methods[i].word;
        if (options->method && strcmp(options->method, methods[i].word) == 0) {
            now->method = &methods[i];
            found = true;
        }
    }
    if (!found) {
        return cli_usage(&cli_explain, "no method is called '%s'; %s", options->method,
                         fv__suggest_name(known, sizeof known, options->method, names));
    }
    for (int i = 0; formats[i]; i++) {
        right = right || strcmp(now->format, formats[i]) == 0;
    }
    if (!right) {
        return cli_usage(&cli_explain, "--format: '%s' should be png, npy, csv or json", now->format);
    }
    if (options->faithfulness && now->method && now->method->kind != CLI_EXPLAIN_MAP) {
        return cli_usage(&cli_explain, "--faithfulness needs maps of the image; --method %s gives whole layers",
                         options->method);
    }
    return CLI_OK;
}

// A number from 0 on, or -1 where none is given.
static bool read_number(const char *text, int *number) {
    *number = -1;
    return !text || (fv__parse_int(text, number) && *number >= 0);
}

static int find_layer(cli_explanation *now) {
    const char *wanted = now->options->layer;
    int count = fv_explainer_describe(now->explainer).layers;
    const char **names = fv__alloc_array((size_t)count + 1, sizeof *names);
    char known[512];
    if (!names) {
        return cli_fail_memory();
    }
    for (int i = 0; i < count; i++) {
        names[i] = fv_explainer_attention(now->explainer, i).layer;
        now->choice.layer = wanted && strcmp(names[i], wanted) == 0 ? i : now->choice.layer;
    }
    int code = CLI_OK;
    if (wanted && now->choice.layer < 0) {
        code = count ? cli_usage(&cli_explain, "no attention layer is called '%s'; %s", wanted,
                                 fv__suggest_name(known, sizeof known, wanted, names))
                     : cli_usage(&cli_explain, "--layer: the model has no attention layer");
    }
    fv__free(names);
    return code;
}

// A query is a number, or the row and the column of a token; with slots it is the slot.
static int find_query(cli_explanation *now) {
    const char *text = now->options->query;
    int count = fv_explainer_describe(now->explainer).layers, row, column;
    fv_attention_weights layer =
        fv_explainer_attention(now->explainer, now->choice.layer < 0 ? count - 1 : now->choice.layer);
    const char *comma = text ? strchr(text, ',') : NULL;
    if (!comma) {
        return read_number(text, &now->choice.query)
                   ? CLI_OK
                   : cli_usage(&cli_explain, "--query: '%s' should be a token's number, or row,column", text);
    }
    char first[16];
    snprintf(first, sizeof first, "%.*s", (int)(comma - text < 15 ? comma - text : 15), text);
    if (!read_number(first, &row) || !read_number(comma + 1, &column) || row >= layer.rows || column >= layer.columns) {
        return cli_usage(&cli_explain, "--query: '%s' is none of the %d × %d tokens (row,column from 0)", text,
                         layer.rows, layer.columns);
    }
    now->choice.query = layer.before + row * layer.columns + column;
    return CLI_OK;
}

static int find_class(cli_explanation *now) {
    const char *text = now->options->class_name;
    fv_model_info model = fv_model_describe(now->subject.model);
    int number;
    now->target = -1;
    for (int c = 0; c < model.classes && text && now->target < 0; c++) {
        now->target = strcasecmp(model.class_names[c], text) == 0 ? c : -1;
    }
    if (!text || now->target >= 0) {
        return CLI_OK;
    }
    if (fv__parse_int(text, &number) && number >= 0 && number < model.classes) {
        now->target = number;
        return CLI_OK;
    }
    const char **names = fv__alloc_array((size_t)model.classes + 1, sizeof *names);
    char known[512];
    if (!names) {
        return cli_fail_memory();
    }
    memcpy(names, model.class_names, (size_t)model.classes * sizeof *names);
    int code = cli_usage(&cli_explain, "--class: '%s' is neither a class nor a number up to %d; %s", text,
                         model.classes - 1, fv__suggest_name(known, sizeof known, text, names));
    fv__free(names);
    return code;
}

static int choose(cli_explanation *now) {
    const cli_options *options = now->options;
    char problem[256], first[32];
    size_t total = now->data ? fv_dataset_describe(now->data).count : 0;
    snprintf(first, sizeof first, "0-%zu", total > 5 ? 4 : total - 1);
    const char *wrong = now->data ? cli_samples_read(options->samples ? options->samples : first, total, &now->samples,
                                                     problem, sizeof problem)
                                  : NULL;
    if (wrong) {
        return cli_usage(&cli_explain, "--samples: %s", wrong);
    }
    now->choice = (fv_explain_options)FV_EXPLAIN_DEFAULTS;
    now->choice.blocky = options->blocky;
    if (!read_number(options->head, &now->choice.head)) {
        return cli_usage(&cli_explain, "--head: '%s' should be a number from 0 on", options->head);
    }
    int code = find_class(now);
    if (code == CLI_OK) {
        code = find_layer(now);
    }
    return code == CLI_OK ? find_query(now) : code;
}

// --- One image

// The picture's name without its folder.
static const char *picture_name(const cli_explanation *now) {
    const char *path = now->pictures.paths[now->index], *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

json_t *cli_explain_image_json(const cli_explanation *now) {
    if (!now->data) {
        return json_pack("{s:o}", "file", cli_json_text(now->pictures.paths[now->index]));
    }
    int label = fv_dataset_describe(now->data).labels[now->index];
    return json_pack("{s:s, s:I, s:s}", "split", now->samples.split, "index", (json_int_t)now->index, "class",
                     fv_model_describe(now->subject.model).class_names[label]);
}

char *cli_explain_path(cli_explanation *now, const char *suffix) {
    char *path = now->data ? fv__format("%s/%s-%zu%s", now->folder, now->samples.split, now->index, suffix)
                           : fv__format("%s/%s%s", now->folder, picture_name(now), suffix);
    if (path) {
        json_array_append_new(now->files, json_string(path));
    }
    return path;
}

const char *cli_explain_title(const cli_explanation *now, char text[CLI_EXPLAIN_TITLE]) {
    fv_explained seen = fv_explainer_describe(now->explainer);
    fv_model_info model = fv_model_describe(now->subject.model);
    int length;
    if (now->data) {
        int label = fv_dataset_describe(now->data).labels[now->index];
        length = snprintf(text, CLI_EXPLAIN_TITLE, "%s %zu: true %.80s, ", now->samples.split, now->index,
                          model.class_names[label]);
    } else {
        length = snprintf(text, CLI_EXPLAIN_TITLE, "%.255s: ", picture_name(now));
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
    int layers = fv_explainer_describe(now->explainer).layers;
    for (int i = 0; i < layers && method->method == FV_EXPLAIN_ROLLOUT; i++) {
        if (!fv_explainer_attention(now->explainer, i).residual) {
            return layers > 1 ? "not all with residual" : "no residual";
        }
    }
    if (method->method != FV_EXPLAIN_ATTENTION || layers < 2) {
        return NULL;
    }
    return now->choice.layer < 0 ? "last layer" : fv_explainer_attention(now->explainer, now->choice.layer).layer;
}

static int make_maps(cli_explanation *now) {
    fv_model_info model = fv_model_describe(now->subject.model);
    fv_error error;
    bool first = now->index == (now->data ? now->samples.index[0] : 0);
    now->map_count = 0;
    for (int i = 0; i < CLI_EXPLAIN_MAPS; i++) {
        if (now->method && now->method != &methods[i]) {
            continue;
        }
        cli_explain_map *map = &now->maps[now->map_count];
        map->word = methods[i].word;
        map->remark = remark(now, &methods[i]);
        if (!map->values &&
            !(map->values = fv__alloc_array((size_t)model.height * (size_t)model.width, sizeof(float)))) {
            return cli_fail_memory();
        }
        fv_status status = fv_explain(now->explainer, methods[i].method, &now->choice, map->values, &error);
        if (status == FV_UNSUPPORTED && !now->method) {
            if (first && !now->options->quiet) {
                cli_say("no %s: %s", map->word, error.message);
            }
            continue;
        }
        if (status) {
            return status == FV_INVALID ? cli_usage(&cli_explain, "%s", error.message) : cli_fail(&error);
        }
        now->map_count++;
    }
    return CLI_OK;
}

static int report(cli_explanation *now) {
    fv_explained seen = fv_explainer_describe(now->explainer);
    fv_model_info model = fv_model_describe(now->subject.model);
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

static int explain_image(cli_explanation *now) {
    fv_error error;
    fv_status status =
        now->data ? fv_dataset_read(now->data, now->index, now->pixels, &error)
                  : fv__model_read_picture(now->subject.model, now->pictures.paths[now->index], now->pixels, &error);
    if (!status) {
        status = fv_explainer_look(now->explainer, now->pixels, now->target, &error);
    }
    if (status) {
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

static int explain_all(cli_explanation *now) {
    fv_model_info model = fv_model_describe(now->subject.model);
    fv_error error;
    now->pixels = fv__alloc_array((size_t)model.height * (size_t)model.width, (size_t)model.channels);
    now->report = json_array();
    if (!now->pixels || !now->report) {
        return cli_fail_memory();
    }
    if (fv__make_folders(now->folder, &error) != FV_OK) {
        return cli_fail(&error);
    }
    int code = CLI_OK;
    size_t images = now->data ? now->samples.count : (size_t)now->pictures.count;
    for (size_t i = 0; i < images && code == CLI_OK; i++) {
        now->index = now->data ? now->samples.index[i] : i;
        code = explain_image(now);
    }
    if (code != CLI_OK || !now->options->json) {
        return code == CLI_OK && now->options->faithfulness ? cli_explain_print_scores(now) : code;
    }
    return cli_json_print(now->options->faithfulness ? json_pack("{s:O, s:o}", "images", now->report, "faithfulness",
                                                                 cli_explain_scores_json(now))
                                                     : json_pack("{s:O}", "images", now->report),
                          true);
}

static int run(const cli_options *options) {
    cli_explanation now = {.options = options};
    fv_error error;
    if (options->argument_count == 0) {
        return cli_usage(&cli_explain, "explain needs a model file or a run folder");
    }
    if (options->argument_count > 1 && (options->samples || options->data)) {
        return cli_usage(&cli_explain, "either pictures or samples of a data set are explained, not both");
    }
    if (!cli_samples_split(options->samples ? options->samples : "test", now.samples.split)) {
        return cli_usage(&cli_explain, "--samples: '%s' should begin with test: or train:", options->samples);
    }
    int code = read_words(&now);
    if (code == CLI_OK) {
        code = cli_subject_load(options->arguments[0], options, &now.subject);
    }
    if (code == CLI_OK) {
        code = options->argument_count > 1 ? cli_files_find(&now.pictures, options, 1)
                                           : cli_subject_data(&now.subject, now.samples.split, options, &now.data);
    }
    if (code == CLI_OK && fv_explainer_open(now.subject.model, &now.explainer, &error) != FV_OK) {
        code = cli_fail(&error);
    }
    if (code == CLI_OK) {
        code = choose(&now);
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
    fv_explainer_close(now.explainer);
    fv_dataset_close(now.data);
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
        "in the order of each map, beside random orders.\n"
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
