// SPDX-License-Identifier: Apache-2.0
// `fovea predict MODEL`: chosen samples of a data set.
#include <stdlib.h>

#include "commands.h"
#include "predict.h"
#include "support/csv.h"
#include "support/json.h"
#include "support/samples.h"
#include "support/say.h"
#include "support/text.h"

typedef struct prediction {
    cli_predictions shared;
    fv_dataset *data;
    const fv_dataset_info *info; // of `data`
    cli_samples samples;
} prediction;

static int predict(prediction *now) {
    const size_t count = now->samples.count;
    cli_predictions_reserve(&now->shared, count);
    for (size_t first = 0; first < count; first += CLI_PREDICT_CHUNK) {
        const size_t images = count - first < CLI_PREDICT_CHUNK ? count - first : CLI_PREDICT_CHUNK;
        const size_t *index = now->samples.index + first;
        fv_error error;
        const fv_status status =
            fv_predictor_run_samples(now->shared.predictor, now->data, index, images, now->shared.chunk, &error);
        if (status == FV_NUMERIC) {
            cli_say("counted among the samples from %s:%zu on: %s", now->samples.split, index[0], error.message);
            return CLI_FAILED;
        }
        CLI_TRY(cli_check(status, &error));
        cli_predictions_rank(&now->shared, first, images);
    }
    return CLI_OK;
}

// --- Answers

typedef struct row {
    size_t index;
    const char *class_name; // the true one
    const cli_ranked *ranked;
    bool right;
    int label;
} row;

static row row_of(const prediction *now, size_t i) {
    const size_t index = now->samples.index[i];
    const int label = now->info->labels[index];
    const cli_ranked *ranked = cli_predictions_of(&now->shared, i);
    return (row){index, now->shared.model->class_names[label], ranked, ranked->label == label, label};
}

static int print_json(const prediction *now) {
    json_t *list = json_array();
    for (size_t i = 0; i < now->samples.count; i++) {
        const row one = row_of(now, i);
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:i, s:s, s:b, s:o}", "split", now->samples.split, "index",
                                        (json_int_t)one.index, "label", one.label, "class", one.class_name, "correct",
                                        (int)one.right, "predictions", cli_ranked_json(&now->shared, one.ranked)));
    }
    return cli_json_print(list, true);
}

static void print_csv(const prediction *now) {
    printf("split,index,true_class,correct");
    cli_ranked_csv_head(&now->shared);
    for (size_t i = 0; i < now->samples.count; i++) {
        const row one = row_of(now, i);
        printf("%s,%zu", now->samples.split, one.index);
        cli_csv_add(stdout, one.class_name, false);
        cli_csv_add(stdout, one.right ? "true" : "false", false);
        cli_ranked_csv(&now->shared, one.ranked);
    }
}

static void print_text(const prediction *now) {
    const cli_predictions *shared = &now->shared;
    size_t correct = 0;
    cli_table table = {.alignment = shared->top > 1 ? "rllll" : "rlll"};
    cli_table_add(&table, "%s", now->samples.split);
    cli_table_add(&table, " ");
    cli_table_add(&table, "true class");
    cli_ranked_cells(shared, NULL, &table);
    for (size_t i = 0; i < now->samples.count; i++) {
        const row one = row_of(now, i);
        correct += one.right;
        cli_table_add(&table, "%zu", one.index);
        cli_table_add(&table, "%s", one.right ? "" : cli_utf8() ? "✗" : "x");
        cli_table_add(&table, "%s", one.class_name);
        cli_ranked_cells(shared, one.ranked, &table);
    }
    cli_table_print(&table, stdout);
    if (!shared->options->source.quiet) {
        printf("%zu of %zu right\n", correct, now->samples.count);
    }
}

int cli_predict_samples(const predict_options *options, const char *model) {
    prediction now = {0};
    const cli_source *source = &options->source;
    int code;
    CLI_TRY_OR_DONE(cli_samples_split(&cli_predict, options->samples, &now.samples));
    CLI_TRY_OR_DONE(cli_predictions_load(options, model, &now.shared));
    CLI_TRY_OR_DONE(cli_subject_data(&now.shared.subject, now.samples.split, source, &now.data));
    now.info = fv_dataset_get_info(now.data);
    CLI_TRY_OR_DONE(cli_samples_read(&cli_predict, options->samples, now.info->count, 10, &now.samples));
    CLI_TRY_OR_DONE(predict(&now));
    if (options->json) {
        code = print_json(&now);
    } else if (options->csv) {
        print_csv(&now);
    } else {
        print_text(&now);
    }
done:
    free(now.samples.index);
    fv_dataset_free(now.data);
    cli_predictions_free(&now.shared);
    return code;
}
