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

static fv__tensor_entry *list_weights(const fv_model *model) {
    const fv__graph *graph = &model->graph;
    fv__tensor_entry *entries = fv__alloc_array((size_t)graph->parameter_count + 1, sizeof *entries);
    for (int p = 0; entries && p < graph->parameter_count; p++) {
        const fv__parameter *parameter = &graph->parameters[p];
        entries[p] = (fv__tensor_entry){.name = parameter->name,
                                        .dtype = FV__F32,
                                        .rank = parameter->shape.rank,
                                        .data = model->weights + parameter->offset};
        for (int i = 0; i < parameter->shape.rank; i++) {
            entries[p].shape[i] = parameter->shape.size[i];
        }
    }
    return entries;
}

fv_status fv__model_write(const fv_model *model, const char *path, const fv__metadata *extra, size_t extra_count,
                          fv_error *error) {
    if (!model->classes) {
        return fv__fail(
            error, FV_INVALID,
            "%s: not written: the model is not complete, its last layer gives %s instead of one value a class", path,
            fv__shape_print(fv__graph_shape(&model->graph, model->output)).text);
    }
    enum { OWN = 6 };
    fv__text description = {0}, classes = {0}, numbers = {0}, loss = {0};
    fv__document *document = fv__document_new("model");
    fv__tensor_entry *entries = list_weights(model);
    fv__metadata *pairs = fv__alloc_array(OWN + extra_count, sizeof *pairs);
    fv_status status = document && entries && pairs ? FV_OK : fv__fail_memory(error, "the model file");
    if (!status) {
        status = fv__value_emit(fv__document_root(model->description), &description, error);
    }
    if (!status) {
        status = emit_classes(model, document, &classes, error);
    }
    if (!status) {
        status = emit_preprocessing(model, document, &numbers, error);
    }
    if (!status) {
        status = emit_loss(model, document, &loss, error);
    }
    if (!status) {
        const fv__metadata own[OWN] = {{"format", "fovea"},
                                       {"format_version", FV__MODEL_FORMAT_VERSION},
                                       {"model", description.bytes},
                                       {"classes", classes.bytes},
                                       {"preprocessing", numbers.bytes},
                                       {"loss", loss.bytes}};
        memcpy(pairs, own, sizeof own);
        for (size_t i = 0; i < extra_count; i++) {
            pairs[OWN + i] = extra[i];
        }
        status =
            fv__safetensors_write(path, entries, (size_t)model->graph.parameter_count, pairs, OWN + extra_count, error);
    }
    fv__text_free(&description);
    fv__text_free(&classes);
    fv__text_free(&numbers);
    fv__text_free(&loss);
    fv__document_free(document);
    fv__free(entries);
    fv__free(pairs);
    return status;
}

fv_status fv_model_save(const fv_model *model, const char *path, fv_error *error) {
    return fv__model_write(model, path, NULL, 0, error);
}
