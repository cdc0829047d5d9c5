#include "report.h"

#include <string.h>

#include "base/memory.h"
#include "model/model.h"
#include "recipe/recipe.h"
#include "support/json.h"
#include "train/run_folder.h"

// Opens the test split as far as the recipe goes; *data stays NULL where there is none.
static fv_status open_test(const fv_recipe *recipe, fv_dataset **data, fv_error *error) {
    fv_status status = fv__data_open_split(&recipe->data, "test", data, error);
    return status == FV_NOT_FOUND ? FV_OK : status;
}

// --- Before

static void tell_patches(const fv__node *node) {
    const fv__shape *image = &node->view.inputs[0], *tokens = &node->view.output;
    int side = ((const fv__patches_attributes *)node->view.attributes)->size;
    fprintf(stderr, "Patches: %d × %d pixels, %d × %d = %d an image, %d values each\n", side, side,
            image->size[0] / side, image->size[1] / side, tokens->size[0], tokens->size[1]);
}

void cli_train_tell_start(const fv_recipe *recipe, const fv_model *model, const fv_dataset *train,
                          const fv_dataset *validation) {
    char number[CLI_NUMBER_SIZE];
    const fv_dataset_info info = *fv_dataset_get_info(train);
    fv_dataset *test = NULL;
    fprintf(stderr, "Data: %s, train %s × %d × %d × %d", recipe->data.info->name, cli_count(number, (double)info.count),
            info.height, info.width, info.channels);
    const bool photos = !recipe->data.info->open, tests = !photos && recipe->data.validation == FV__VALIDATE_TEST;
    if (validation) {
        fprintf(stderr, tests ? ", test %s" : ", validation %s",
                cli_count(number, (double)fv_dataset_get_info(validation)->count));
    }
    if (!tests && !photos && open_test(recipe, &test, NULL) == FV_OK && test) {
        fprintf(stderr, ", test %s", cli_count(number, (double)fv_dataset_get_info(test)->count));
    }
    fv_dataset_free(test);
    fprintf(stderr, "; %d classes\n", info.classes);
    for (int n = 0; n < model->graph.node_count; n++) {
        if (model->graph.nodes[n].op == &fv__op_patches) {
            tell_patches(&model->graph.nodes[n]);
        }
    }
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

// What is where, for whoever comes back to the terminal.
static void tell_folder(const char *folder, const fv_progress *last) {
    if (!last->epoch) {
        printf("This run was finished already\n");
    }
    printf("Left in %s: model.safetensors (all that prediction needs), history.csv, recipe.yaml, run.json\n", folder);
    printf("Next: fovea eval %s, fovea predict %s, fovea plot %s\n", folder, folder, folder);
}

// What the model reaches on the test set; no samples: there is none.
static fv_status measure(const cli_options *options, const fv_recipe *recipe, fv_model *model, const fv_progress *last,
                         fv_metrics *metrics, fv_error *error) {
    fv_dataset *data = NULL;
    // The last validation may have been on the test set, with the weights that the model has.
    if (last->validation.samples && !recipe->train.keep_best && fv__data_validates_on_test(&recipe->data)) {
        *metrics = last->validation;
        return FV_OK;
    }
    fv_evaluation *evaluation = NULL;
    fv_evaluate_options how = {.size = sizeof how, .threads = options->threads};
    *metrics = (fv_metrics){0};
    memcpy(how.top_k, recipe->train.top_k, sizeof how.top_k);
    fv_status status = open_test(recipe, &data, error);
    if (!status && data) {
        status = fv_model_evaluate(model, data, &how, &evaluation, error);
    }
    if (evaluation) {
        *metrics = evaluation->metrics;
    }
    fv_evaluation_free(evaluation);
    fv_dataset_free(data);
    return status;
}

// Into run.json too.
static fv_status note_test(const char *folder, const fv_metrics *metrics, fv_error *error) {
    char *path = fv__format("%s/run.json", folder);
    fv_status status =
        path ? fv__run_report_add_test(path, metrics, error) : fv__fail_memory(error, "the report of the run");
    fv__free(path);
    return status;
}

int cli_train_tell_end(const cli_options *options, const fv_recipe *recipe, fv_model *model, const char *folder,
                       const fv_progress *last) {
    fv_error error;
    fv_metrics metrics;
    const bool talks = !options->json && !options->quiet;
    int code = CLI_OK;
    if (talks && last->epoch < last->epochs) {
        printf("Stopped after epoch %d: the validation got no better for %d in a row (train.patience)%s\n", last->epoch,
               recipe->train.patience,
               recipe->train.keep_best ? "" : "; train.keep_best keeps the best epoch's weights instead of the last");
    }
    fv_status status = measure(options, recipe, model, last, &metrics, &error);
    if (!status && metrics.samples) {
        status = note_test(folder, &metrics, &error);
    }
    if (status) {
        code = cli_fail(&error);
    } else if (metrics.samples && options->json) {
        code = print_json(&metrics);
    } else if (metrics.samples && talks) {
        print_text(&metrics);
    }
    if (talks) {
        tell_folder(folder, last);
    }
    return code;
}
