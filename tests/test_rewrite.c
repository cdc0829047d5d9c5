// SPDX-License-Identifier: Apache-2.0
// The algebra pass: models as written and rewritten give the same outputs, gradients and training, and rules keep off
// what somebody asks for.
#include "training.h"

#include "graph/rewrite.h"
#include "train/trainer.h"

enum { BATCH = 12 };

// Layers before the classes; an op that the rewritten graph has, and one that it lacks.
typedef struct rewrite_case {
    const char *name, *layers[6];
    const fv__op *has, *lacks;
} rewrite_case;

#define TOKENS "patches: 2", "dense: {units: 24, activation: relu}"
#define AVERAGE "global_average_pool"

static const rewrite_case rewritten[] = {
    {"average before dense", {TOKENS, "dense: 40", AVERAGE}, &fv__op_global_pool, NULL},
    {"average before two dense layers and a view",
     {TOKENS, "dense: 30", "reshape: [4, 4, 30]", "dense: {units: 20, bias: false}", AVERAGE},
     &fv__op_global_pool,
     NULL},
    {"head of all features", {TOKENS, "multi_head_attention: 4", AVERAGE}, &fv__op_head_dense, &fv__op_attention},
    {"head at batch cadence",
     {"patches: 2", "dense: {units: 320, activation: tanh}", "multi_head_attention: {heads: 4, head_dim: 90}", AVERAGE},
     &fv__op_head_dense,
     &fv__op_attention},
    {"head without biases",
     {TOKENS, "multi_head_attention: {heads: 3, bias: false, units: 10}", AVERAGE},
     &fv__op_head_dense,
     &fv__op_attention},
    {"values with an activation",
     {TOKENS, "multi_head_attention: {heads: 4, activation: tanh}", AVERAGE},
     &fv__op_pooled_attention,
     &fv__op_head_dense},
    {"values of few features",
     {TOKENS, "multi_head_attention: {heads: 4, head_dim: 1}", AVERAGE},
     &fv__op_pooled_attention,
     &fv__op_attention},
    {"values that are the tokens", {TOKENS, "attention: {units: 5}", AVERAGE}, &fv__op_pooled_attention, NULL},
    {"attention behind attention",
     {TOKENS, "residual: [multi_head_attention: 2]", "multi_head_attention: 4", AVERAGE},
     &fv__op_head_dense,
     NULL},
    {"a key that heads share, dropout",
     {TOKENS, "multi_head_attention: {heads: 2, head_dim: 24, dropout: 0.3}", "flatten"},
     &fv__op_head_product,
     NULL},
    {"a key and a value that heads share",
     {TOKENS, "residual: [layer_norm, multi_head_attention: {heads: 3, head_dim: 30}]", "flatten"},
     &fv__op_head_product,
     NULL},
    {"a value that heads share, dropout and no bias",
     {TOKENS, "multi_head_attention: {heads: 2, head_dim: 32, dropout: 0.3, bias: false}", "flatten"},
     &fv__op_head_product,
     NULL},
    {"heads that share cost less than values averaged first",
     {TOKENS, "multi_head_attention: {heads: 2, head_dim: 200}", AVERAGE},
     &fv__op_head_product,
     &fv__op_pooled_attention},
    {"dropout, which is none in inference",
     {TOKENS, "multi_head_attention: {heads: 4, dropout: 0.1}", "dropout: 0.3", "dense: 30", AVERAGE},
     &fv__op_global_pool,
     NULL},
    {"two dense layers",
     {TOKENS, "dense: 40", "dense: {units: 6, name: second}", "flatten"},
     &fv__op_weight_product,
     NULL},
    {"memories and the projections beside them",
     {TOKENS, "external_attention: {heads: 2, coefficient: 2, slots: 3, bias: false, memory_bias: false}", "flatten"},
     &fv__op_weight_product,
     NULL},
    {"two convolutions",
     {"conv2d: {filters: 16, kernel: 3}", "conv2d: {filters: 4, kernel: [3, 2]}", "flatten"},
     &fv__op_convolution_product,
     NULL},
    {"three convolutions, strides, some biases",
     {"conv2d: {filters: 12, kernel: 2, stride: [1, 2], bias: false}",
      "conv2d: {filters: 16, kernel: 2, stride: [2, 1]}", "conv2d: {filters: 3, kernel: 2, activation: tanh}",
      "flatten"},
     &fv__op_convolution_product,
     NULL},
    {"an activation behind pooling",
     {"conv2d: {filters: 5, kernel: 3, activation: relu}", "max_pool2d: 2", "flatten"},
     &fv__op_max_pool2d,
     NULL},
};

static const rewrite_case untouched[] = {
    {"largest", {TOKENS, "dense: 40", "global_max_pool"}, NULL, NULL},
    {"dense with an activation", {TOKENS, AVERAGE}, NULL, NULL},
    {"one feature", {TOKENS, "dense: 1", "residual: [dropout: 0.1]", AVERAGE}, NULL, NULL},
    {"dropout on the weights",
     {TOKENS, "multi_head_attention: {heads: 4, dropout: 0.1, output_activation: relu}", AVERAGE},
     NULL,
     NULL},
    {"a mask",
     {TOKENS, "multi_head_attention: {heads: 4, mask: causal, output_activation: relu}", AVERAGE},
     NULL,
     NULL},
    {"additive scores", {TOKENS, "attention: {score: additive}", AVERAGE}, NULL, NULL},
    {"a trained scale", {TOKENS, "attention: {scale: trained}", AVERAGE}, NULL, NULL},
    {"heads that attend to each other",
     {TOKENS, "multi_head_attention: {heads: 4, over: heads, output_activation: relu}", AVERAGE},
     NULL,
     NULL},
    {"convolutions with another image between them",
     {"conv2d: {filters: 16, kernel: 3}", "reshape: [12, 12, 4]", "conv2d: {filters: 4, kernel: 3}", "flatten"},
     NULL,
     NULL},
    {"strides that are too long together",
     {"conv2d: {filters: 8, kernel: 1, stride: 255}", "conv2d: {filters: 4, kernel: 1, stride: 255}", "flatten"},
     NULL,
     NULL},
    {"attention that is read twice", {TOKENS, "residual: [attention]", AVERAGE}, NULL, NULL},
};

static fv_model *make_model(const rewrite_case *test) {
    fv_model *model;
    assert_ok(fv_model_create(PICTURE_SIDE, PICTURE_SIDE, 1, "unit", &model, &failure));
    for (int i = 0; i < 6 && test->layers[i]; i++) {
        assert_ok(fv_model_add(model, &failure, "%s", test->layers[i]));
    }
    assert_ok(fv_model_add(model, &failure, "dense: {units: 16, activation: tanh}"));
    assert_ok(fv_model_add(model, &failure, "dense: %d", PICTURE_CLASSES));
    return model;
}

static fv__rewrite rewrite_model(const fv_model *model, int wanted) {
    fv__rewrite rewrite;
    const int nodes[] = {model->output, wanted};
    const fv__rewrite_options options = {
        .rules = true, .training = true, .batch = BATCH, .wanted = nodes, .wanted_count = wanted < 0 ? 1 : 2};
    assert_ok(fv__rewrite_make(&model->graph, &options, &rewrite, &failure));
    return rewrite;
}

static int find_op(const fv__graph *graph, const fv__op *op) {
    for (int n = 0; n < graph->node_count; n++) {
        if (graph->nodes[n].op == op) {
            return n;
        }
    }
    return -1;
}

static void assert_close(const rewrite_case *test, const char *what, const float *a, const float *b, size_t count,
                         float tolerance) {
    float largest = 0, difference = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmaxf(largest, fabsf(a[i]));
        difference = fmaxf(difference, fabsf(a[i] - b[i]));
    }
    if (!(difference <= tolerance * largest)) {
        fail_msg("%s: %s differs by %g where values reach %g", test->name, what, (double)difference, (double)largest);
    }
}

// Weights of both models, or their gradients, which lie the same way.
static void assert_close_weights(const rewrite_case *test, const fv__graph *graph, const float *a, const float *b,
                                 float tolerance) {
    for (int p = 0; p < graph->parameter_count; p++) {
        const fv__parameter *parameter = &graph->parameters[p];
        // The bias of the keys moves all scores of a query alike: its gradient is rounding alone.
        if (!strstr(parameter->name, "key/bias")) {
            assert_close(test, parameter->name, a + parameter->offset, b + parameter->offset, parameter->count,
                         tolerance);
        }
    }
}

// Ten steps of training of both; losses, outputs and weights are compared after each.
static void compare(const rewrite_case *test, picture_set *pictures) {
    const fv__train_settings settings = picture_settings("batch: 12\noptimizer: {sgd: {lr: 0.1}}");
    const fv__samples samples = pictures_samples(pictures);
    const uint32_t indices[BATCH] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    fv_model *models[2];
    fv__trainer *trainers[2];
    for (int k = 0; k < 2; k++) {
        const fv__trainer_options options = {.threads = 2, .seed = 5, .train_samples = BATCH};
        models[k] = make_model(test);
        assert_ok(fv__trainer_create(models[k], &settings, &options, &trainers[k], &failure));
    }
    for (int step = 0; step < 10; step++) {
        fv__metrics metrics[2];
        memset(metrics, 0, sizeof metrics);
        for (int k = 0; k < 2; k++) {
            assert_ok(fv__trainer_step(trainers[k], &samples, indices, BATCH, &metrics[k], &failure));
        }
        assert_near(metrics[1].loss, metrics[0].loss, 1e-5 * metrics[0].loss);
        assert_close(test, "the output", fv__pass_logits(trainers[0]->training), fv__pass_logits(trainers[1]->training),
                     BATCH * PICTURE_CLASSES, step ? 1e-4F : 1e-5F);
        assert_close_weights(test, &models[0]->graph, models[0]->weights, models[1]->weights, 1e-4F);
    }
    for (int k = 0; k < 2; k++) {
        fv__trainer_destroy(trainers[k]);
        fv_model_free(models[k]);
    }
}

// The outputs of one batch in inference, or its gradients.
static void compare_pass(const rewrite_case *test, picture_set *pictures, bool training) {
    const fv__samples samples = pictures_samples(pictures);
    const fv__pass_run run = {.samples = &samples, .count = BATCH};
    fv_model *models[2];
    fv__pass *passes[2];
    fv__runner runner;
    assert_ok(fv__runner_start(&runner, 2, &failure));
    for (int k = 0; k < 2; k++) {
        fv__metrics metrics;
        models[k] = make_model(test);
        const fv__pass_options options = {.batch = BATCH, .training = training, .no_rewrite = !k};
        assert_ok(fv__pass_create(models[k], &runner, &options, &passes[k], &failure));
        assert_ok(fv__pass_run_on(passes[k], &run, &metrics, &failure));
    }
    if (training) {
        assert_close_weights(test, &models[0]->graph, fv__plan_weight_gradients(fv__pass_plan(passes[0])),
                             fv__plan_weight_gradients(fv__pass_plan(passes[1])), 2e-5F);
    } else {
        assert_close(test, "the output", fv__pass_logits(passes[0]), fv__pass_logits(passes[1]),
                     BATCH * PICTURE_CLASSES, 1e-5F);
    }
    for (int k = 0; k < 2; k++) {
        fv__pass_destroy(passes[k]);
        fv_model_free(models[k]);
    }
    fv__runner_stop(&runner);
}

static void the_same_function(void **state) {
    (void)state;
    picture_set pictures = pictures_make(BATCH, 3);
    for (size_t i = 0; i < sizeof rewritten / sizeof *rewritten; i++) {
        const rewrite_case *test = &rewritten[i];
        fv_model *model = make_model(test);
        fv__rewrite rewrite = rewrite_model(model, -1);
        if (!rewrite.notes.bytes || (test->has && find_op(&rewrite.graph, test->has) < 0) ||
            (test->lacks && find_op(&rewrite.graph, test->lacks) >= 0) ||
            !(fv__graph_multiply_adds(&rewrite.graph) < fv__graph_multiply_adds(&model->graph) ||
              test->has == &fv__op_max_pool2d)) { // which saves activations
            fail_msg("%s: not rewritten as expected: %s", test->name, rewrite.notes.bytes ? rewrite.notes.bytes : "");
        }
        fv__rewrite_free(&rewrite);
        fv_model_free(model);
        compare_pass(test, &pictures, true);
        compare_pass(test, &pictures, false);
        compare(test, &pictures);
    }
    pictures_free(&pictures);
}

static void what_no_rule_fits(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof untouched / sizeof *untouched; i++) {
        fv_model *model = make_model(&untouched[i]);
        fv__rewrite rewrite = rewrite_model(model, -1);
        if (rewrite.notes.bytes) {
            fail_msg("%s: %s", untouched[i].name, rewrite.notes.bytes);
        }
        assert_int_equal(rewrite.graph.node_count, model->graph.node_count);
        fv__rewrite_free(&rewrite);
        fv_model_free(model);
    }
}

// Attention whose weights are asked for stays; so does what comes before it, but the average still passes the layer
// behind it.
static void what_is_asked_for_stays(void **state) {
    (void)state;
    const rewrite_case test = {"head", {TOKENS, "multi_head_attention: 4", AVERAGE}, NULL, NULL};
    fv_model *model = make_model(&test);
    const int attention = find_op(&model->graph, &fv__op_attention);
    fv__rewrite rewrite = rewrite_model(model, attention);
    assert_true(find_op(&rewrite.graph, &fv__op_attention) >= 0);
    assert_int_equal(find_op(&rewrite.graph, &fv__op_attention), rewrite.node_of[attention]);
    assert_true(find_op(&rewrite.graph, &fv__op_pooled_attention) < 0);
    const int average = find_op(&rewrite.graph, &fv__op_global_pool);
    assert_int_equal(rewrite.graph.nodes[average].inputs[0], rewrite.node_of[attention]);
    fv__rewrite_free(&rewrite);

    const int output = model->layers[2].output; // of the whole layer
    rewrite = rewrite_model(model, output);
    assert_null(rewrite.notes.bytes);
    assert_true(fv__shape_equal(fv__graph_shape(&rewrite.graph, rewrite.node_of[output]),
                                fv__graph_shape(&model->graph, output)));
    fv__rewrite_free(&rewrite);
    fv_model_free(model);
}

// Dropout holds an average up in training alone.
static void inference_draws_nothing(void **state) {
    (void)state;
    const rewrite_case test = {
        "head", {TOKENS, "multi_head_attention: {heads: 4, dropout: 0.1}", "dropout: 0.3", AVERAGE}, NULL, NULL};
    fv_model *model = make_model(&test);
    for (int training = 0; training < 2; training++) {
        fv__rewrite rewrite;
        const fv__rewrite_options options = {
            .rules = true, .training = training, .batch = BATCH, .wanted = &model->output, .wanted_count = 1};
        assert_ok(fv__rewrite_make(&model->graph, &options, &rewrite, &failure));
        assert_int_equal(find_op(&rewrite.graph, &fv__op_head_dense) >= 0, !training);
        assert_int_equal(find_op(&rewrite.graph, &fv__op_dropout) >= 0, training);
        fv__rewrite_free(&rewrite);
    }
    fv_model_free(model);
}

// What was joined or passed is gone; weights keep their places.
static void nothing_is_left_over(void **state) {
    (void)state;
    const rewrite_case test = {"head", {TOKENS, "multi_head_attention: 4", AVERAGE}, NULL, NULL};
    fv_model *model = make_model(&test);
    fv__rewrite rewrite = rewrite_model(model, -1);
    for (int n = 0; n < rewrite.graph.node_count; n++) {
        const fv__node *node = &rewrite.graph.nodes[n];
        bool is_read = n == rewrite.node_of[model->output];
        for (int reader = n + 1; reader < rewrite.graph.node_count; reader++) {
            for (int i = 0; i < rewrite.graph.nodes[reader].view.input_count; i++) {
                is_read |= rewrite.graph.nodes[reader].inputs[i] == n;
            }
        }
        assert_true(is_read);
        assert_true(node->parameter < 0 || rewrite.graph.parameters[node->parameter].node == n);
    }
    assert_int_equal(rewrite.graph.parameter_count, model->graph.parameter_count);
    for (int p = 0; p < model->graph.parameter_count; p++) {
        assert_int_equal(rewrite.graph.parameters[p].offset, model->graph.parameters[p].offset);
        assert_string_equal(rewrite.graph.parameters[p].name, model->graph.parameters[p].name);
    }
    fv__rewrite_free(&rewrite);
    fv_model_free(model);
}

static void every_allocation_can_fail(void **state) {
    (void)state;
    for (size_t i = 2; i < sizeof rewritten / sizeof *rewritten; i += 8) { // a head that averages, one that shares
        fv_error error = {0};
        fv__rewrite rewrite;
        fv_model *model = make_model(&rewritten[i]);
        const fv__rewrite_options options = {
            .rules = true, .batch = BATCH, .wanted = &model->output, .wanted_count = 1};
        assert_survives_allocation_failure(fv__rewrite_make(&model->graph, &options, &rewrite, &error), error);
        fv__rewrite_free(&rewrite);
        fv_model_free(model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_function),       cmocka_unit_test(what_no_rule_fits),
        cmocka_unit_test(what_is_asked_for_stays), cmocka_unit_test(inference_draws_nothing),
        cmocka_unit_test(nothing_is_left_over),    cmocka_unit_test(every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
