// SPDX-License-Identifier: Apache-2.0
// Cases of transfer learning: MobileNetV2 on photographs, with Keras's ImageNet weights from the folder `weights`
// beside the cases', and what stands on its features.
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "formats/file.h"
#include "golden.h"
#include "model/import.h"

// Fills the weights of the model's layer mobilenet_v2 from the file.
static void load_weights(golden_case *golden, fv_model *model, const char *path) {
    fv__weights weights = {0};
    fv__import import = {0};
    if (!fv__file_exists(path)) {
        golden_skip(golden, "%s: not there", path);
        return;
    }
    golden->status = fv__weights_read(path, &weights, &golden->error);
    if (golden->status == FV_UNSUPPORTED) {
        golden_skip(golden, "%s", golden->error.message);
        return;
    }
    if (!golden->status) {
        golden->status = fv__import_match(model, &weights, NULL, &import, &golden->error);
    }
    if (!golden->status) {
        golden->status = fv__import_check(model, &weights, &import, path, &golden->error);
    }
    if (!golden->status) {
        fv__import_apply(model, &weights, &import);
    }
    fv__import_free(&import);
    fv__weights_free(&weights);
}

static fv_status render(void *context, int input, int first, int count, int worker, float *out, fv_error *error) {
    const golden_case *golden = context;
    const fv__tensor_entry *x = fv__safetensors_find(golden->file, "x");
    const size_t size = x->bytes / (size_t)x->shape[0], from = (size_t)first * size;
    (void)input, (void)worker, (void)error;
    for (size_t i = 0; i < (size_t)count * size; i++) {
        out[i] = (float)golden_value(x, from + i) / 127.5f - 1;
    }
    return FV_OK;
}

// Features and probabilities of the photographs, with the algebra pass or without.
static void check_backbone(golden_case *golden, const fv_model *model, bool rules, int features, int samples) {
    const int wanted[2] = {model->output, features};
    fv__rewrite rewrite = {0};
    fv__plan *plan = NULL;
    const fv__rewrite_options options = {.rules = rules, .batch = samples, .wanted = wanted, .wanted_count = 2};
    golden->status = fv__rewrite_make(&model->graph, &options, &rewrite, &golden->error);
    if (!golden->status) {
        const fv__plan_options plan_options = {.batch = samples,
                                               .root = rewrite.node_of[model->output],
                                               .kept = &rewrite.node_of[features],
                                               .kept_count = 1};
        golden->status = fv__plan_create(&rewrite.graph, golden->kernels, fv__pool_threads(golden->pool), &plan_options,
                                         &plan, &golden->error);
    }
    if (!golden->status) {
        const fv__feed feed = {.samples = samples, .weights = model->weights, .render = render, .context = golden};
        golden->status = fv__plan_run(plan, golden->pool, &feed, &golden->error);
    }
    const size_t outputs = (size_t)samples * (size_t)model->classes;
    float *probabilities = fv__alloc_array(outputs, sizeof *probabilities);
    if (!golden->status && probabilities) {
        golden_compare(golden, "features", fv__plan_value(plan, rewrite.node_of[features]),
                       golden_floats(golden, "features"),
                       (size_t)samples * fv__shape_elements(fv__graph_shape(&model->graph, features)), GOLDEN_DEEP, 0);
        golden->kernels->softmax_rows(fv__plan_value(plan, rewrite.node_of[model->output]), probabilities, samples,
                                      model->classes, 1);
        golden_compare(golden, "probabilities", probabilities, golden_floats(golden, "probabilities"), outputs,
                       GOLDEN_DEEP, 0);
    }
    fv__free(probabilities);
    fv__plan_destroy(plan);
    fv__rewrite_free(&rewrite);
}

void golden_run_backbone(golden_case *golden) {
    const fv__tensor_entry *x = golden_tensor(golden, "x");
    fv_model *model = NULL;
    char path[4096];
    if (!x) {
        return;
    }
    golden->status =
        fv_model_create((int)x->shape[1], (int)x->shape[2], (int)x->shape[3], "symmetric", &model, &golden->error);
    if (!golden->status) {
        golden->status = fv_model_add(model, &golden->error, "mobilenet_v2: {width: %g, top: true}",
                                      golden_number(golden, "alpha", 1));
    }
    if (!golden->status) {
        snprintf(path, sizeof path, "%s/../weights/%s", golden->folder, golden_text(golden, "weights", ""));
        load_weights(golden, model, path);
    }
    int features = -1;
    for (int n = 0; !golden->status && n < model->graph.node_count; n++) {
        features = model->graph.nodes[n].op == &fv__op_global_pool ? model->graph.nodes[n].inputs[0] : features;
    }
    for (int rules = 0; rules < 2 && !golden->status; rules++) { // as written, and after the algebra pass
        check_backbone(golden, model, rules, features, (int)x->shape[0]);
    }
    fv_model_free(model);
}

// The last size of the weight that the file calls "wNNN:…".
static int width_of(golden_case *golden, int number) {
    char prefix[16];
    snprintf(prefix, sizeof prefix, "w%03d:", number);
    for (size_t i = 0; i < fv__safetensors_count(golden->file); i++) {
        const fv__tensor_entry *entry = fv__safetensors_entry(golden->file, i);
        if (!strncmp(entry->name, prefix, strlen(prefix))) {
            return (int)entry->shape[entry->rank - 1];
        }
    }
    golden_fail(golden, "the file has no weight %s", prefix);
    return 0;
}

// Attention over the positions, their average, two dense layers. A model begins with an image of few channels, so the
// features come as one of a single channel.
void golden_run_head(golden_case *golden) {
    const fv__tensor_entry *x = golden_tensor(golden, "x");
    const int heads = golden_int(golden, "heads", 1), embed = golden_int(golden, "embed", 1);
    for (int rewrite = 0; rewrite < 2 && !golden->status; rewrite++) {
        const int height = (int)x->shape[1], width = (int)x->shape[2], channels = (int)x->shape[3];
        fv_model *model = NULL;
        golden->status = fv_model_create(height, width * channels, 1, "none", &model, &golden->error);
        if (!golden->status) {
            golden->status = fv_model_add(model, &golden->error,
                                          "- reshape: [%d, %d, %d]\n"
                                          "- multi_head_attention: {heads: %d, head_dim: %d, units: %d}\n"
                                          "- global_average_pool\n"
                                          "- dense: {units: %d, activation: relu}\n"
                                          "- dense: {units: %d, activation: softmax}",
                                          height, width, channels, heads, embed / heads, embed, width_of(golden, 8),
                                          width_of(golden, 10));
        }
        if (!golden->status) {
            golden_check_model(golden, model, rewrite);
        }
        fv_model_free(model);
    }
}
