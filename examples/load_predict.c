// Loads a trained model and classifies one image of a data set.
//
//     load_predict MODEL SET INDEX      load_predict runs/first fashion-mnist 7
#include <stdio.h>
#include <stdlib.h>

#include "fovea.h"

// Prints every class with its probability. `pixels` may come from anywhere: (height, width, channels) bytes.
static fv_status classify(fv_model *model, const uint8_t *pixels, fv_error *error) {
    fv_model_info info = fv_model_describe(model);
    float *probabilities = calloc((size_t)info.classes, sizeof *probabilities);
    if (!probabilities) {
        return FV_MEMORY;
    }
    fv_status status = fv_predict(model, pixels, 1, probabilities, error);
    for (int c = 0; c < info.classes && status == FV_OK; c++) {
        printf("%6.2f %%  %s\n", 100 * (double)probabilities[c], info.class_names[c]);
    }
    free(probabilities);
    return status;
}

int main(int count, char **words) {
    fv_error error = {FV_MEMORY, "out of memory"}; // unless a function of fovea says something else
    fv_model *model = NULL;
    fv_dataset *data = NULL;
    uint8_t *pixels = NULL;
    if (count != 4) {
        fprintf(stderr, "usage: load_predict MODEL SET INDEX\n");
        return 2;
    }
    size_t index = strtoul(words[3], NULL, 10);
    fv_status status = fv_model_load(words[1], &model, &error); // a file, or a run folder
    if (status == FV_OK) {
        status = fv_dataset_open(words[2], "test", NULL, &data, &error);
    }
    if (status == FV_OK) {
        fv_dataset_info info = fv_dataset_describe(data);
        pixels = calloc((size_t)info.height * (size_t)info.width * (size_t)info.channels, 1);
        status = pixels ? fv_dataset_read(data, index, pixels, &error) : FV_MEMORY;
    }
    if (status == FV_OK) {
        status = classify(model, pixels, &error);
    }
    if (status != FV_OK) {
        fprintf(stderr, "%s\n", error.message);
    }
    free(pixels);
    fv_dataset_close(data); // NULL is fine for all of these
    fv_model_free(model);
    return status == FV_OK ? 0 : 1;
}
