// SPDX-License-Identifier: Apache-2.0
// Writing the model file.
#include <string.h>

#include "base/memory.h"
#include "model/file.h"
#include "model/model.h"

const fv__option fv__preprocessing_table[] = {{.name = "scale",
                                               .kind = FV__FLOAT_LIST,
                                               .offset = offsetof(fv__preprocessing, scale),
                                               .required = true,
                                               .minimum = -1e30,
                                               .maximum = 1e30,
                                               .sentence = "Factor of each channel's bytes."},
                                              {.name = "shift",
                                               .kind = FV__FLOAT_LIST,
                                               .offset = offsetof(fv__preprocessing, shift),
                                               .required = true,
                                               .minimum = -1e30,
                                               .maximum = 1e30,
                                               .sentence = "Added to each channel after that."},
                                              {0}};

const fv__option fv__loss_table[] = {{.name = "label_smoothing",
                                      .kind = FV__FLOAT,
                                      .offset = offsetof(fv__loss, label_smoothing),
                                      .required = true,
                                      .minimum = 0,
                                      .maximum = 1,
                                      .below_maximum = true,
                                      .sentence = "Of the cross-entropy the model was trained with."},
                                     {0}};

static fv_status emit_classes(const fv_model *model, fv__document *document, fv__text *text, fv_error *error) {
    fv__value *list = fv__value_new(document, FV__VALUE_LIST);
    for (int i = 0; list && i < model->classes; i++) {
        fv__value *name = fv__value_text(document, model->class_names[i]);
        list = name && !fv__list_add(list, name, error) ? list : NULL;
    }
    return list ? fv__value_emit(list, text, error) : fv__fail_memory(error, "the class names");
}

static fv_status emit_preprocessing(const fv_model *model, fv__document *document, fv__text *text, fv_error *error) {
    fv__preprocessing numbers = {.scale.count = model->input_settings.size.values[2],
                                 .shift.count = model->input_settings.size.values[2]};
    for (int c = 0; c < numbers.scale.count; c++) {
        numbers.scale.values[c] = (double)model->scale[c];
        numbers.shift.values[c] = (double)model->shift[c];
    }
    fv__value *map;
    fv_status status = fv__options_write(fv__preprocessing_table, &numbers, document, &map, error);
    return status ? status : fv__value_emit(map, text, error);
}

static fv_status emit_loss(const fv_model *model, fv__document *document, fv__text *text, fv_error *error) {
    fv__value *map;
    fv_status status = fv__options_write(fv__loss_table, &(fv__loss){model->label_smoothing}, document, &map, error);
    return status ? status : fv__value_emit(map, text, error);
}

static fv__tensor_entry *list_weights(const fv_model *model, const float *weights) {
    const fv__graph *graph = &model->graph;
    fv__tensor_entry *entries = fv__alloc_array((size_t)graph->parameter_count + 1, sizeof *entries);
    for (int p = 0; entries && p < graph->parameter_count; p++) {
        const fv__parameter *parameter = &graph->parameters[p];
        entries[p] = (fv__tensor_entry){.name = parameter->name,
                                        .dtype = FV__F32,
                                        .rank = parameter->shape.rank,
                                        .data = weights + parameter->offset};
        for (int i = 0; i < parameter->shape.rank; i++) {
            entries[p].shape[i] = parameter->shape.size[i];
        }
    }
    return entries;
}

// All that the model file holds, in memory.
typedef struct content {
    fv__text description, classes, numbers, loss;
    fv__document *document;
    fv__tensor_entry *entries; // (parameters)
    fv__metadata pairs[7];
    size_t pair_count;
} content;

static void drop_content(content *now) {
    fv__text_free(&now->description);
    fv__text_free(&now->classes);
    fv__text_free(&now->numbers);
    fv__text_free(&now->loss);
    fv__document_free(now->document);
    fv__free(now->entries);
}

// drop_content is fine also after a failure.
static fv_status make_content(const fv_model *model, const float *weights, content *now, fv_error *error) {
    *now = (content){.document = fv__document_new("model"), .entries = list_weights(model, weights)};
    if (!now->document || !now->entries) {
        return fv__fail_memory(error, "the model file");
    }
    if (!model->classes) {
        return fv__fail(
            error, FV_INVALID,
            "not written: the model is not complete, its last layer gives %s instead of one value per class",
            fv__shape_print(fv__graph_shape(&model->graph, model->output)).text);
    }
    FV__TRY(fv__value_emit(fv__document_root(model->description), &now->description, error));
    FV__TRY(emit_classes(model, now->document, &now->classes, error));
    FV__TRY(emit_preprocessing(model, now->document, &now->numbers, error));
    FV__TRY(emit_loss(model, now->document, &now->loss, error));
    const fv__metadata pairs[] = {{"format", "fovea"},
                                  {"format_version", FV__MODEL_FORMAT_VERSION},
                                  {"model", now->description.bytes},
                                  {"classes", now->classes.bytes},
                                  {"preprocessing", now->numbers.bytes},
                                  {"loss", now->loss.bytes},
                                  {"recipe", model->recipe}};
    memcpy(now->pairs, pairs, sizeof pairs);
    now->pair_count = model->recipe ? 7 : 6;
    return FV_OK;
}

fv_status fv__model_write(const fv_model *model, const float *weights, const char *path, fv_error *error) {
    content now;
    fv_status status = make_content(model, weights, &now, error);
    if (status) {
        status = fv__fail_in(error, status, "%s", path);
    } else {
        status = fv__safetensors_write(path, now.entries, (size_t)model->graph.parameter_count, now.pairs,
                                       now.pair_count, error);
    }
    drop_content(&now);
    return status;
}

fv_status fv_model_save(const fv_model *model, const char *path, fv_error *error) {
    return fv__model_write(model, model->weights, path, error);
}

fv_status fv_model_save_memory(const fv_model *model, void **bytes, size_t *size, fv_error *error) {
    content now;
    fv__text out = {0};
    fv_status status = FV_OK;
    *bytes = NULL;
    FV__TRY_OR_DONE(make_content(model, model->weights, &now, error));
    FV__TRY_OR_DONE(fv__safetensors_emit(now.entries, (size_t)model->graph.parameter_count, now.pairs, now.pair_count,
                                         &out, error));
    *bytes = out.bytes;
    *size = out.length;
    out = (fv__text){0};
done:
    fv__text_free(&out);
    drop_content(&now);
    return status;
}
