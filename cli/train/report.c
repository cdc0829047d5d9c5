// SPDX-License-Identifier: Apache-2.0
// What `fovea train` says before the first step and after the last.
#include <string.h>

#include "support/exit.h"
#include "support/json.h"
#include "support/numbers.h"
#include "support/text.h"
#include "train.h"

// --- Before

static void print_patches(const fv_model_info *model, const fv_layer_info *layer) {
    const int tokens = layer->shape[0], values = layer->shape[1];
    int side = 1;
    while (side * side * model->channels < values) {
        side++;
    }
    fprintf(stderr, "Patches: %d × %d pixels, %d × %d = %d per image, %d values each\n", side, side,
            model->height / side, model->width / side, tokens, values);
}

static void print_layers(const fv_model *model) {
    fv_summary *summary;
    if (fv_model_summarize(model, NULL, &summary, NULL) != FV_OK) {
        return;
    }
    for (int i = 0; i < summary->layer_count; i++) {
        if (strcmp(summary->layers[i].kind, "patches") == 0) {
            print_patches(fv_model_get_info(model), &summary->layers[i]);
        }
    }
    fv_summary_free(summary);
}

static size_t count_of(const fv_dataset *data) {
    return fv_dataset_get_info(data)->count;
}

void cli_train_begin(const fv_recipe *recipe, const fv_model *model, const fv_dataset *train,
                     const fv_dataset *validation) {
    char number[CLI_NUMBER_SIZE];
    const fv_dataset_info *data = fv_dataset_get_info(train);
    const fv_recipe_info *info = fv_recipe_get_info(recipe);
    fv_dataset *test = NULL;
    fprintf(stderr, "Data: %s, train %s × %d × %d × %d", info->data_set, cli_count(number, (double)data->count),
            data->height, data->width, data->channels);
    if (validation) {
        fprintf(stderr, info->validates_on_test ? ", test %s" : ", validation %s",
                cli_count(number, (double)count_of(validation)));
    }
    if (!info->validates_on_test && !info->photos &&
        fv_recipe_open_dataset(recipe, "test", NULL, &test, NULL) == FV_OK) {
        fprintf(stderr, ", test %s", cli_count(number, (double)count_of(test)));
    }
    fv_dataset_free(test);
    fprintf(stderr, "; %d classes\n", data->classes);
    print_layers(model);
}

// --- After

static int print_json(const fv_metrics *metrics) {
    json_t *line = json_object();
    cli_json_metrics(line, "test_", metrics);
    return cli_json_print(line, false);
}

static void print_text(const fv_metrics *metrics) {
    char number[CLI_NUMBER_SIZE];
    printf("Test: loss %.2f, top-1 %.2f %%", metrics->loss, 100 * metrics->accuracy);
    for (int i = 0; i < FV_MAX_TOP && metrics->top_k[i]; i++) {
        printf(", top-%d %.2f %%", metrics->top_k[i], 100 * metrics->top[i]);
    }
    printf(" on %s samples\n", cli_count(number, (double)metrics->samples));
}

// What is where, for people who come back to the terminal.
static void print_folder(const char *folder, const fv_progress *last) {
    if (!last->epoch) {
        printf("This run was finished already\n");
    }
    cli_line(stdout, "Left in %s: model.safetensors (all that prediction needs), history.csv, recipe.yaml, run.json",
             folder);
    cli_line(stdout, "Next: fovea eval %s, fovea predict %s, fovea plot %s", folder, folder, folder);
}

int cli_train_end(const train_options *options, const fv_recipe *recipe, const char *folder, const fv_progress *last,
                  const fv_metrics *test) {
    const fv_recipe_info *info = fv_recipe_get_info(recipe);
    if (options->json) {
        return test->samples ? print_json(test) : CLI_OK;
    }
    if (options->source.quiet) {
        return CLI_OK;
    }
    if (last->epoch < last->epochs) {
        printf("Stopped after epoch %d: the validation did not improve for %d epochs (train.patience)%s\n", last->epoch,
               info->patience,
               info->keep_best ? "" : "; train.keep_best keeps the best epoch's weights instead of the last");
    }
    if (test->samples) {
        print_text(test);
    }
    print_folder(folder, last);
    return CLI_OK;
}
