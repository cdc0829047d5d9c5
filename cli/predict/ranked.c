// The likeliest classes of each image, as JSON, CSV and table cells.
#include "predict.h"

#include "base/memory.h"
#include "formats/csv.h"

int cli_predictions_load(const cli_options *options, cli_predictions *now) {
    *now = (cli_predictions){.options = options};
    const fv_predictor_options how = {
        .size = sizeof how, .threads = options->threads, .no_rewrite = options->no_rewrite};
    fv_error error;
    int code = cli_subject_load(options->arguments[0], options, &now->subject);
    if (code == CLI_OK && fv_predictor_create(now->subject.model, &how, &now->predictor, &error) != FV_OK) {
        code = cli_fail(&error);
    }
    if (code == CLI_OK) {
        now->model = *fv_model_get_info(now->subject.model);
        now->top = options->top ? options->top : 3;
        now->top = now->top < now->model.classes ? now->top : now->model.classes;
    }
    return code;
}

int cli_predictions_reserve(cli_predictions *now, size_t images) {
    now->ranked = fv__alloc_array(images, (size_t)now->top * sizeof *now->ranked);
    now->chunk = fv__alloc_array(CLI_PREDICT_CHUNK, (size_t)now->model.classes * sizeof *now->chunk);
    return now->ranked && now->chunk ? CLI_OK : cli_fail_memory();
}

void cli_predictions_free(cli_predictions *now) {
    fv__free(now->ranked);
    fv__free(now->chunk);
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
    for (size_t i = 0; i < count; i++) {
        rank(now->chunk + i * (size_t)now->model.classes, now->model.classes, now->top,
             now->ranked + (first + i) * (size_t)now->top);
    }
}

json_t *cli_ranked_json(const cli_predictions *now, const cli_ranked *ranked) {
    json_t *classes = json_array();
    for (int k = 0; k < now->top; k++) {
        json_array_append_new(classes, json_pack("{s:i, s:s, s:f}", "label", ranked[k].label, "class",
                                                 now->model.class_names[ranked[k].label], "probability",
                                                 (double)ranked[k].probability));
    }
    return classes;
}

void cli_ranked_cells(const cli_predictions *now, const cli_ranked *ranked, cli_table *table) {
    fv__text others = {0};
    for (int k = 0; k < now->top && ranked; k++) {
        const char *name = now->model.class_names[ranked[k].label];
        double percent = 100 * (double)ranked[k].probability;
        if (k == 0) {
            cli_table_add(table, "%s %.1f %%", name, percent);
        } else {
            fv__text_addf(&others, "%s%s %.1f %%", k > 1 ? ", " : "", name, percent);
        }
    }
    if (!ranked) {
        cli_table_add(table, "predicted");
        fv__text_add(&others, "next");
    }
    if (now->top > 1) {
        cli_table_add(table, "%s", others.failed ? "" : others.bytes);
    }
    fv__text_free(&others);
}

typedef struct csv_cell {
    char text[32];
} csv_cell;

void cli_ranked_csv(const cli_predictions *now, const char *const *fields, size_t count, const cli_ranked *ranked,
                    fv__text *text) {
    size_t top = (size_t)now->top;
    const char **row = fv__alloc_array(count + 2 * top, sizeof *row);
    csv_cell *numbers = fv__alloc_array(top, sizeof *numbers);
    text->failed |= !row || !numbers;
    for (size_t i = 0; i < count && !text->failed; i++) {
        row[i] = fields[i];
    }
    for (size_t k = 0; k < top && !text->failed; k++) {
        if (ranked) {
            snprintf(numbers[k].text, sizeof numbers[k].text, "%.9g", (double)ranked[k].probability);
        }
        row[count + 2 * k] = ranked ? now->model.class_names[ranked[k].label] : "";
        row[count + 2 * k + 1] = numbers[k].text;
    }
    if (!text->failed) {
        fv__csv_add(text, row, count + 2 * top);
    }
    fv__free(numbers);
    fv__free(row);
}

void cli_ranked_csv_head(const cli_predictions *now, const char *const *fields, size_t count, fv__text *text) {
    for (size_t i = 0; i < count; i++) {
        fv__text_addf(text, "%s,", fields[i]);
    }
    fv__text_add(text, "class,probability");
    for (int k = 2; k <= now->top; k++) {
        fv__text_addf(text, ",class_%d,probability_%d", k, k);
    }
    fv__text_add(text, "\n");
}

int cli_csv_print(fv__text *text) {
    int code = text->failed ? cli_fail_memory() : CLI_OK;
    if (code == CLI_OK) {
        fwrite(text->bytes, 1, text->length, stdout); // a failure to write shows at the end of main
    }
    fv__text_free(text);
    return code;
}
