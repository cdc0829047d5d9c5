// SPDX-License-Identifier: Apache-2.0
// Loads a trained model and classifies image files.
//
//     load_predict MODEL IMAGE...      load_predict runs/first cat.jpg dog.png
#include <stdio.h>
#include <stdlib.h>

#include "fovea.h"

// An unreadable file does not stop the others: its probabilities are 0.
static bool report_problem(void *context, const fv_event *event) {
    (void)context;
    if (event->kind == FV_EVENT_LEFT_OUT) {
        fprintf(stderr, "%s\n", event->message);
    }
    return true; // go on
}

static void print_likeliest(const char *path, const float *probabilities, const fv_model_info *info) {
    int best = 0;
    for (int c = 1; c < info->classes; c++) {
        best = probabilities[c] > probabilities[best] ? c : best;
    }
    if (probabilities[best] > 0) {
        printf("%s: %s (%.1f %%)\n", path, info->class_names[best], 100 * (double)probabilities[best]);
    }
}

int main(int count, char **words) {
    const fv_predict_files_options options = {.size = sizeof options, .on_event = report_problem};
    fv_error error = {FV_MEMORY, "out of memory"}; // unless a function of fovea says something else
    fv_model *model = NULL;
    fv_predictor *predictor = NULL;
    float *probabilities = NULL;
    if (count < 3) {
        fprintf(stderr, "usage: load_predict MODEL IMAGE...\n");
        return 2;
    }
    const char *const *paths = (const char *const *)words + 2;
    size_t images = (size_t)count - 2, classes = 0;
    fv_status status = fv_model_load(words[1], &model, &error); // a file, or a run folder
    if (status == FV_OK) {
        classes = (size_t)fv_model_get_info(model)->classes;
        probabilities = calloc(images * classes, sizeof *probabilities);
        status = probabilities ? fv_predictor_create(model, NULL, &predictor, &error) : FV_MEMORY;
    }
    if (status == FV_OK) {
        status = fv_predictor_run_files(predictor, paths, images, &options, probabilities, &error);
    }
    for (size_t i = 0; i < images && status == FV_OK; i++) {
        print_likeliest(paths[i], probabilities + i * classes, fv_model_get_info(model));
    }
    if (status != FV_OK) {
        fprintf(stderr, "%s\n", error.message);
    }
    free(probabilities);
    fv_predictor_free(predictor); // NULL is fine
    fv_model_free(model);
    return status == FV_OK ? 0 : 1;
}
