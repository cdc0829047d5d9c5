// SPDX-License-Identifier: Apache-2.0
// --faithfulness: deletion and insertion of every map, averaged over the images, next to random orders of the pixels.
#include "explain.h"
#include "support/say.h"
#include "support/table.h"

enum { REPEATS = 3 }; // random orders for each image

static void add(cli_explain_score *score, const char *word, const fv_faithfulness *measured) {
    score->word = word;
    score->deletion += measured->deletion;
    score->insertion += measured->insertion;
    score->images++;
}

int cli_explain_measure(cli_explanation *now) {
    const uint64_t seed = now->options->source.seed + now->index;
    fv_error error;
    for (int i = 0; i < now->map_count; i++) {
        cli_explain_map *map = &now->maps[i];
        CLI_TRY(cli_check(fv_explainer_faithfulness(now->explainer, map->values, &map->faithfulness, &error), &error));
        add(&now->scores[i], map->word, &map->faithfulness);
    }
    CLI_TRY(cli_check(fv_explainer_random_faithfulness(now->explainer, REPEATS, seed, &now->random, &error), &error));
    add(&now->scores[CLI_EXPLAIN_MAPS], "random", &now->random);
    return CLI_OK;
}

void cli_explain_print_scores(const cli_explanation *now) {
    cli_table table = {.alignment = "lrr"};
    cli_table_add_row(&table, "map", "deletion, less is better", "insertion, more is better");
    for (int i = 0; i <= CLI_EXPLAIN_MAPS; i++) {
        const cli_explain_score *score = &now->scores[i];
        if (score->images) {
            cli_table_add(&table, "%s", score->word);
            cli_table_add(&table, "%.3f", score->deletion / (double)score->images);
            cli_table_add(&table, "%.3f", score->insertion / (double)score->images);
        }
    }
    cli_table_print(&table, stdout);
}

json_t *cli_explain_scores_json(const cli_explanation *now) {
    json_t *scores = json_object();
    for (int i = 0; i <= CLI_EXPLAIN_MAPS; i++) {
        const cli_explain_score *score = &now->scores[i];
        if (score->images) {
            json_object_set_new(scores, score->word,
                                json_pack("{s:f, s:f}", "deletion", score->deletion / (double)score->images,
                                          "insertion", score->insertion / (double)score->images));
        }
    }
    return scores;
}
