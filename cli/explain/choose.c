// What `fovea explain` is asked for: method, format, samples, class, layer, head and query.
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "explain.h"

const cli_explain_method cli_explain_methods[CLI_EXPLAIN_METHODS] = {
    {"received", CLI_EXPLAIN_MAP, FV_EXPLAIN_ATTENTION},  {"rollout", CLI_EXPLAIN_MAP, FV_EXPLAIN_ROLLOUT},
    {"gradient", CLI_EXPLAIN_MAP, FV_EXPLAIN_GRADIENT},   {"grad-cam", CLI_EXPLAIN_MAP, FV_EXPLAIN_GRAD_CAM},
    {"occlusion", CLI_EXPLAIN_MAP, FV_EXPLAIN_OCCLUSION}, {"attention", CLI_EXPLAIN_WEIGHTS, FV_EXPLAIN_ATTENTION},
    {"slots", CLI_EXPLAIN_SLOTS, FV_EXPLAIN_ATTENTION}};

int cli_explain_read_words(cli_explanation *now) {
    static const char *const formats[] = {"png", "npy", "csv", "json", NULL};
    const cli_options *options = now->options;
    const char *names[CLI_EXPLAIN_METHODS + 2] = {"all"};
    char known[256];
    now->format = options->format ? options->format : "png";
    now->folder = options->out ? options->out : "explained";
    bool found = !options->method || strcmp(options->method, "all") == 0, right = false;
    for (int i = 0; i < CLI_EXPLAIN_METHODS; i++) {
        names[i + 1] = cli_explain_methods[i].word;
        if (options->method && strcmp(options->method, cli_explain_methods[i].word) == 0) {
            now->method = &cli_explain_methods[i];
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
    const bool whole = now->method && now->method->method != FV_EXPLAIN_ATTENTION;
    if (whole && (options->head || options->query)) {
        return cli_usage(&cli_explain, "--%s is for the methods received, attention and slots; %s takes all",
                         options->head ? "head" : "query", now->method->word);
    }
    const bool layerless = whole && now->method->method != FV_EXPLAIN_GRADIENT;
    if (layerless && options->layer) {
        return cli_usage(&cli_explain,
                         "--layer is for the methods received, gradient, attention and slots; %s takes "
                         "all",
                         now->method->word);
    }
    const bool files = now->method && now->method->kind != CLI_EXPLAIN_MAP && strcmp(now->format, "png") != 0;
    if (files && (options->head || options->query)) {
        return cli_usage(&cli_explain, "--%s: --method %s in --format %s writes the weights of all heads and queries",
                         options->head ? "head" : "query", now->method->word, now->format);
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
    int count = fv_explainer_get_result(now->explainer)->layers;
    const char **names = fv__alloc_array((size_t)count + 1, sizeof *names);
    char known[512];
    if (!names) {
        return cli_fail_memory();
    }
    for (int i = 0; i < count; i++) {
        names[i] = fv_explainer_get_attention(now->explainer, i)->layer;
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
    int count = fv_explainer_get_result(now->explainer)->layers, row, column;
    fv_attention_weights layer =
        *fv_explainer_get_attention(now->explainer, now->choice.layer < 0 ? count - 1 : now->choice.layer);
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
    fv_model_info model = *fv_model_get_info(now->subject.model);
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

int cli_explain_choose(cli_explanation *now) {
    const cli_options *options = now->options;
    char problem[256], first[32];
    size_t total = now->data ? fv_dataset_get_info(now->data)->count : 0;
    snprintf(first, sizeof first, "0-%zu", total > 5 ? 4 : total - 1);
    const char *wrong = now->data ? cli_samples_read(options->samples ? options->samples : first, total, &now->samples,
                                                     problem, sizeof problem)
                                  : NULL;
    if (wrong) {
        return cli_usage(&cli_explain, "--samples: %s", wrong);
    }
    now->choice = (fv_explain_options)FV_EXPLAIN_OPTIONS;
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
