// Loads a trained model and classifies picture files.
//
//     load_predict MODEL PICTURE...      load_predict runs/first cat.jpg dog.png
#include <stdio.h>
#include <stdlib.h>

#include "fovea.h"

// A file that cannot be read does not stop the others: its probabilities are 0.
static void tell_problem(void *context, size_t index, const char *sentence) {
    (void)context;
    (void)index;
    fprintf(stderr, "%s\n", sentence);
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
    const fv_predict_options options = {.on_left_out = tell_problem};
    fv_error error = {FV_MEMORY, "out of memory"}; // unless a function of fovea says something else
    fv_model *model = NULL;
    float *probabilities = NULL;
    if (count < 3) {
        fprintf(stderr, "usage: load_predict MODEL PICTURE...\n");
        return 2;
    }
    const char *const *paths = (const char *const *)words + 2;
    size_t pictures = (size_t)count - 2, classes = 0;
    fv_status status = fv_model_load(words[1], &model, &error); // a file, or a run folder
    if (status == FV_OK) {
        classes = (size_t)fv_model_get_info(model)->classes;
        probabilities = calloc(pictures * classes, sizeof *probabilities);
        status = probabilities ? fv_predict_files(model, paths, pictures, &options, probabilities, &error) : FV_MEMORY;
    }
    for (size_t i = 0; i < pictures && status == FV_OK; i++) {
        fv_model_info info = *fv_model_get_info(model);
        print_likeliest(paths[i], probabilities + i * classes, &info);
    }
    if (status != FV_OK) {
        fprintf(stderr, "%s\n", error.message);
    }
    free(probabilities);
    fv_model_free(model); // NULL is fine
    return status == FV_OK ? 0 : 1;
}
