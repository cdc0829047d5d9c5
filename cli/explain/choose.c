// SPDX-License-Identifier: Apache-2.0
// What `fovea explain` is asked for: method, samples, class, layer, head and query.
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "commands.h"
#include "explain.h"
#include "support/memory.h"
#include "support/names.h"
#include "support/numbers.h"
#include "support/say.h"

const cli_explain_method cli_explain_methods[CLI_EXPLAIN_METHODS] = {
    {"received", CLI_EXPLAIN_MAP, FV_EXPLAIN_ATTENTION},  {"rollout", CLI_EXPLAIN_MAP, FV_EXPLAIN_ROLLOUT},
    {"gradient", CLI_EXPLAIN_MAP, FV_EXPLAIN_GRADIENT},   {"grad-cam", CLI_EXPLAIN_MAP, FV_EXPLAIN_GRAD_CAM},
    {"occlusion", CLI_EXPLAIN_MAP, FV_EXPLAIN_OCCLUSION}, {"attention", CLI_EXPLAIN_WEIGHTS, FV_EXPLAIN_ATTENTION},
    {"slots", CLI_EXPLAIN_SLOTS, FV_EXPLAIN_ATTENTION}};

int cli_explain_read_words(cli_explanation *now) {
    const explain_options *options = now->options;
    for (int i = 0; i < CLI_EXPLAIN_METHODS; i++) {
        if (strcmp(options->method, cli_explain_methods[i].word) == 0) {
            now->method = &cli_explain_methods[i];
        }
    }
    const cli_explain_method *method = now->method;
    const char *part = options->head ? "head" : options->query ? "query" : NULL;
    const bool whole = method && method->method != FV_EXPLAIN_ATTENTION;
    const bool weights = method && method->kind != CLI_EXPLAIN_MAP;
    if (whole && part) {
        return cli_usage(&cli_explain, "--%s is for the methods received, attention and slots; %s takes all", part,
                         method->word);
    }
    if (whole && method->method != FV_EXPLAIN_GRADIENT && options->layer) {
        return cli_usage(&cli_explain,
                         "--layer is for the methods received, gradient, attention and slots; %s takes all",
                         method->word);
    }
    if (weights && part && strcmp(options->format, "png") != 0) {
        return cli_usage(&cli_explain, "--%s: --method %s in --format %s writes the weights of all heads and queries",
                         part, method->word, options->format);
    }
    if (weights && options->faithfulness) {
        return cli_usage(&cli_explain, "--faithfulness needs maps of the image; --method %s gives whole layers",
                         method->word);
    }
    return CLI_OK;
}

// A number from 0 on, or -1 where none is given.
static bool read_number(const char *text, int *number) {
    *number = -1;
    return !text || (cli_parse_int(text, number) && *number >= 0);
}

// Reports that `wanted` is not in a list, and what may have been meant.
static int refuse_name(const char *what, const char *wanted, const char *const *names) {
    char *known = cli_suggest(wanted, names);
    const int code = cli_usage(&cli_explain, "%s '%s'; %s", what, wanted, known);
    free(known);
    return code;
}

static int find_layer(cli_explanation *now) {
    const char *wanted = now->options->layer;
    const int count = fv_explainer_get_result(now->explainer)->layers;
    if (!wanted) {
        return CLI_OK;
    }
    if (!count) {
        return cli_usage(&cli_explain, "--layer: the model has no attention layer");
    }
    const char **names = cli_alloc((size_t)count + 1, sizeof *names);
    for (int i = 0; i < count; i++) {
        names[i] = fv_explainer_get_attention(now->explainer, i)->layer;
        now->choice.layer = strcmp(names[i], wanted) == 0 ? i : now->choice.layer;
    }
    const int code = now->choice.layer < 0 ? refuse_name("there is no attention layer", wanted, names) : CLI_OK;
    free(names);
    return code;
}

// A query is a number, or the row and the column of a token; with slots it is the slot.
static int find_query(cli_explanation *now) {
    const char *text = now->options->query, *comma = text ? strchr(text, ',') : NULL;
    const int count = fv_explainer_get_result(now->explainer)->layers;
    if (!comma) {
        return read_number(text, &now->choice.query)
                   ? CLI_OK
                   : cli_usage(&cli_explain, "--query: '%s' should be a token's number, or row,column", text);
    }
    const fv_attention_weights layer =
        *fv_explainer_get_attention(now->explainer, now->choice.layer < 0 ? count - 1 : now->choice.layer);
    char *first = cli_format("%.*s", (int)(comma - text), text);
    int row, column;
    const bool numbers = read_number(first, &row) && read_number(comma + 1, &column);
    free(first);
    if (!numbers || row >= layer.rows || column >= layer.columns) {
        return cli_usage(&cli_explain, "--query: '%s' is none of the %d × %d tokens (row,column from 0)", text,
                         layer.rows, layer.columns);
    }
    now->choice.query = layer.before + row * layer.columns + column;
    return CLI_OK;
}

static int find_class(cli_explanation *now) {
    const char *text = now->options->class_name;
    const int classes = now->model->classes;
    int number;
    now->target = -1;
    for (int c = 0; c < classes && text && now->target < 0; c++) {
        now->target = strcasecmp(now->model->class_names[c], text) == 0 ? c : -1;
    }
    if (!text || now->target >= 0) {
        return CLI_OK;
    }
    if (cli_parse_int(text, &number) && number >= 0 && number < classes) {
        now->target = number;
        return CLI_OK;
    }
    const char **names = cli_alloc((size_t)classes + 1, sizeof *names);
    memcpy(names, now->model->class_names, (size_t)classes * sizeof *names);
    char *what = cli_format("--class: neither a class nor a number up to %d:", classes - 1);
    const int code = refuse_name(what, text, names);
    free(what);
    free(names);
    return code;
}

int cli_explain_choose(cli_explanation *now) {
    const explain_options *options = now->options;
    now->choice = (fv_explain_options)FV_EXPLAIN_OPTIONS;
    now->choice.blocky = options->blocky;
    if (now->data) {
        CLI_TRY(
            cli_samples_read(&cli_explain, options->samples, fv_dataset_get_info(now->data)->count, 5, &now->samples));
    }
    if (!read_number(options->head, &now->choice.head)) {
        return cli_usage(&cli_explain, "--head: '%s' should be a number from 0 on", options->head);
    }
    CLI_TRY(find_class(now));
    CLI_TRY(find_layer(now));
    return find_query(now);
}
