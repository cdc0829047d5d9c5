// SPDX-License-Identifier: Apache-2.0
// Reading the model file. It comes from anywhere: what it says is checked before memory is taken for it.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "formats/file.h"
#include "model/file.h"
#include "model/model.h"

// The YAML of a metadata key, parsed.
static fv_status parse_metadata(const fv__tensor_file *file, const char *path, const char *key, fv__document **document,
                                fv_error *error) {
    const char *text = fv__safetensors_metadata(file, key);
    if (!text) {
        return fv__fail(error, FV_FORMAT, "%s: the metadata lacks '%s'; this is not a whole fovea model", path, key);
    }
    char *source = fv__format("%s: %s", path, key);
    if (!source) {
        return fv__fail_memory(error, "the model");
    }
    fv_status status = fv__document_parse(text, strlen(text), source, document, error);
    fv__free(source);
    return status;
}

// Files of earlier formats are read; there is one so far.
static fv_status check_format(const fv__tensor_file *file, const char *path, fv_error *error) {
    const char *format = fv__safetensors_metadata(file, "format");
    const char *version = fv__safetensors_metadata(file, "format_version");
    int number, newest = 0;
    if (!format || strcmp(format, "fovea") || !version || !fv__parse_int(version, &number) || number < 1) {
        return fv__fail(error, FV_FORMAT, "%s: not a fovea model (its metadata has no format: fovea)", path);
    }
    fv__parse_int(FV__MODEL_FORMAT_VERSION, &newest);
    if (number > newest) {
        return fv__fail(error, FV_FORMAT,
                        "%s: its model format %d is of a later version; fovea %s reads formats up to %d", path, number,
                        fv_version(), newest);
    }
    return FV_OK;
}

static fv_status read_model(const fv__tensor_file *file, const char *path, fv_model **model, fv_error *error) {
    fv__document *document = NULL;
    fv_status status = parse_metadata(file, path, "model", &document, error);
    const fv__value *root = document ? fv__document_root(document) : NULL;
    if (!status && (!fv__map_get(root, "input") || !fv__map_get(root, "model"))) {
        status = fv__fail(error, FV_FORMAT, "%s: the description has no input or no model", path);
    }
    if (!status) {
        status = fv__model_begin(fv__map_get(root, "input"), model, error);
    }
    if (!status) {
        status = fv__model_append(*model, fv__map_get(root, "model"), false, error);
    }
    fv__document_free(document);
    return status;
}

static fv_status read_classes(const fv__tensor_file *file, const char *path, fv_model *model, fv_error *error) {
    fv__document *document = NULL;
    const char **names = NULL;
    fv_status status = parse_metadata(file, path, "classes", &document, error);
    const fv__value *list = document ? fv__document_root(document) : NULL;
    if (!status && (list->kind != FV__VALUE_LIST || list->count < 1 || list->count > FV__MAX_CLASSES)) {
        status = fv__fail(error, FV_FORMAT, "%s: classes is not a list of 1 to %d names", path, FV__MAX_CLASSES);
    }
    if (!status && !(names = fv__alloc_array(list->count, sizeof *names))) {
        status = fv__fail_memory(error, "the class names");
    }
    for (size_t i = 0; !status && i < list->count; i++) {
        names[i] = list->items[i]->text;
        if (list->items[i]->kind != FV__VALUE_SCALAR) {
            status = fv__fail(error, FV_FORMAT, "%s: class %zu has no name", path, i);
        }
    }
    if (!status && (status = fv__model_name_classes(model, (int)list->count, names, error))) {
        status = fv__fail_in(error, status, "%s", path);
    }
    fv__free(names);
    fv__document_free(document);
    return status;
}

static fv_status read_preprocessing(const fv__tensor_file *file, const char *path, fv_model *model, fv_error *error) {
    fv__document *document = NULL;
    fv__preprocessing numbers;
    fv_status status = parse_metadata(file, path, "preprocessing", &document, error);
    if (!status) {
        status =
            fv__options_read(fv__preprocessing_table, fv__document_root(document), "preprocessing", &numbers, error);
    }
    int channels = model->input_settings.size.values[2];
    if (!status && (numbers.scale.count != channels || numbers.shift.count != channels)) {
        status = fv__fail(error, FV_FORMAT, "%s: preprocessing of %d and %d channels for images of %d", path,
                          numbers.scale.count, numbers.shift.count, channels);
    }
    for (int c = 0; !status && c < channels; c++) {
        model->scale[c] = (float)numbers.scale.values[c];
        model->shift[c] = (float)numbers.shift.values[c];
    }
    fv__document_free(document);
    return status;
}

static fv_status read_loss(const fv__tensor_file *file, const char *path, fv_model *model, fv_error *error) {
    fv__document *document = NULL;
    fv__loss loss = {0};
    if (!fv__safetensors_metadata(file, "loss")) {
        return FV_OK;
    }
    fv_status status = parse_metadata(file, path, "loss", &document, error);
    if (!status) {
        status = fv__options_read(fv__loss_table, fv__document_root(document), "loss", &loss, error);
    }
    model->label_smoothing = loss.label_smoothing;
    fv__model_refresh_info(model);
    fv__document_free(document);
    return status;
}

static fv_status check_tensor(const fv__parameter *parameter, const fv__tensor_entry *entry, const char *path,
                              fv_error *error) {
    if (!entry) {
        return fv__fail(error, FV_FORMAT, "%s: the weight %s %s is missing", path, parameter->name,
                        fv__shape_print(&parameter->shape).text);
    }
    if (entry->dtype != FV__F32) {
        return fv__fail(error, FV_FORMAT, "%s: the weight %s is %s, but must be F32", path, parameter->name,
                        fv__dtype_name(entry->dtype));
    }
    bool same = entry->rank == parameter->shape.rank;
    for (int i = 0; same && i < entry->rank; i++) {
        same = entry->shape[i] == parameter->shape.size[i];
    }
    if (!same) {
        char found[256] = "";
        for (int i = 0, used = 0; i < entry->rank; i++) {
            used +=
                snprintf(found + used, sizeof found - (size_t)used, i ? ", %lld" : "%lld", (long long)entry->shape[i]);
        }
        return fv__fail(error, FV_FORMAT, "%s: the weight %s has shape (%s), but the layer needs %s", path,
                        parameter->name, found, fv__shape_print(&parameter->shape).text);
    }
    const float *values = entry->data;
    for (size_t i = 0; i < parameter->count; i++) {
        if (!isfinite(values[i])) {
            return fv__fail(error, FV_FORMAT, "%s: the weight %s has a value that is not finite, at %zu", path,
                            parameter->name, i);
        }
    }
    return FV_OK;
}

static fv_status read_weights(const fv__tensor_file *file, const char *path, fv_model *model, fv_error *error) {
    const fv__graph *graph = &model->graph;
    for (int p = 0; p < graph->parameter_count; p++) {
        const fv__parameter *parameter = &graph->parameters[p];
        fv_status status = check_tensor(parameter, fv__safetensors_find(file, parameter->name), path, error);
        if (status) {
            return status;
        }
    }
    for (size_t i = 0; i < fv__safetensors_count(file); i++) {
        const char *name = fv__safetensors_entry(file, i)->name;
        if (fv__graph_find_parameter(graph, name) < 0) {
            return fv__fail(error, FV_FORMAT, "%s: the tensor %.100s belongs to no layer of the model", path, name);
        }
    }
    model->weights = fv__alloc_array(graph->weight_count, sizeof *model->weights);
    if (!model->weights) {
        return fv__fail_memory(error, "the weights");
    }
    model->drawn = graph->parameter_count;
    for (int p = 0; p < graph->parameter_count; p++) {
        const fv__parameter *parameter = &graph->parameters[p];
        memcpy(model->weights + parameter->offset, fv__safetensors_find(file, parameter->name)->data,
               parameter->count * sizeof(float));
    }
    return FV_OK;
}

static fv_status read_all(const fv__tensor_file *file, const char *path, fv_model **model, fv_error *error) {
    FV__TRY(check_format(file, path, error));
    FV__TRY(read_model(file, path, model, error));
    FV__TRY(read_classes(file, path, *model, error));
    FV__TRY(read_preprocessing(file, path, *model, error));
    FV__TRY(read_loss(file, path, *model, error));
    FV__TRY(read_weights(file, path, *model, error));
    return fv__model_set_recipe(*model, fv__safetensors_metadata(file, "recipe"), error);
}

static fv_status take(const fv__tensor_file *file, const char *path, fv_model **out, fv_error *error) {
    fv_model *model = NULL;
    fv_status status = read_all(file, path, &model, error);
    if (status == FV_INVALID) { // a layer or an option in the file is wrong, not an argument of the caller
        status = FV_FORMAT;
        if (error) {
            error->status = status;
        }
    }
    if (status) {
        fv_model_free(model);
        return status;
    }
    *out = model;
    return FV_OK;
}

fv_status fv_model_load(const char *path, fv_model **out, fv_error *error) {
    *out = NULL;
    fv__tensor_file *file = NULL;
    fv_status status = FV_OK;
    char *inside = fv__folder_exists(path) ? fv__format("%s/model.safetensors", path) : fv__strdup(path);
    FV__TRY_OR_DONE(inside ? FV_OK : fv__fail_memory(error, "the model"));
    FV__TRY_OR_DONE(fv__safetensors_open(inside, &file, error));
    FV__TRY_OR_DONE(take(file, inside, out, error));
done:
    fv__safetensors_close(file);
    fv__free(inside);
    return status;
}

fv_status fv_model_load_memory(const void *bytes, size_t size, const char *name, fv_model **out, fv_error *error) {
    *out = NULL;
    fv__tensor_file *file;
    FV__TRY(fv__safetensors_parse(bytes, size, name, &file, error));
    const fv_status status = take(file, name, out, error);
    fv__safetensors_close(file);
    return status;
}
