// SPDX-License-Identifier: Apache-2.0
// What the tests of plans share: a small model built through the layers, its data, and runs of it.
#ifndef FOVEA_TESTS_PLANNING_H
#define FOVEA_TESTS_PLANNING_H

#include "scratch.h"

#include "base/memory.h"
#include "base/pool.h"
#include "base/random.h"
#include "graph/plan.h"
#include "layers/layer.h"
#include "ops/softmax.h"

// Every kind of phase: samples, the whole batch (392 * 256 weights outweigh a sample), sums of gradients (residual),
// and two dropouts.
#define FRONT "- conv2d: {filters: 8, kernel: 3, activation: %s}\n- %s\n"
#define MODEL                                                                                                          \
    FRONT "- residual:\n    - layer_norm\n    - attention: {units: 4, scale: trained, dropout: %s}\n"                  \
          "- multi_head_attention: {heads: 2, activation: tanh}\n- dropout: %s\n- flatten\n"                           \
          "- dense: {units: 256, activation: tanh}\n- dense: 5\n"

enum { CLASSES = 5, MOST = 24 };

typedef struct setup {
    fv__graph graph;
    fv__layer_entry *entries;
    int entry_count;
    int input, logits, loss;
    size_t input_size;
    float *weights, *data; // data: (MOST, input)
    fv__target targets[MOST];
    int fail_at[2]; // samples whose render fails; -1: none
    const fv__kernels *kernels;
} setup;

static inline void fill(float *values, size_t count, uint64_t key) {
    fv__random random = fv__random_start(1, FV__DRAW_TEST, key);
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)(2 * fv__random_uniform(&random) - 1);
    }
}

// Data, targets and weights of a complete graph.
static inline void finish(setup *s) {
    fv_error error;
    fv__cross_entropy_attributes attributes = {.label_smoothing = 0.1F};
    assert_int_equal(
        fv__graph_add(&s->graph, "loss", &fv__op_cross_entropy, &attributes, &s->logits, 1, &s->loss, &error), FV_OK);
    s->input_size = fv__shape_elements(fv__graph_shape(&s->graph, s->input));
    s->data = fv__alloc_array(MOST * s->input_size, sizeof(float));
    s->weights = fv__alloc_array(s->graph.weight_count, sizeof(float));
    fill(s->data, MOST * s->input_size, 1);
    fv__graph_initialize(&s->graph, 7, s->weights);
    for (int i = 0; i < MOST; i++) {
        s->targets[i] = (fv__target){.label = i % CLASSES, .weight = 1};
    }
    s->fail_at[0] = s->fail_at[1] = -1;
    assert_int_equal(fv__kernels_select(NULL, &s->kernels, &error), FV_OK);
}

// A model of `layers`, as a recipe writes them, for images of a size.
static inline void start_model(setup *s, const char *layers, fv__shape image) {
    fv_error error = {0};
    fv__document *document;
    *s = (setup){0};
    assert_int_equal(fv__document_parse(layers, strlen(layers), "model", &document, &error), FV_OK);
    fv__builder builder = {.graph = &s->graph};
    assert_int_equal(fv__graph_add_input(&s->graph, "input", &image, &s->input, &error), FV_OK);
    fv_status status = fv__layers_build(&builder, fv__document_root(document), s->input, &s->logits, &error);
    s->entries = builder.entries;
    s->entry_count = builder.entry_count;
    fv__document_free(document);
    if (status) {
        fail_msg("%s", error.message);
    }
    finish(s);
}

static inline void start(setup *s, const char *activation, const char *dropout) {
    char text[1024];
    const char *halve = strcmp(activation, "relu") ? "conv2d: {filters: 8, kernel: 2, stride: 2}" : "max_pool2d";
    snprintf(text, sizeof text, MODEL, activation, halve, dropout, dropout);
    start_model(s, text, (fv__shape){.rank = 3, .size = {16, 16, 2}});
    assert_int_equal(s->graph.nodes[s->entries[s->entry_count - 2].output].view.cadence, FV__CADENCE_BATCH);
}

static inline void finish_with(setup *s) {
    fv__layer_entries_truncate(&s->entries, &s->entry_count, 0);
    fv__graph_free(&s->graph);
    fv__free(s->weights);
    fv__free(s->data);
}

static inline fv_status render(void *context, int input, int first, int count, int worker, float *out,
                               fv_error *error) {
    const setup *s = context;
    (void)worker;
    if (input != s->input) { // a direction, the same for each sample
        size_t size = fv__shape_elements(fv__graph_shape(&s->graph, input));
        for (int i = 0; i < count; i++) {
            fill(out + (size_t)i * size, size, 77);
        }
        return FV_OK;
    }
    for (int i = first; i < first + count; i++) {
        if (i == s->fail_at[0] || i == s->fail_at[1]) {
            return fv__fail(error, FV_IO, "sample %d cannot be read", i);
        }
    }
    memcpy(out, s->data + (size_t)first * s->input_size, (size_t)count * s->input_size * sizeof(float));
    return FV_OK;
}

static inline fv__plan *make_plan(const setup *s, int threads, fv__plan_options options) {
    fv_error error = {0};
    fv__plan *plan = NULL;
    if (fv__plan_create(&s->graph, s->kernels, threads, &options, &plan, &error)) {
        fail_msg("%s", error.message);
    }
    return plan;
}

static inline fv__feed make_feed(setup *s, int samples) {
    return (fv__feed){
        .samples = samples, .weights = s->weights, .targets = s->targets, .render = render, .context = s, .seed = 3};
}

static inline void run_ok(fv__plan *plan, fv__pool *pool, const fv__feed *feed) {
    fv_error error = {0};
    if (fv__plan_run(plan, pool, feed, &error)) {
        fail_msg("%s", error.message);
    }
}

static inline fv__pool *make_pool(int threads) {
    fv_error error;
    fv__pool *pool;
    assert_int_equal(fv__pool_create(threads, &pool, &error), FV_OK);
    return pool;
}

// Losses of a training run, and the gradients moved to `gradients` (which leaves the plan's zero).
static inline void step(fv__plan *plan, fv__pool *pool, setup *s, const fv__feed *feed, float *losses,
                        float *gradients) {
    run_ok(plan, pool, feed);
    memcpy(losses, fv__plan_value(plan, s->loss), (size_t)feed->samples * sizeof(float));
    memcpy(gradients, fv__plan_weight_gradients(plan), s->graph.weight_count * sizeof(float));
    memset(fv__plan_weight_gradients(plan), 0, s->graph.weight_count * sizeof(float));
}

#endif
