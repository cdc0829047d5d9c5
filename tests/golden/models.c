// SPDX-License-Identifier: Apache-2.0
// Cases that are a whole model: its recipe with the file's weights must give the file's probabilities, first gradients
// and losses of ten training steps.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "golden.h"
#include "model/model.h"
#include "recipe/recipe.h"
#include "train/trainer.h"

enum { MOST_WEIGHTS = 512 };

#define EANET "model.3.repeat.layers.0.residual.1.external_attention."
#define VIT "model.3.repeat.layers.0.residual.1.multi_head_attention."

// Keys of a case's config that stand for a key of a recipe.
static const struct {
    const char *recipe, *key, *path;
} overrides[] = {{"mnist-mha", "attention_over", "model.6.multi_head_attention.over"},
                 {"fashion-attention", "units", "model.4.attention.units"},
                 {"eanet-cifar100", "heads", EANET "heads"},
                 {"eanet-cifar100", "dim_coefficient", EANET "coefficient"},
                 {"vit-cifar100", "heads", VIT "heads"},
                 {"vit-cifar100", "key_dim", VIT "head_dim"}};

static void apply_overrides(golden_case *golden, const char *name, fv_recipe *recipe) {
    for (size_t i = 0; i < sizeof overrides / sizeof *overrides && !golden->status; i++) {
        json_t *value = json_object_get(golden->config, overrides[i].key);
        if (strcmp(name, overrides[i].recipe) != 0 || !value) {
            continue;
        }
        char assignment[128];
        if (json_is_string(value)) {
            snprintf(assignment, sizeof assignment, "%s=%s", overrides[i].path, json_string_value(value));
        } else {
            snprintf(assignment, sizeof assignment, "%s=%g", overrides[i].path, json_number_value(value));
        }
        golden->status = fv_recipe_set(recipe, assignment, &golden->error);
    }
}

static bool ends_in(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

// Sets every rate of dropout (`dropout: 0.2`, `attention_dropout: 0.2`, `dropout: {rate: 0.2}`) to 0 where the case has
// it off, and every repeat's `times` to the case's number of blocks, where it gives one.
static void adapt_layers(golden_case *golden, fv__value *value) {
    bool no_dropout = strcmp(golden_text(golden, "dropout", "on"), "off") == 0;
    int blocks = golden_int(golden, "blocks", 0);
    for (size_t i = 0; i < value->count && !golden->status; i++) {
        const char *key = value->kind == FV__VALUE_MAP ? value->keys[i].name : "";
        fv__value *item = value->items[i];
        if (no_dropout && ends_in(key, "dropout")) {
            bool map = item->kind == FV__VALUE_MAP;
            golden->status =
                fv__map_set(map ? item : value, map ? "rate" : key, fv__value_int(value->document, 0), &golden->error);
        } else if (blocks && strcmp(key, "repeat") == 0 && item->kind == FV__VALUE_MAP) {
            golden->status = fv__map_set(item, "times", fv__value_int(value->document, blocks), &golden->error);
        }
        adapt_layers(golden, value->items[i]);
    }
}

// The part of "w006:query/kernel" that says which of the projections of attention it is, or NULL.
static const char *projection_of(const char *name) {
    static const char *const projections[] = {"query/", "key/", "value/"};
    for (size_t i = 0; i < sizeof projections / sizeof *projections; i++) {
        if (strstr(name, projections[i])) {
            return projections[i];
        }
    }
    return NULL;
}

// Whether the file's weight may be our parameter. Where the file names no projections at all, order decides alone.
static bool fits(const char *theirs, const char *ours, bool file_names_them) {
    const char *a = projection_of(theirs), *b = projection_of(ours);
    return file_names_them ? (!a && !b) || (a && b && strcmp(a, b) == 0) : true;
}

// Keras's weights come in the order in which its layers were made, ours in our layers' order: the same but inside an
// attention layer, where names decide. Returns the number of weights, with which[i] the parameter of the file's i-th.
static int match_weights(golden_case *golden, const fv_model *model, const fv__tensor_entry **weights, int *which) {
    bool taken[MOST_WEIGHTS] = {false};
    bool names_projections = false;
    int count = 0;
    for (size_t i = 0; i < fv__safetensors_count(golden->file) && count < MOST_WEIGHTS; i++) {
        const fv__tensor_entry *entry = fv__safetensors_entry(golden->file, i);
        int number;
        if (sscanf(entry->name, "w%d:", &number) == 1 && number >= 0 && number < MOST_WEIGHTS) {
            weights[number] = entry;
            names_projections = names_projections || projection_of(entry->name);
            count = number + 1 > count ? number + 1 : count;
        }
    }
    if (count != model->graph.parameter_count) {
        golden_fail(golden, "the file has %d weights, the model %d", count, model->graph.parameter_count);
    }
    for (int i = 0; i < count && !golden->status; i++) {
        int p = 0;
        while (p < count && (taken[p] || !weights[i] ||
                             !fits(weights[i]->name, model->graph.parameters[p].name, names_projections))) {
            p++;
        }
        if (p == count || model->graph.parameters[p].count != weights[i]->bytes / sizeof(float)) {
            golden_fail(golden, "no weight of the model fits the file's number %d", i);
            return 0;
        }
        taken[p] = true;
        which[i] = p;
    }
    return golden->status ? 0 : count;
}

static fv_status read_sample(void *context, size_t index, float *values, fv_error *error) {
    const fv__tensor_entry *x = context;
    const size_t bytes = x->bytes / (size_t)x->shape[0];
    (void)error;
    memcpy(values, (const char *)x->data + index * bytes, bytes);
    return FV_OK;
}

static void compare_probabilities(golden_case *golden, fv__pass *pass, int classes, int samples) {
    const float *logits = fv__pass_logits(pass);
    float *probabilities = fv__alloc_array((size_t)samples * (size_t)classes, sizeof *probabilities);
    golden->kernels->softmax_rows(logits, probabilities, samples, classes, 1);
    golden_compare(golden, "probabilities", probabilities, golden_floats(golden, "probabilities"),
                   (size_t)samples * (size_t)classes, GOLDEN_FORWARD, 0);
    fv__free(probabilities);
}

static void compare_gradients(golden_case *golden, const fv_model *model, float *gradients, int count,
                              const int *which) {
    float largest = 0;
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "g%03d", i);
        largest = fmaxf(largest, golden_has(golden, name) ? *golden_floats(golden, name) : 0);
    }
    for (int i = 0; i < count && !golden->status; i++) {
        char name[16];
        snprintf(name, sizeof name, "g%03d", i);
        const fv__parameter *parameter = &model->graph.parameters[which[i]];
        float norm = (float)sqrt(golden->kernels->sum_squares(gradients + parameter->offset, parameter->count));
        if (golden_has(golden, name)) {
            golden_compare(golden, parameter->name, &norm, golden_floats(golden, name), 1, GOLDEN_GRADIENT,
                           0.01 * (double)largest);
        }
    }
    memset(gradients, 0, model->graph.weight_count * sizeof *gradients);
}

static void train(golden_case *golden, fv__trainer *trainer, const fv__samples *samples, int count, const int *which) {
    int batch = (int)samples->count;
    fv__pass_run once = {.samples = samples, .count = batch};
    fv__metrics metrics;
    golden->status = fv__pass_run_on(trainer->training, &once, &metrics, &golden->error);
    if (!golden->status) {
        compare_probabilities(golden, trainer->training, trainer->model->classes, batch);
        compare_gradients(golden, trainer->model, fv__plan_weight_gradients(fv__pass_plan(trainer->training)), count,
                          which);
    }
    const fv__tensor_entry *trace = golden_tensor(golden, "loss_trace");
    size_t steps = trace ? (size_t)trace->shape[0] : 0;
    uint32_t indices[64];
    for (int i = 0; i < batch; i++) {
        indices[i] = (uint32_t)i;
    }
    for (size_t step = 0; step < steps && !golden->status; step++) {
        metrics = (fv__metrics){0};
        golden->status = fv__trainer_step(trainer, samples, indices, batch, &metrics, &golden->error);
        float loss = (float)(metrics.loss / (double)metrics.samples);
        // Rounding grows from step to step: a step of Adam is the same size however small its gradient.
        double tolerance = GOLDEN_FORWARD * (1 + 10 * (double)step);
        golden_compare(golden, "loss_trace", &loss, golden_floats(golden, "loss_trace") + step, 1, tolerance, 0);
    }
}

void golden_check_model(golden_case *golden, fv_model *model, bool rewrite) {
    const fv__tensor_entry *weights[MOST_WEIGHTS] = {NULL};
    int which[MOST_WEIGHTS];
    int count = match_weights(golden, model, weights, which);
    for (int i = 0; i < count; i++) {
        memcpy(model->weights + model->graph.parameters[which[i]].offset, weights[i]->data, weights[i]->bytes);
    }
    const fv__tensor_entry *x = golden_tensor(golden, "x"), *labels = golden_tensor(golden, "labels");
    fv__train_settings settings;
    if (golden->status || fv__train_settings_read(NULL, &settings, &golden->error)) {
        golden_fail(golden, "no settings");
        return;
    }
    settings.batch = (int)x->shape[0];
    settings.optimizer.kind =
        strcmp(golden_text(golden, "optimizer", "adam"), "adamw") == 0 ? FV__OPTIMIZER_ADAMW : FV__OPTIMIZER_ADAM;
    settings.optimizer.lr = golden_number(golden, "learning_rate", 1e-3);
    settings.optimizer.weight_decay = golden_number(golden, "weight_decay", 0);
    settings.label_smoothing = golden_number(golden, "label_smoothing", 0);
    fv__trainer_options options = {.threads = 2, .train_samples = (size_t)settings.batch, .no_rewrite = !rewrite};
    setenv("FOVEA_ISA", golden->kernels->level, 1); // the trainer chooses for itself
    fv__samples samples = {.count = (size_t)settings.batch,
                           .labels = labels->data,
                           .read_values = read_sample,
                           .context = (void *)(uintptr_t)x};
    fv__trainer *trainer = NULL;
    golden->status = fv__trainer_create(model, &settings, &options, &trainer, &golden->error);
    if (!golden->status) {
        train(golden, trainer, &samples, count, which);
    }
    fv__trainer_destroy(trainer);
}

void golden_run_model(golden_case *golden) {
    const char *name = golden_text(golden, "recipe", "");
    if (golden_has(golden, "features")) {
        golden_run_backbone(golden);
        return;
    }
    if (json_object_get(golden->config, "features")) {
        golden_run_head(golden);
        return;
    }
    fv_recipe *recipe = NULL;
    fv_model *model = NULL;
    golden->status = fv_recipe_open(name, &recipe, &golden->error);
    if (golden->status == FV_NOT_FOUND) { // no such recipe (yet): the case is skipped
        golden->status = FV_UNSUPPORTED;
    }
    if (!golden->status) {
        apply_overrides(golden, name, recipe);
    }
    if (!golden->status && strcmp(golden_text(golden, "input", ""), "already normalized") == 0) {
        golden->status = fv_recipe_set(recipe, "input.normalize=none", &golden->error);
    }
    if (!golden->status) {
        adapt_layers(golden, fv__map_get(fv__document_root(recipe->document), "model"));
    }
    for (int rewrite = 0; rewrite < 2 && !golden->status; rewrite++) { // as written, and after the algebra pass
        golden->status = fv_model_create_from_recipe(recipe, 0, &model, &golden->error);
        if (!golden->status) {
            golden_check_model(golden, model, rewrite);
        }
        fv_model_free(model);
        model = NULL;
    }
    fv_recipe_free(recipe);
}
