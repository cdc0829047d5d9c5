// SPDX-License-Identifier: Apache-2.0
// Making a model: from a recipe's values at once, or layer by layer in code.
#include "model/model.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "ops/softmax.h"

static const char *const normalizations[] = {"unit", "symmetric", "dataset", "none", NULL}; // as fv__normalize

const fv__option fv__input_options[] = {
    {.name = "size",
     .kind = FV__INT_LIST,
     .offset = offsetof(fv__input_settings, size),
     .required = true,
     .minimum = 1,
     .maximum = 4096,
     .sentence = "Height, width and channels of the images; channels up to 4."},
    {.name = "resize",
     .kind = FV__CHOICE,
     .offset = offsetof(fv__input_settings, resize),
     .choices = fv__resize_names,
     .default_text = "bilinear",
     .sentence =
         "How photographs get that size: bilinear, from the nearest pixels (as Keras); antialias, from all pixels "
         "that one of the result covers; crop, likewise, but with the sides' proportions kept and the ends of "
         "the longer one cut off."},
    {.name = "normalize",
     .kind = FV__CHOICE,
     .offset = offsetof(fv__input_settings, normalize),
     .choices = normalizations,
     .default_text = "unit",
     .sentence =
         "What becomes of a byte x: unit: x / 255; symmetric: x / 127.5 - 1 (as for MobileNetV2); dataset: less "
         "the mean of its channel over the training set, divided by the standard deviation; none: x itself."},
    {0}};

static void set_scale(fv_model *model) {
    for (int c = 0; c < FV__MAX_CHANNELS; c++) {
        model->scale[c] = 1;
        model->shift[c] = 0;
        if (model->input_settings.normalize == FV__NORMALIZE_UNIT) {
            model->scale[c] = 1 / 255.0F;
        } else if (model->input_settings.normalize == FV__NORMALIZE_SYMMETRIC) {
            model->scale[c] = 1 / 127.5F;
            model->shift[c] = -1;
        }
    }
}

void fv__model_normalize(fv_model *model, const double *mean, const double *deviation) {
    for (int c = 0; c < model->input_settings.size.values[2]; c++) {
        double divisor = deviation[c] > 1e-7 ? deviation[c] : 1e-7; // Keras's guard for a channel that is all alike
        model->scale[c] = (float)(1 / divisor);
        model->shift[c] = (float)(-mean[c] / divisor);
    }
}

// --- A model of its input alone

// {input: …, model: []}
static fv_status begin_description(fv_model *model, const fv__value *input, fv_error *error) {
    fv__document *document = model->description = fv__document_new("model");
    fv__value *root = document ? fv__value_new(document, FV__VALUE_MAP) : NULL;
    fv__value *settings = root ? fv__value_copy(document, input) : NULL;
    fv__value *layers = settings ? fv__value_new(document, FV__VALUE_LIST) : NULL;
    if (!layers || fv__map_set(root, "input", settings, error) || fv__map_set(root, "model", layers, error)) {
        return fv__fail_memory(error, "the model");
    }
    fv__document_set_root(document, root);
    return fv__options_read(fv__input_options, settings, "input", &model->input_settings, error);
}

fv_status fv__model_begin(const fv__value *input, fv_model **out, fv_error *error) {
    *out = NULL;
    fv_model *model = fv__alloc(sizeof *model);
    if (!model) {
        return fv__fail_memory(error, "the model");
    }
    fv__graph_init(&model->graph);
    fv_status status = begin_description(model, input, error);
    const fv__int_list *size = &model->input_settings.size;
    if (!status && (size->count != 3 || size->values[2] > FV__MAX_CHANNELS)) {
        const fv__value *where = fv__map_get(fv__map_get(fv__document_root(model->description), "input"), "size");
        status = fv__value_fail(error, where, "input.size: expected [height, width, channels] with up to %d channels",
                                FV__MAX_CHANNELS);
    }
    if (!status) {
        fv__shape shape = {.rank = 3, .size = {size->values[0], size->values[1], size->values[2]}};
        status = fv__graph_add_input(&model->graph, "input", &shape, &model->input, error);
    }
    if (status) {
        fv_model_free(model);
        return status;
    }
    model->top = model->output = model->input;
    set_scale(model);
    *out = model;
    return FV_OK;
}

// --- Layers on top

static int without_softmax(const fv__graph *graph, int node) {
    const fv__node *last = &graph->nodes[node];
    const fv__softmax_attributes *attributes = last->view.attributes;
    bool strip = last->op == &fv__op_softmax && attributes->axis == FV__AXIS_FEATURES;
    return strip ? last->inputs[0] : node;
}

// How far a model was built, to go back to.
typedef struct built {
    int nodes, parameters, layers, top, output;
    size_t described;
} built;

static built remember(const fv_model *model) {
    return (built){.nodes = model->graph.node_count,
                   .parameters = model->graph.parameter_count,
                   .layers = model->layer_count,
                   .top = model->top,
                   .output = model->output,
                   .described = fv__map_get(fv__document_root(model->description), "model")->count};
}

static void go_back(fv_model *model, const built *before) {
    fv__graph_truncate(&model->graph, before->nodes, before->parameters);
    fv__layer_entries_truncate(&model->layers, &model->layer_count, before->layers);
    model->layer_capacity = model->layers ? model->layer_capacity : 0;
    model->drawn = model->drawn < before->parameters ? model->drawn : before->parameters;
    model->top = before->top;
    model->output = before->output;
    fv__map_get(fv__document_root(model->description), "model")->count = before->described;
}

static fv_status build_layers(fv_model *model, const fv__value *list, fv_error *error) {
    fv__builder builder = {.graph = &model->graph,
                           .entries = model->layers,
                           .entry_count = model->layer_count,
                           .entry_capacity = model->layer_capacity};
    fv_status status = fv__layers_build(&builder, list, model->top, &model->top, error);
    model->layers = builder.entries;
    model->layer_count = builder.entry_count;
    model->layer_capacity = builder.entry_capacity;
    model->output = without_softmax(&model->graph, model->top);
    return status;
}

fv_status fv__model_append(fv_model *model, const fv__value *list, bool draw, fv_error *error) {
    built before = remember(model);
    fv__value *copy = fv__value_copy(model->description, list);
    fv_status status = copy ? build_layers(model, copy, error) : fv__fail_memory(error, "the model");
    for (size_t i = 0; !status && i < copy->count; i++) {
        status = fv__list_add(fv__map_get(fv__document_root(model->description), "model"), copy->items[i], error);
    }
    if (!status && draw && !(status = fv__model_draw(model, error))) {
        status = fv__model_name_classes(model, 0, NULL, error);
    }
    if (status) {
        go_back(model, &before);
    }
    return status;
}

fv_status fv__model_draw(fv_model *model, fv_error *error) {
    float *weights = fv__alloc_array(model->graph.weight_count, sizeof *weights);
    if (!weights) {
        return fv__fail_memory(error, "the weights");
    }
    fv__graph_initialize(&model->graph, model->seed, weights);
    size_t kept = 0; // weights that are there already, perhaps loaded ones: a prefix of the slab
    for (int p = 0; model->weights && p < model->drawn; p++) {
        kept = model->graph.parameters[p].offset + model->graph.parameters[p].count;
    }
    if (kept) {
        memcpy(weights, model->weights, kept * sizeof *weights);
    }
    fv__free(model->weights);
    model->weights = weights;
    model->drawn = model->graph.parameter_count;
    return FV_OK;
}

// Names in one block: the pointers, then the texts.
static char **make_names(int classes, const char *const *names) {
    char number[16];
    size_t bytes = (size_t)classes * sizeof(char *);
    for (int i = 0; i < classes; i++) {
        bytes += names ? strlen(names[i]) + 1 : sizeof number;
    }
    char **block = fv__alloc(bytes ? bytes : 1);
    char *text = block ? (char *)(block + classes) : NULL;
    for (int i = 0; block && i < classes; i++) {
        snprintf(number, sizeof number, "%d", i);
        const char *name = names ? names[i] : number;
        size_t length = strlen(name) + 1;
        block[i] = memcpy(text, name, length);
        text += length;
    }
    return block;
}

fv_status fv__model_name_classes(fv_model *model, int classes, const char *const *names, fv_error *error) {
    const fv__shape *shape = fv__graph_shape(&model->graph, model->output);
    bool complete = shape->rank == 1 && shape->size[0] <= FV__MAX_CLASSES;
    if (classes > 0 && (!complete || shape->size[0] != classes)) {
        const fv__shape_text text = fv__shape_print(shape);
        return shape->rank > 1
                   ? fv__fail(error, FV_INVALID,
                              "the last layer gives %s where %d classes need (%d): put global_average_pool or flatten "
                              "before the last dense",
                              text.text, classes, classes)
                   : fv__fail(error, FV_INVALID,
                              "the last layer gives %s where %d classes need (%d): end the model with dense: {units: "
                              "%d}, or in a recipe {units: classes}",
                              text.text, classes, classes, classes);
    }
    classes = complete ? shape->size[0] : 0;
    char **copies = make_names(classes, names);
    if (!copies) {
        return fv__fail_memory(error, "the class names");
    }
    fv__free(model->class_names);
    model->class_names = copies;
    model->classes = classes;
    fv__model_refresh_info(model);
    return FV_OK;
}

fv_status fv__model_build(const fv__value *input, const fv__value *layers, int classes, const char *const *class_names,
                          uint64_t seed, fv_model **out, fv_error *error) {
    *out = NULL;
    fv_model *model;
    fv_status status = fv__model_begin(input, &model, error);
    if (status) {
        return status;
    }
    model->seed = seed;
    status = fv__model_append(model, layers, true, error);
    if (!status && classes > 0) {
        status = fv__model_name_classes(model, classes, class_names, error);
    }
    if (status) {
        fv_model_free(model);
        return status;
    }
    *out = model;
    return FV_OK;
}

void fv_model_free(fv_model *model) {
    if (model) {
        fv__layer_entries_truncate(&model->layers, &model->layer_count, 0);
        fv__graph_free(&model->graph);
        fv__document_free(model->description);
        fv__free(model->weights);
        fv__free(model->class_names);
        fv__free(model->recipe);
        fv__free(model);
    }
}

const fv_model_info *fv_model_get_info(const fv_model *model) {
    return &model->info;
}

void fv__model_refresh_info(fv_model *model) {
    const int *size = model->input_settings.size.values;
    model->info = (fv_model_info){.height = size[0],
                                  .width = size[1],
                                  .channels = size[2],
                                  .classes = model->classes,
                                  .class_names = (const char *const *)model->class_names,
                                  .parameters = fv__graph_count_parameters(&model->graph, false),
                                  .trainable = fv__graph_count_parameters(&model->graph, true),
                                  .multiply_adds = fv__graph_multiply_adds(&model->graph),
                                  .label_smoothing = model->label_smoothing};
}

fv_status fv__model_check_images(const fv_model *model, const char *name, int height, int width, int channels,
                                 fv_error *error) {
    const int *size = model->input_settings.size.values;
    if (height == size[0] && width == size[1] && channels == size[2]) {
        return FV_OK;
    }
    return fv__fail(error, FV_INVALID, "the model takes images of %d×%d×%d, but those of %s are %d×%d×%d", size[0],
                    size[1], size[2], name, height, width, channels);
}

size_t fv__model_image_bytes(const fv_model *model) {
    const int *size = model->input_settings.size.values;
    return (size_t)size[0] * (size_t)size[1] * (size_t)size[2];
}

void fv__model_weights_changed(fv_model *model) {
    model->weights_version++;
}

fv_status fv__model_set_recipe(fv_model *model, const char *recipe, fv_error *error) {
    char *copy = recipe ? fv__strdup(recipe) : NULL;
    if (recipe && !copy) {
        return fv__fail_memory(error, "the model");
    }
    fv__free(model->recipe);
    model->recipe = copy;
    return FV_OK;
}
