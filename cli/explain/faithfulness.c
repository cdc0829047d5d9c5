// --faithfulness: deletion and insertion of every map, averaged over the images, beside random orders of the pixels.
#include "explain.h"
#include "support/json.h"

enum { REPEATS = 3 }; // random orders an image

static void add(cli_explain_score *score, const char *word, const fv_faithfulness *measured) {
    score->word = word;
    score->deletion += measured->deletion;
    score->insertion += measured->insertion;
    score->images++;
}

int cli_explain_measure(cli_explanation *now) {
    fv_error error;
    fv_status status = FV_OK;
    for (int i = 0; i < now->map_count && !status; i++) {
        cli_explain_map *map = &now->maps[i];
        status = fv_explainer_faithfulness(now->explainer, map->values, &map->faithfulness, &error);
        if (!status) {
            add(&now->scores[i], map->word, &map->faithfulness);
        }
    }
    if (!status) {
        status = fv_explainer_random_faithfulness(now->explainer, REPEATS, now->options->seed + now->index,
                                                  &now->random, &error);
    }
    if (status) {
        return cli_fail(&error);
    }
    add(&now->scores[CLI_EXPLAIN_MAPS], "random", &now->random);
    return CLI_OK;
}

int cli_explain_print_scores(const cli_explanation *now) {
    cli_table table = {.alignment = "lrr"};
    cli_table_add(&table, "map");
    cli_table_add(&table, "deletion, less is better");
    cli_table_add(&table, "insertion, more is better");
    for (int i = 0; i <= CLI_EXPLAIN_MAPS; i++) {
        const cli_explain_score *score = &now->scores[i];
        if (score->images) {
            cli_table_add(&table, "%s", score->word);
            cli_table_add(&table, "%.3f", score->deletion / (double)score->images);
            cli_table_add(&table, "%.3f", score->insertion / (double)score->images);
        }
    }
    return cli_table_print(&table, stdout);
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
