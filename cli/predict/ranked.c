// SPDX-License-Identifier: Apache-2.0
// The likeliest classes of each image, as JSON, CSV and table cells.
#include <stdlib.h>

#include "predict.h"
#include "support/csv.h"
#include "support/memory.h"
#include "support/say.h"

int cli_predictions_load(const predict_options *options, const char *path, cli_predictions *now) {
    *now = (cli_predictions){.options = options};
    const fv_predictor_options how = {
        .size = sizeof how, .threads = options->source.threads, .no_rewrite = options->source.no_rewrite};
    fv_error error;
    CLI_TRY(cli_subject_load(path, &options->source, &now->subject));
    CLI_TRY(cli_check(fv_predictor_create(now->subject.model, &how, &now->predictor, &error), &error));
    now->model = fv_model_get_info(now->subject.model);
    now->top = options->top < now->model->classes ? options->top : now->model->classes;
    return CLI_OK;
}

void cli_predictions_reserve(cli_predictions *now, size_t images) {
    now->ranked = cli_alloc(images, (size_t)now->top * sizeof *now->ranked);
    now->chunk = cli_alloc(CLI_PREDICT_CHUNK, (size_t)now->model->classes * sizeof *now->chunk);
}

void cli_predictions_free(cli_predictions *now) {
    free(now->ranked);
    free(now->chunk);
    fv_predictor_free(now->predictor);
    cli_subject_free(&now->subject);
}

// Of two as likely, the one with the smaller label.
static bool is_before(const float *probabilities, int a, int b) {
    return probabilities[a] > probabilities[b] || (probabilities[a] == probabilities[b] && a < b);
}

static void rank(const float *probabilities, int classes, int top, cli_ranked *ranked) {
    for (int k = 0; k < top; k++) {
        int best = -1;
        for (int c = 0; c < classes; c++) {
            if ((k == 0 || is_before(probabilities, ranked[k - 1].label, c)) &&
                (best < 0 || is_before(probabilities, c, best))) {
                best = c;
            }
        }
        ranked[k] = (cli_ranked){best, probabilities[best]};
    }
}

void cli_predictions_rank(cli_predictions *now, size_t first, size_t count) {
    const int classes = now->model->classes;
    for (size_t i = 0; i < count; i++) {
        rank(now->chunk + i * (size_t)classes, classes, now->top, now->ranked + (first + i) * (size_t)now->top);
    }
}

json_t *cli_ranked_json(const cli_predictions *now, const cli_ranked *ranked) {
    json_t *classes = json_array();
    for (int k = 0; k < now->top; k++) {
        json_array_append_new(classes, json_pack("{s:i, s:s, s:f}", "label", ranked[k].label, "class",
                                                 now->model->class_names[ranked[k].label], "probability",
                                                 (double)ranked[k].probability));
    }
    return classes;
}

// "cat 91.3 %, dog 8.7 %" of places first … last-1. Release with free.
static char *list_classes(const cli_predictions *now, const cli_ranked *ranked, int first, int last) {
    char *text;
    size_t size;
    FILE *out = cli_stream(&text, &size);
    for (int k = first; k < last; k++) {
        fprintf(out, "%s%s %.1f %%", k > first ? ", " : "", now->model->class_names[ranked[k].label],
                100 * (double)ranked[k].probability);
    }
    fclose(out);
    return text;
}

void cli_ranked_cells(const cli_predictions *now, const cli_ranked *ranked, cli_table *table) {
    char *first = ranked ? list_classes(now, ranked, 0, 1) : cli_copy("predicted");
    char *others = ranked ? list_classes(now, ranked, 1, now->top) : cli_copy("next");
    cli_table_add(table, "%s", first);
    if (now->top > 1) {
        cli_table_add(table, "%s", others);
    }
    free(first);
    free(others);
}

void cli_ranked_csv(const cli_predictions *now, const cli_ranked *ranked) {
    for (int k = 0; k < now->top; k++) {
        cli_csv_add(stdout, ranked ? now->model->class_names[ranked[k].label] : "", false);
        printf(ranked ? ",%.9g" : ",", ranked ? (double)ranked[k].probability : 0);
    }
    putchar('\n');
}

void cli_ranked_csv_head(const cli_predictions *now) {
    printf(",class,probability");
    for (int k = 2; k <= now->top; k++) {
        printf(",class_%d,probability_%d", k, k);
    }
    putchar('\n');
}
