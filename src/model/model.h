// SPDX-License-Identifier: Apache-2.0
// A model: its description (what a recipe says of input and layers), the graph built from it, weights, classes and
// preprocessing. The description is what a model file stores, so that a model made in code loads like any other.
//
// The output are logits, on which the loss is computed: a softmax over the features at the very end (layer `softmax`,
// or `activation: softmax`) is left out of the graph's output, since training and prediction apply it themselves.
#ifndef FOVEA_MODEL_MODEL_H
#define FOVEA_MODEL_MODEL_H

#include "formats/safetensors.h"
#include "graph/graph.h"
#include "image/resize.h"
#include "layers/layer.h"

enum { FV__MAX_CHANNELS = 4, FV__MAX_CLASSES = 1 << 16 };

typedef enum fv__normalize {
    FV__NORMALIZE_UNIT,
    FV__NORMALIZE_SYMMETRIC,
    FV__NORMALIZE_DATASET,
    FV__NORMALIZE_NONE
} fv__normalize;

// `input:` of a recipe.
typedef struct fv__input_settings {
    fv__int_list size;       // height, width, channels
    fv__resize_mode resize;  // of pictures that have another size
    fv__normalize normalize; // unit: x / 255; symmetric: x / 127.5 - 1; dataset: by its mean and deviation a channel
} fv__input_settings;

extern const fv__option fv__input_options[];

struct fv_model {
    fv__document *description; // {input: …, model: […]}; owns what options point to
    fv__input_settings input_settings;
    fv__graph graph; // images to logits
    int input;       // node
    int top;         // node: the last layer's
    int output;      // node: the logits, `top` without a softmax
    uint64_t seed;   // that fresh weights are drawn from
    float *weights;  // (graph.weight_count)
    int drawn;       // parameters that have a place in `weights`
    fv__layer_entry *layers;
    int layer_count, layer_capacity;
    float scale[FV__MAX_CHANNELS], shift[FV__MAX_CHANNELS]; // input = byte * scale[channel] + shift[channel]
    double label_smoothing;                                 // of the cross-entropy it was trained with
    int classes;              // 0: the model is not complete, its output is not one value a class
    char **class_names;       // (classes), in one block
    char *recipe;             // as resolved, that it was made from; NULL: none
    fv_model_info info;       // kept up to date by fv__model_refresh_info
    uint64_t weights_version; // changes with the weights, so that predictors prepare theirs again
};

// Builds graph and fresh weights. `input` and `layers` are copied into the model's description. `class_names` may be
// NULL
// ("0", "1", …). The last layer must give `classes` values when classes > 0; otherwise its width sets the number. With
// `normalize: dataset` the caller goes on with fv__model_normalize.
fv_status fv__model_build(const fv__value *input, const fv__value *layers, int classes, const char *const *class_names,
                          uint64_t seed, fv_model **out, fv_error *error);

// Normalizes by mean and standard deviation of each channel, in byte values: (byte - mean) / deviation.
void fv__model_normalize(fv_model *model, const double *mean, const double *deviation);

// `samples` images of bytes (samples, height, width, channels) to the model's input.
void fv__model_preprocess(const fv_model *model, const uint8_t *pixels, int samples, float *out);

// FV_INVALID unless images of what is called `name` have the size of the model's.
fv_status fv__model_check_images(const fv_model *model, const char *name, int height, int width, int channels,
                                 fv_error *error);

// Bytes of one image: height * width * channels.
size_t fv__model_image_bytes(const fv_model *model);

// The softmax of one image's logits, checked: weights can be finite and still overflow. `image` is its number, for the
// message. out may be logits.
fv_status fv__model_softmax(const float *logits, int classes, size_t image, float *out, fv_error *error);

// To be called when the layers, the classes or the label smoothing have changed.
void fv__model_refresh_info(fv_model *model);

// Must be called after model->weights have changed.
void fv__model_weights_changed(fv_model *model);

// fv_model_save with other weights than the model's, (graph.weight_count).
fv_status fv__model_write(const fv_model *model, const float *weights, const char *path, fv_error *error);

// Takes over a copy of the recipe's text, to be stored in the model file; NULL: none.
fv_status fv__model_set_recipe(fv_model *model, const char *recipe, fv_error *error);

// --- Between the files of this folder

// A model of its input alone, without weights or classes.
fv_status fv__model_begin(const fv__value *input, fv_model **out, fv_error *error);

// Builds a list of layers on top and, if asked, draws weights for those that have none yet and numbers the classes. On
// failure the model is as before.
fv_status fv__model_append(fv_model *model, const fv__value *list, bool draw, fv_error *error);

// Makes room for the weights of layers that have none yet and draws them.
fv_status fv__model_draw(fv_model *model, fv_error *error);

// Checks that the model gives `classes` values (0: as many as it gives) and takes over their names (NULL: numbers).
fv_status fv__model_name_classes(fv_model *model, int classes, const char *const *names, fv_error *error);

// Takes over the names from a text file, one a line: FV_FORMAT unless there are as many as classes.
fv_status fv__model_read_classes(fv_model *model, const char *path, fv_error *error);

#endif
