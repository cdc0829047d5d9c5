// SPDX-License-Identifier: Apache-2.0
// Batch norms, activations and whole blocks that the algebra pass makes part of the layers before them: the same
// outputs, gradients and training as written; and a frozen network that costs no backward and no gradient.
#include "training.h"

#include "graph/plan_internal.h"
#include "train/pass.h"

enum { BATCH = 12 };

static const char network[] =
    "[conv2d: {filters: 12, kernel: 3, padding: same, bias: false}, batch_norm, activation: relu,\n"
    " depthwise_conv2d: {kernel: 3, stride: 2, padding: same}, batch_norm, activation: relu6,\n"
    " conv2d: {filters: 20, kernel: 1}, batch_norm, flatten,\n"
    " dense: 16, batch_norm: {epsilon: 0.1}, activation: tanh, dense: 4]";

// Statistics as of a trained network.
static void draw_statistics(fv_model *model) {
    fv__random random = fv__random_start(3, FV__DRAW_TEST, 0);
    for (int p = 0; p < model->graph.parameter_count; p++) {
        const fv__parameter *parameter = &model->graph.parameters[p];
        const bool variance = strstr(parameter->name, "moving_variance") || strstr(parameter->name, "gamma");
        const bool shift = strstr(parameter->name, "moving_mean") || strstr(parameter->name, "beta");
        for (size_t i = 0; i < parameter->count && (variance || shift); i++) {
            const double draw = fv__random_uniform(&random);
            model->weights[parameter->offset + i] = (float)(variance ? 0.5 + draw : draw - 0.5);
        }
    }
}

static fv_model *make_model(void) {
    fv_model *model;
    assert_ok(fv_model_create(PICTURE_SIDE, PICTURE_SIDE, 1, "unit", &model, &failure));
    assert_ok(fv_model_add(model, &failure, "%s", network));
    draw_statistics(model);
    return model;
}

// Whether the value of `node` depends on an op of this kind.
static bool depends_on(const fv__graph *graph, int node, const fv__op *op) {
    bool found = graph->nodes[node].op == op;
    for (int i = 0; i < graph->nodes[node].view.input_count && !found; i++) {
        found = depends_on(graph, graph->nodes[node].inputs[i], op);
    }
    return found;
}

static void assert_close(const char *what, const float *a, const float *b, size_t count, float tolerance) {
    float largest = 0, difference = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmaxf(largest, fabsf(a[i]));
        difference = fmaxf(difference, fabsf(a[i] - b[i]));
    }
    if (!(difference <= tolerance * largest)) {
        fail_msg("%s differs by %g where values reach %g", what, (double)difference, (double)largest);
    }
}

static fv__pass *make_pass(const fv_model *model, bool rewrite, const fv__runner *runner, bool training, int batch) {
    const fv__pass_options options = {.batch = batch, .training = training, .no_rewrite = !rewrite};
    fv__pass *pass;
    assert_ok(fv__pass_create(model, runner, &options, &pass, &failure));
    return pass;
}

static void the_same_function(void **state) {
    (void)state;
    picture_set pictures = pictures_make(BATCH, 3);
    const fv__samples samples = pictures_samples(&pictures);
    const fv__pass_run run = {.samples = &samples, .count = BATCH};
    fv_model *models[2];
    fv__pass *passes[2];
    fv__runner runner;
    assert_ok(fv__runner_start(&runner, 2, &failure));
    for (int k = 0; k < 2; k++) {
        fv__metrics metrics;
        models[k] = make_model();
        passes[k] = make_pass(models[k], k, &runner, true, BATCH);
        assert_ok(fv__pass_run_on(passes[k], &run, &metrics, &failure));
        const fv__plan *plan = fv__pass_plan(passes[k]);
        assert_int_equal(depends_on(plan->graph, plan->root, &fv__op_batch_norm), k == 0);
        assert_int_equal(depends_on(plan->graph, plan->root, &fv__op_activation), k == 0);
    }
    const fv__graph *graph = &models[0]->graph;
    assert_close("the output", fv__pass_logits(passes[0]), fv__pass_logits(passes[1]), BATCH * PICTURE_CLASSES, 1e-5F);
    for (int p = 0; p < graph->parameter_count; p++) {
        const fv__parameter *parameter = &graph->parameters[p];
        const float *written = fv__plan_weight_gradients(fv__pass_plan(passes[0])) + parameter->offset;
        const float *folded = fv__plan_weight_gradients(fv__pass_plan(passes[1])) + parameter->offset;
        assert_close(parameter->name, written, folded, parameter->count, 3e-5F);
        assert_int_equal(written[0] != 0, parameter->trainable);
    }
    for (int k = 0; k < 2; k++) {
        fv__pass_destroy(passes[k]);
        fv_model_free(models[k]);
    }
    fv__runner_stop(&runner);
    pictures_free(&pictures);
}

static fv_status make_rewrite(const fv_model *model, fv__rewrite *rewrite, fv_error *error) {
    const fv__rewrite_options options = {.rules = true, .batch = BATCH, .wanted = &model->output, .wanted_count = 1};
    return fv__rewrite_make(&model->graph, &options, rewrite, error);
}

// A norm whose input somebody else reads, or that follows an activation, stays.
static void what_stays(void **state) {
    (void)state;
    static const char *const texts[] = {
        "[dense: {units: 6, activation: relu}, batch_norm, flatten, dense: 4]",
        "[conv2d: {filters: 6, kernel: 1}, residual: [batch_norm], flatten, dense: 4]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fv_model *model;
        fv__rewrite rewrite;
        assert_ok(fv_model_create(PICTURE_SIDE, PICTURE_SIDE, 1, "unit", &model, &failure));
        assert_ok(fv_model_add(model, &failure, "%s", texts[i]));
        assert_ok(make_rewrite(model, &rewrite, &failure));
        assert_true(depends_on(&rewrite.graph, rewrite.node_of[model->output], &fv__op_batch_norm));
        fv__rewrite_free(&rewrite);
        fv_model_free(model);
    }
}

enum { SIDE = 128, CLASSES = 4 };

static fv_model *make_backbone(const char *options) {
    fv_model *model;
    assert_ok(fv_model_create(SIDE, SIDE, 3, "symmetric", &model, &failure));
    assert_ok(fv_model_add(model, &failure, "[mobilenet_v2: {width: 0.5%s}, global_average_pool, dense: %d]", options,
                           CLASSES));
    draw_statistics(model);
    return model;
}

static fv_status read_noise(void *context, size_t index, uint8_t *pixels, fv_error *error) {
    (void)context, (void)error;
    fv__random random = fv__random_start(2, FV__DRAW_TEST, index);
    for (int i = 0; i < SIDE * SIDE * 3; i++) {
        pixels[i] = (uint8_t)fv__random_below(&random, 256);
    }
    return FV_OK;
}

// Logits of a batch of noise, in training, with the algebra pass or without; backward runs for `backwards` nodes of the
// backbone, and as many of its weights have gradients as are `trained`.
static void run_backbone(const char *options, bool rewrite, bool blocks, int backwards, float *logits) {
    const int32_t labels[2] = {1, 2};
    const fv__samples samples = {.count = 2, .labels = labels, .read = read_noise};
    const fv__pass_run run = {.samples = &samples, .count = 2};
    fv_model *model = make_backbone(options);
    fv__metrics metrics;
    fv__runner runner;
    assert_ok(fv__runner_start(&runner, 2, &failure));
    fv__pass *pass = make_pass(model, rewrite, &runner, true, 2);
    assert_ok(fv__pass_run_on(pass, &run, &metrics, &failure));
    memcpy(logits, fv__pass_logits(pass), 2 * CLASSES * sizeof *logits);
    const fv__plan *plan = fv__pass_plan(pass);
    assert_int_equal(depends_on(plan->graph, plan->root, &fv__op_bottleneck), blocks);
    int count = 0;
    for (int i = 0; i < plan->instruction_count; i++) {
        const fv__node *node = &plan->graph->nodes[plan->instructions[i].node];
        count += plan->instructions[i].kind == FV__RUN_BACKWARD && node->op->needs &&
                 node->view.cadence != FV__CADENCE_STEP && !strcmp(node->name, "mobilenet_v2");
    }
    assert_int_equal(count, backwards);
    for (int n = 0; n < plan->graph->node_count; n++) {
        const int parameter = plan->graph->nodes[n].parameter;
        assert_true(!plan->steps[n].has_slot || parameter < 0 || plan->graph->parameters[parameter].trainable);
    }
    fv__pass_destroy(pass);
    fv__runner_stop(&runner);
    fv_model_free(model);
}

static void a_frozen_network(void **state) {
    (void)state;
    float written[2 * CLASSES], rewritten[2 * CLASSES];
    run_backbone("", false, false, 0, written);
    run_backbone("", true, true, 0, rewritten);
    assert_close("frozen: the output", written, rewritten, 2 * CLASSES, 1e-4F);
    run_backbone(", train_last: 1", true, true, 4, rewritten); // three convolutions of the block, and the last
    assert_close("last block trained: the output", written, rewritten, 2 * CLASSES, 1e-4F);
    run_backbone(", trainable: true", true, false, 52, rewritten);
    assert_close("trained: the output", written, rewritten, 2 * CLASSES, 1e-4F);
}

static void every_allocation_can_fail(void **state) {
    (void)state;
    fv_error error = {0};
    fv__rewrite rewrite;
    fv_model *model = make_model();
    assert_survives_allocation_failure(make_rewrite(model, &rewrite, &error), error);
    fv__rewrite_free(&rewrite);
    fv_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_function),
        cmocka_unit_test(what_stays),
        cmocka_unit_test(a_frozen_network),
        cmocka_unit_test(every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
