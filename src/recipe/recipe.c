// SPDX-License-Identifier: Apache-2.0
#include "recipe/recipe.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "formats/file.h"
#include "recipe/builtin.h"
#include "recipe/classes.h"

// A recipe as it is written.
typedef struct recipe_sections {
    const fv__value *data, *input, *augment, *model, *weights, *train;
} recipe_sections;

const fv__option fv__recipe_options[] = {{.name = "data",
                                          .kind = FV__ANY,
                                          .offset = offsetof(recipe_sections, data),
                                          .required = true,
                                          .sentence = "Which data set, and what is kept for validation."},
                                         {.name = "input",
                                          .kind = FV__MAP,
                                          .offset = offsetof(recipe_sections, input),
                                          .required = true,
                                          .sentence = "What the model sees: size and normalization of images."},
                                         {.name = "augment",
                                          .kind = FV__LIST,
                                          .offset = offsetof(recipe_sections, augment),
                                          .default_text = "[]",
                                          .sentence = "What happens to images at random, in training only, before "
                                                      "they are normalized."},
                                         {.name = "model",
                                          .kind = FV__LIST,
                                          .offset = offsetof(recipe_sections, model),
                                          .required = true,
                                          .sentence = "The layers, from the image to one value a class."},
                                         {.name = "weights",
                                          .kind = FV__ANY,
                                          .offset = offsetof(recipe_sections, weights),
                                          .sentence = "Trained weights that the model, or a layer of it, begins with."},
                                         {.name = "train",
                                          .kind = FV__MAP,
                                          .offset = offsetof(recipe_sections, train),
                                          .default_text = "{}",
                                          .sentence = "How the model is trained."},
                                         {0}};

// --- Checking

static fv_status check_input(const fv_recipe *recipe, const fv_model *model, fv_error *error) {
    const int *size = model->input_settings.size.values;
    const fv__dataset_info *info = recipe->data.info;
    if (!info->open && (size[2] == 1 || size[2] == 3)) { // photographs are made to fit
        return FV_OK;
    }
    if (!info->open) {
        return fv__value_fail(error, fv__map_get(recipe->input, "size"),
                              "input.size: photographs have 3 channels, or 1 to make them grey, not %d", size[2]);
    }
    if (size[0] == info->height && size[1] == info->width && size[2] == info->channels) {
        return FV_OK;
    }
    return fv__value_fail(error, fv__map_get(recipe->input, "size"),
                          "input.size is [%d, %d, %d], but the images of %s are [%d, %d, %d]", size[0], size[1],
                          size[2], info->name, info->height, info->width, info->channels);
}

// The layers with a number of classes: 2 stands in for one that is known only when the data are opened.
static fv_status append_layers(const fv_recipe *recipe, fv_model *model, fv_error *error) {
    int classes = fv__data_known_classes(&recipe->data);
    fv__document *document = fv__document_new(recipe->source);
    fv__value *layers = document ? fv__value_copy(document, recipe->layers) : NULL;
    fv_status status =
        layers ? fv__classes_fill(layers, classes ? classes : 2, error) : fv__fail_memory(error, "the recipe");
    if (!status) {
        status = fv__model_append(model, layers, false, error);
    }
    fv__document_free(document);
    return status;
}

// Builds the graph, without weights: every layer's options and shapes, the number of classes, and what augmentation
// does must fit. What the model takes is what photographs are made into.
static fv_status check_model(fv_recipe *recipe, const fv__value *augment, fv_error *error) {
    fv_model *model;
    fv_status status = fv__model_begin(recipe->input, &model, error);
    if (status) {
        return status;
    }
    status = check_input(recipe, model, error);
    if (!status) {
        const fv__input_settings *input = &model->input_settings;
        recipe->data.photos = (fv__photo_settings){
            .resize = {.mode = input->resize, .height = input->size.values[0], .width = input->size.values[1]},
            .channels = input->size.values[2],
            .strict = recipe->data.strict};
        status =
            fv__augmentations_fit(&recipe->augmentations, augment, input->size.values[0], input->size.values[1], error);
    }
    if (!status) {
        status = append_layers(recipe, model, error);
    }
    if (!status) {
        fv_error inner = {0};
        status = fv__model_name_classes(model, fv__data_known_classes(&recipe->data), recipe->data.info->class_names,
                                        &inner);
        if (!status && !model->classes) { // how many is not known yet, but it is none of so many
            status = fv__fail(&inner, FV_INVALID,
                              "the last layer gives %s where each class needs one number, at most %d in all: end the "
                              "model with dense: {units: classes}, after global_average_pool or flatten",
                              fv__shape_print(fv__graph_shape(&model->graph, model->output)).text, FV__MAX_CLASSES);
        }
        if (status) {
            const fv__value *layers = recipe->layers;
            status = fv__value_fail(error, layers->count ? layers->items[layers->count - 1] : layers, "model: %s",
                                    inner.message);
        }
    }
    fv_model_free(model);
    return status;
}

static fv_status check_training(const fv_recipe *recipe, const fv__value *section, fv_error *error) {
    fv_error inner;
    const bool validates = recipe->data.validation != FV__VALIDATE_NONE;
    const int classes = fv__data_known_classes(&recipe->data);
    return fv__train_settings_check(&recipe->train, classes, validates, &inner)
               ? fv__value_fail(error, section, "%s", inner.message)
               : FV_OK;
}

static void describe(fv_recipe *recipe) {
    const fv__train_settings *train = &recipe->train;
    const bool validates = recipe->data.validation != FV__VALIDATE_NONE;
    recipe->info =
        (fv_recipe_info){.name = recipe->name,
                         .source = recipe->source,
                         .data_set = recipe->data.info->name,
                         .data_path = recipe->data.path,
                         .data_limit = (size_t)recipe->data.limit,
                         .photos = !recipe->data.info->open,
                         .validates = validates,
                         .validates_on_test = recipe->data.info->open && recipe->data.validation == FV__VALIDATE_TEST,
                         .augmentations = recipe->augmentations.count,
                         .weights = recipe->weights.from,
                         .weights_layer = recipe->weights.layer,
                         .batch = train->batch,
                         .epochs = train->epochs,
                         .patience = train->patience,
                         .keep_best = train->keep_best,
                         .label_smoothing = train->label_smoothing};
    memcpy(recipe->info.top_k, train->top_k, sizeof train->top_k);
}

const fv_recipe_info *fv_recipe_get_info(const fv_recipe *recipe) {
    return &recipe->info;
}

// Fills in the recipe's members from its document.
static fv_status read_document(fv_recipe *recipe, fv_error *error) {
    recipe_sections sections;
    const fv__value *root = fv__document_root(recipe->document);
    if (!fv__is_null(root) && root->kind != FV__VALUE_MAP) {
        return fv__value_fail(error, root,
                              "a recipe is a map of sections: data, input, augment, model, weights, train");
    }
    fv_status status = fv__options_read(fv__recipe_options, root, "recipe", &sections, error);
    if (!status) {
        status = fv__data_settings_read(sections.data, &recipe->data, error);
    }
    if (!status) {
        status = fv__train_settings_read(sections.train, &recipe->train, error);
    }
    if (!status) {
        status = check_training(recipe, sections.train, error);
    }
    if (!status) {
        status = fv__augmentations_read(sections.augment, &recipe->augmentations, error);
    }
    if (!status) {
        status = fv__weights_settings_read(sections.weights, &recipe->weights, error);
    }
    if (!status) {
        recipe->input = sections.input;
        recipe->layers = sections.model;
        status = check_model(recipe, sections.augment, error);
    }
    if (!status) {
        describe(recipe);
    }
    return status;
}

// --- Opening

// The part of a path between the last slash and ".yaml".
static char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *end = strstr(name, ".yaml");
    return fv__strndup(name, end ? (size_t)(end - name) : strlen(name));
}

fv_status fv_recipe_parse(const char *text, size_t size, const char *source, fv_recipe **out, fv_error *error) {
    *out = NULL;
    fv_recipe *recipe = fv__alloc(sizeof *recipe);
    if (!recipe) {
        return fv__fail_memory(error, "the recipe");
    }
    recipe->source = fv__strdup(source);
    recipe->name = name_of(source);
    fv_status status = recipe->source && recipe->name ? FV_OK : fv__fail_memory(error, "the recipe");
    if (!status) {
        status = fv__document_parse(text, size, source, &recipe->document, error);
    }
    if (!status) {
        status = read_document(recipe, error);
    }
    if (status) {
        fv_recipe_free(recipe);
        return status;
    }
    *out = recipe;
    return FV_OK;
}

static fv_status refuse_name(const char *name, fv_error *error) {
    enum { MOST = 64 };
    const char *names[MOST + 1] = {NULL};
    for (int i = 0; i < MOST && fv__builtin_recipes[i].name; i++) {
        names[i] = fv__builtin_recipes[i].name;
    }
    char known[512];
    return fv__fail(error, FV_NOT_FOUND,
                    "no built-in recipe is called '%.200s'; %s. A recipe of your own is given by "
                    "its path: %s%.200s%s",
                    name, fv__suggest_name(known, sizeof known, name, names), "./", name, ".yaml");
}

fv_status fv_recipe_open(const char *name, fv_recipe **out, fv_error *error) {
    *out = NULL;
    size_t length = strlen(name);
    bool is_path = strchr(name, '/') || (length > 5 && strcmp(name + length - 5, ".yaml") == 0);
    if (!is_path) {
        const fv_builtin_recipe *builtin = fv__builtin_recipe_find(name);
        return builtin ? fv_recipe_parse(builtin->text, strlen(builtin->text), name, out, error)
                       : refuse_name(name, error);
    }
    uint8_t *bytes;
    size_t size;
    fv_status status = fv__file_read(name, FV__YAML_SIZE, &bytes, &size, error);
    if (status == FV_NOT_FOUND && length > 5 && !strchr(name, '/')) {
        char built_in[64];
        snprintf(built_in, sizeof built_in, "%.*s", (int)(length - 5), name);
        if (fv__builtin_recipe_find(built_in)) {
            return fv__fail(error, FV_NOT_FOUND, "there is no file %s here; the built-in recipe is called %s", name,
                            built_in);
        }
    }
    if (!status) {
        status = fv_recipe_parse((const char *)bytes, size, name, out, error);
        fv__free(bytes);
    }
    return status;
}

fv_status fv_recipe_set_all(fv_recipe *recipe, const char *const *assignments, int count, fv_error *error) {
    fv_recipe changed = {.name = recipe->name, .source = recipe->source};
    changed.document = fv__document_new(recipe->source);
    fv__value *root = changed.document ? fv__value_copy(changed.document, fv__document_root(recipe->document)) : NULL;
    fv_status status = root ? FV_OK : fv__fail_memory(error, "the recipe");
    if (!status) {
        fv__document_set_root(changed.document, root);
    }
    for (int i = 0; i < count && !status; i++) {
        status = fv__document_assign(changed.document, assignments[i], error);
    }
    if (!status) {
        status = read_document(&changed, error);
    }
    if (status) {
        fv__document_free(changed.document);
        return status;
    }
    fv__document_free(recipe->document);
    *recipe = changed;
    return FV_OK;
}

fv_status fv_recipe_set(fv_recipe *recipe, const char *assignment, fv_error *error) {
    return fv_recipe_set_all(recipe, &assignment, 1, error);
}

void fv_recipe_free(fv_recipe *recipe) {
    if (recipe) {
        fv__document_free(recipe->document);
        fv__free(recipe->source);
        fv__free(recipe->name);
        fv__free(recipe);
    }
}

fv_status fv_recipe_resolve(const fv_recipe *recipe, char **yaml, fv_error *error) {
    fv__text text = {0};
    *yaml = NULL;
    FV__TRY(fv__recipe_resolve(recipe, &text, error));
    *yaml = text.bytes;
    return FV_OK;
}

fv_status fv_model_get_recipe(const fv_model *model, fv_recipe **out, fv_error *error) {
    *out = NULL;
    return model->recipe ? fv_recipe_parse(model->recipe, strlen(model->recipe), "the model's recipe", out, error)
                         : FV_OK;
}

fv_status fv_model_set_recipe(fv_model *model, const fv_recipe *recipe, fv_error *error) {
    fv__text text = {0};
    fv_status status = FV_OK;
    if (recipe) {
        FV__TRY_OR_DONE(fv__recipe_resolve(recipe, &text, error));
    }
    FV__TRY_OR_DONE(fv__model_set_recipe(model, text.bytes, error));
done:
    fv__text_free(&text);
    return status;
}

fv_status fv_recipe_describe_keys(char **markdown, fv_error *error) {
    fv__text text = {0};
    *markdown = NULL;
    FV__TRY(fv__recipe_reference(&text, error));
    *markdown = text.bytes;
    return FV_OK;
}
