// The engine itself, on small models built through the layers: gradients against finite differences, the same bits for
// any number of threads, and what a plan promises of smaller batches, failures and memory.
#include "scratch.h"

#include <math.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/random.h"
#include "graph/plan.h"
#include "graph/rewrite.h"
#include "layers/layer.h"

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

static void fill(float *values, size_t count, uint64_t key) {
    fv__random random = fv__random_start(1, FV__DRAW_TEST, key);
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)(2 * fv__random_uniform(&random) - 1);
    }
}

// Data, targets and weights once the graph stands.
static void finish(setup *s) {
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
        s->targets[i] = (fv__target){.label = i % CLASSES};
    }
    s->fail_at[0] = s->fail_at[1] = -1;
    assert_int_equal(fv__kernels_select(NULL, &s->kernels, &error), FV_OK);
}

static void start(setup *s, const char *activation, const char *dropout) {
    char text[1024];
    fv_error error = {0};
    fv__document *document;
    *s = (setup){0};
    const char *halve = strcmp(activation, "relu") ? "conv2d: {filters: 8, kernel: 2, stride: 2}" : "max_pool2d";
    snprintf(text, sizeof text, MODEL, activation, halve, dropout, dropout);
    assert_int_equal(fv__document_parse(text, strlen(text), "model", &document, &error), FV_OK);
    fv__builder builder = {.graph = &s->graph};
    fv__shape image = {.rank = 3, .size = {16, 16, 2}};
    assert_int_equal(fv__graph_add_input(&s->graph, "input", &image, &s->input, &error), FV_OK);
    fv_status status = fv__layers_build(&builder, fv__document_root(document), s->input, &s->logits, &error);
    s->entries = builder.entries;
    s->entry_count = builder.entry_count;
    fv__document_free(document);
    if (status) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(s->graph.nodes[s->entries[s->entry_count - 2].output].view.rate, FV__RATE_BATCH);
    finish(s);
}

static void finish_with(setup *s) {
    fv__layer_entries_truncate(&s->entries, &s->entry_count, 0);
    fv__graph_free(&s->graph);
    fv__free(s->weights);
    fv__free(s->data);
}

static fv_status render(void *context, int input, int first, int count, int worker, float *out, fv_error *error) {
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

static fv__plan *make_plan(const setup *s, int threads, fv__plan_options options) {
    fv_error error = {0};
    fv__plan *plan = NULL;
    if (fv__plan_create(&s->graph, s->kernels, threads, &options, &plan, &error)) {
        fail_msg("%s", error.message);
    }
    return plan;
}

static fv__feed make_feed(setup *s, int samples) {
    return (fv__feed){
        .samples = samples, .weights = s->weights, .targets = s->targets, .render = render, .context = s, .seed = 3};
}

static void run_ok(fv__plan *plan, fv__pool *pool, const fv__feed *feed) {
    fv_error error = {0};
    if (fv__plan_run(plan, pool, feed, &error)) {
        fail_msg("%s", error.message);
    }
}

static fv__pool *make_pool(int threads) {
    fv_error error;
    fv__pool *pool;
    assert_int_equal(fv__pool_create(threads, &pool, &error), FV_OK);
    return pool;
}

// Losses of a training run, and the gradients moved to `gradients` (which leaves the plan's zero).
static void step(fv__plan *plan, fv__pool *pool, setup *s, const fv__feed *feed, float *losses, float *gradients) {
    run_ok(plan, pool, feed);
    memcpy(losses, fv__plan_value(plan, s->loss), (size_t)feed->samples * sizeof(float));
    memcpy(gradients, fv__plan_weight_gradients(plan), s->graph.weight_count * sizeof(float));
    memset(fv__plan_weight_gradients(plan), 0, s->graph.weight_count * sizeof(float));
}

static double mean_loss(fv__plan *plan, fv__pool *pool, const setup *s, const fv__feed *feed) {
    double sum = 0;
    fv__plan_weights_changed(plan);
    run_ok(plan, pool, feed);
    for (int i = 0; i < feed->samples; i++) {
        sum += (double)fv__plan_value(plan, s->loss)[i];
    }
    return sum / feed->samples;
}

// --- Gradients

// Moves each weight tensor along its own gradient g: the loss must change by |g| for each unit of the way. Fourth-order
// differences, so that a step can be long enough for float32.
static void check_gradients(setup *s, double h, double tolerance) {
    enum { SAMPLES = 6 };
    float losses[SAMPLES];
    float *gradients = fv__alloc_array(s->graph.weight_count, sizeof(float));
    float *original = fv__alloc_array(s->graph.weight_count, sizeof(float));
    memcpy(original, s->weights, s->graph.weight_count * sizeof(float));
    fv__pool *pool = make_pool(1);
    fv__plan *plan = make_plan(s, 1, (fv__plan_options){.batch = SAMPLES, .backward = true, .root = s->loss});
    fv__plan *forward = make_plan(s, 1, (fv__plan_options){.batch = SAMPLES, .root = s->loss});
    fv__feed feed = make_feed(s, SAMPLES);
    step(plan, pool, s, &feed, losses, gradients);
    for (int p = 0; p < s->graph.parameter_count; p++) {
        const fv__parameter *parameter = &s->graph.parameters[p];
        double norm = sqrt(s->kernels->sum_squares(gradients + parameter->offset, parameter->count));
        assert_true(norm > 1e-6); // nothing is left out
        static const double places[] = {-2, -1, 1, 2}, factors[] = {1, -8, 8, -1};
        double derivative = 0;
        for (int k = 0; k < 4; k++) {
            for (size_t i = 0; i < parameter->count; i++) {
                size_t at = parameter->offset + i;
                s->weights[at] = original[at] + (float)(places[k] * h * (double)gradients[at] / norm);
            }
            derivative += factors[k] * mean_loss(forward, pool, s, &feed) / (12 * h);
        }
        memcpy(s->weights, original, s->graph.weight_count * sizeof(float));
        if (!(fabs(derivative - norm) <= tolerance * norm + 2e-5)) {
            fail_msg("%s: derivative %.7f along the gradient, norm %.7f", parameter->name, derivative, norm);
        }
    }
    fv__plan_destroy(plan);
    fv__plan_destroy(forward);
    fv__pool_destroy(pool);
    fv__free(gradients);
    fv__free(original);
}

static void gradients_of_a_whole_model(void **state) {
    (void)state;
    setup s;
    start(&s, "tanh", "0");
    check_gradients(&s, 2e-2, 2e-3);
    finish_with(&s);
    start(&s, "relu", "0"); // has corners: a shorter step, and more noise
    check_gradients(&s, 1e-3, 1e-2);
    finish_with(&s);
}

static int add_weight(setup *s, const char *name, int rows, int columns) {
    int node;
    fv_error error;
    fv__shape shape = {.rank = 2, .size = {rows, columns}};
    assert_int_equal(fv__graph_add_parameter(&s->graph, name, &shape, FV__INITIAL_GLOROT_UNIFORM, &node, &error),
                     FV_OK);
    return node;
}

static int add_dense(setup *s, int x, int kernel) {
    int node;
    fv_error error = {0};
    fv__dense_attributes attributes = {.activation = FV__ACTIVATION_linear};
    if (fv__graph_add(&s->graph, "dense", &fv__op_dense, &attributes, (const int[]){x, kernel}, 2, &node, &error)) {
        fail_msg("%s", error.message);
    }
    return node;
}

// Kernels that are products of weights: A·B and A·C share A, (A·B)·D is a level higher.
static void start_composed(setup *s) {
    fv_error error;
    *s = (setup){0};
    fv__shape rows = {.rank = 2, .size = {4, 6}};
    assert_int_equal(fv__graph_add_input(&s->graph, "input", &rows, &s->input, &error), FV_OK);
    int a = add_weight(s, "a", 6, 16), b = add_weight(s, "b", 16, 9), c = add_weight(s, "c", 16, 9);
    int d = add_weight(s, "d", 9, 9), e = add_weight(s, "e", 9, CLASSES);
    int ab = add_dense(s, a, b), ac = add_dense(s, a, c), abd = add_dense(s, ab, d);
    assert_int_equal(s->graph.nodes[abd].view.rate, FV__RATE_STEP);
    const int terms[] = {add_dense(s, s->input, ab), add_dense(s, s->input, ac), add_dense(s, s->input, abd)};
    int sum, pooled;
    assert_int_equal(fv__graph_add(&s->graph, "add", &fv__op_add, NULL, terms, 3, &sum, &error), FV_OK);
    fv__activation_attributes bend = {.activation = FV__ACTIVATION_tanh};
    assert_int_equal(fv__graph_add(&s->graph, "tanh", &fv__op_activation, &bend, &sum, 1, &sum, &error), FV_OK);
    fv__global_pool_attributes mean = {.pooling = FV__POOLING_AVERAGE};
    assert_int_equal(fv__graph_add(&s->graph, "pool", &fv__op_global_pool, &mean, &sum, 1, &pooled, &error), FV_OK);
    s->logits = add_dense(s, pooled, e);
    finish(s);
}

static void gradients_through_composed_weights(void **state) {
    (void)state;
    setup s;
    start_composed(&s);
    check_gradients(&s, 2e-2, 2e-3);
    // A second step gives the same: nothing of the first is left in the plan. Several threads share out the nodes.
    float losses[MOST], again[MOST];
    float *gradients = fv__alloc_array(2 * s.graph.weight_count, sizeof(float));
    fv__feed feed = make_feed(&s, MOST);
    for (int threads = 1; threads <= 4; threads += 3) {
        fv__pool *pool = make_pool(threads);
        fv__plan *plan = make_plan(&s, threads, (fv__plan_options){.batch = MOST, .backward = true, .root = s.loss});
        step(plan, pool, &s, &feed, losses, gradients);
        step(plan, pool, &s, &feed, again, gradients + s.graph.weight_count);
        assert_memory_equal(losses, again, sizeof losses);
        assert_memory_equal(gradients, gradients + s.graph.weight_count, s.graph.weight_count * sizeof(float));
        fv__plan_destroy(plan);
        fv__pool_destroy(pool);
    }
    fv__free(gradients);
    finish_with(&s);
}

// The gradient of a batch is the mean of its samples' gradients.
static void gradients_add_up(void **state) {
    (void)state;
    setup s;
    start(&s, "relu", "0");
    enum { SAMPLES = 7 };
    size_t count = s.graph.weight_count;
    float losses[SAMPLES], one_loss;
    float *gradients = fv__alloc_array(3 * count, sizeof(float)), *one = gradients + count, *sum = one + count;
    fv__pool *pool = make_pool(2);
    fv__plan *plan = make_plan(&s, 2, (fv__plan_options){.batch = SAMPLES, .backward = true, .root = s.loss});
    fv__plan *single = make_plan(&s, 2, (fv__plan_options){.batch = 1, .backward = true, .root = s.loss});
    fv__feed feed = make_feed(&s, SAMPLES);
    step(plan, pool, &s, &feed, losses, gradients);
    float *data = s.data;
    for (int i = 0; i < SAMPLES; i++, s.data += s.input_size) {
        feed.samples = 1;
        feed.targets = &s.targets[i];
        step(single, pool, &s, &feed, &one_loss, one);
        assert_true(one_loss == losses[i]);
        for (size_t j = 0; j < count; j++) {
            sum[j] += one[j] / SAMPLES;
        }
    }
    s.data = data;
    for (size_t j = 0; j < count; j++) {
        assert_true(fabsf(sum[j] - gradients[j]) < 2e-6F);
    }
    fv__plan_destroy(plan);
    fv__plan_destroy(single);
    fv__pool_destroy(pool);
    fv__free(gradients);
    finish_with(&s);
}

// The gradient of y · d with respect to an input, which the plan keeps because it is asked for.
static void gradient_of_an_input(void **state) {
    (void)state;
    setup s;
    start(&s, "tanh", "0");
    fv_error error;
    int direction, dot;
    const fv__shape *shape = fv__graph_shape(&s.graph, s.logits);
    assert_int_equal(fv__graph_add_input(&s.graph, "d", &(fv__shape){.rank = shape->rank, .size = {shape->size[0]}},
                                         &direction, &error),
                     FV_OK);
    assert_int_equal(
        fv__graph_add(&s.graph, "dot", &fv__op_dot, NULL, (const int[]){s.logits, direction}, 2, &dot, &error), FV_OK);
    s.graph.nodes[s.input].wants_gradient = true;
    fv__pool *pool = make_pool(2);
    fv__plan *plan = make_plan(&s, 2, (fv__plan_options){.batch = 3, .backward = true, .root = dot});
    fv__feed feed = make_feed(&s, 3);
    run_ok(plan, pool, &feed);
    float gradient[3];
    for (int i = 0; i < 3; i++) {
        gradient[i] = fv__plan_gradient(plan, s.input)[(size_t)i * s.input_size + 40];
    }
    float values[2][3];
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < 3; i++) {
            s.data[i * s.input_size + 40] += side ? -0.02F : 0.01F;
        }
        run_ok(plan, pool, &feed);
        memcpy(values[side], fv__plan_value(plan, dot), sizeof values[side]);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(fabsf((values[0][i] - values[1][i]) / 0.02F - gradient[i]) < 2e-3F * (1 + fabsf(gradient[i])));
        assert_true(gradient[i] != 0);
    }
    fv__plan_destroy(plan);
    fv__pool_destroy(pool);
    finish_with(&s);
}

// --- The same bits

static void threads_do_not_matter(void **state) {
    (void)state;
    static const int threads[] = {1, 2, 3, 4, 8};
    setup s;
    start(&s, "relu", "0.3");
    size_t count = s.graph.weight_count;
    float losses[2][MOST];
    float *gradients = fv__alloc_array(2 * count, sizeof(float));
    fv__feed feed = make_feed(&s, MOST);
    for (int t = 0; t < (int)(sizeof threads / sizeof *threads); t++) {
        fv__pool *pool = make_pool(threads[t]);
        fv__plan *plan = make_plan(
            &s, threads[t], (fv__plan_options){.batch = MOST, .training = true, .backward = true, .root = s.loss});
        step(plan, pool, &s, &feed, losses[t > 0], gradients + (t > 0 ? count : 0));
        if (t) {
            assert_memory_equal(losses[0], losses[1], sizeof losses[0]);
            assert_memory_equal(gradients, gradients + count, count * sizeof(float));
        } else {
            assert_true(fv__plan_describe(plan).groups > 1);
        }
        fv__plan_destroy(plan);
        fv__pool_destroy(pool);
    }
    fv__free(gradients);
    finish_with(&s);
}

static void smaller_last_batch(void **state) {
    (void)state;
    setup s;
    start(&s, "relu", "0.3");
    size_t count = s.graph.weight_count;
    float losses[2][MOST];
    float *gradients = fv__alloc_array(2 * count, sizeof(float));
    fv__pool *pool = make_pool(2);
    for (int k = 0; k < 2; k++) { // as the rest of a larger batch, and as a batch of its own
        fv__plan *plan = make_plan(
            &s, 2, (fv__plan_options){.batch = k ? 5 : MOST, .training = true, .backward = true, .root = s.loss});
        fv__feed feed = make_feed(&s, k ? 5 : MOST);
        if (!k) {
            step(plan, pool, &s, &feed, losses[0], gradients);
            feed.samples = 5;
        }
        step(plan, pool, &s, &feed, losses[k], gradients + (size_t)k * count);
        fv__plan_destroy(plan);
    }
    assert_memory_equal(losses[0], losses[1], 5 * sizeof(float));
    for (size_t j = 0; j < count; j++) { // in other groups the sums round in other ways
        assert_true(fabsf(gradients[j] - gradients[count + j]) < 2e-6F);
    }
    fv__pool_destroy(pool);
    fv__free(gradients);
    finish_with(&s);
}

static void dropout_belongs_to_the_sample(void **state) {
    (void)state;
    setup s;
    start(&s, "relu", "0.5");
    float losses[3][MOST];
    uint64_t ids[8];
    fv__pool *pool = make_pool(2);
    fv__plan *plan = make_plan(&s, 2, (fv__plan_options){.batch = 8, .training = true, .root = s.loss});
    for (int k = 0; k < 3; k++) { // the same again, then another epoch
        fv__feed feed = make_feed(&s, 8);
        feed.epoch = k == 2;
        run_ok(plan, pool, &feed);
        memcpy(losses[k], fv__plan_value(plan, s.loss), 8 * sizeof(float));
    }
    assert_memory_equal(losses[0], losses[1], 8 * sizeof(float));
    for (int i = 0; i < 8; i++) {
        assert_true(losses[0][i] != losses[2][i]);
    }
    // Sample 7 first: its draws go with its number.
    memcpy(s.data, s.data + 7 * s.input_size, s.input_size * sizeof(float));
    for (uint64_t i = 0; i < 8; i++) {
        ids[i] = i == 0 ? 7 : 100 + i;
    }
    fv__feed feed = make_feed(&s, 8);
    s.targets[0] = s.targets[7];
    feed.sample_ids = ids;
    run_ok(plan, pool, &feed);
    assert_true(fv__plan_value(plan, s.loss)[0] == losses[0][7]);
    assert_true(fv__plan_value(plan, s.loss)[1] != losses[0][1]);
    fv__plan_destroy(plan);
    fv__pool_destroy(pool);
    finish_with(&s);
}

// --- What can be read

static const fv__layer_entry *find_layer(const setup *s, const char *name) {
    for (int i = 0; i < s->entry_count; i++) {
        if (!strcmp(s->entries[i].name, name)) {
            return &s->entries[i];
        }
    }
    fail_msg("no layer %s", name);
    return NULL;
}

static int find_attention(const setup *s, const char *layer) {
    for (int n = 0; n < s->graph.node_count; n++) {
        if (s->graph.nodes[n].op == &fv__op_attention && !strcmp(s->graph.nodes[n].name, layer)) {
            return n;
        }
    }
    fail_msg("no attention in %s", layer);
    return -1;
}

static void kept_values(void **state) {
    (void)state;
    setup s;
    start(&s, "relu", "0.3");
    int kept[] = {find_layer(&s, "max_pool2d")->output, find_layer(&s, "flatten")->output, s.input};
    fv__pool *pool = make_pool(2);
    fv__plan *plan =
        make_plan(&s, 2,
                  (fv__plan_options){
                      .batch = 4, .training = true, .backward = true, .root = s.loss, .kept = kept, .kept_count = 3});
    fv__feed feed = make_feed(&s, 4);
    run_ok(plan, pool, &feed);
    assert_memory_equal(fv__plan_value(plan, s.input), s.data, 4 * s.input_size * sizeof(float));
    for (int k = 0; k < 2; k++) { // the same values as from a plan that ends there
        fv__plan *alone = make_plan(&s, 2, (fv__plan_options){.batch = 4, .training = true, .root = kept[k]});
        run_ok(alone, pool, &feed);
        size_t size = fv__shape_elements(fv__graph_shape(&s.graph, kept[k]));
        assert_memory_equal(fv__plan_value(plan, kept[k]), fv__plan_value(alone, kept[k]), 4 * size * sizeof(float));
        fv__plan_destroy(alone);
    }
    fv__plan_destroy(plan);
    fv__pool_destroy(pool);
    finish_with(&s);
}

static void attention_weights_sum_to_one(void **state) {
    (void)state;
    setup s;
    start(&s, "relu", "0.3");
    int asked[] = {find_attention(&s, "attention"), find_attention(&s, "multi_head_attention")};
    static const int rows[] = {49, 98}; // heads * queries
    fv__pool *pool = make_pool(2);
    fv__plan *plan =
        make_plan(&s, 2, (fv__plan_options){.batch = 6, .root = s.logits, .auxiliary = asked, .auxiliary_count = 2});
    fv__feed feed = make_feed(&s, 5);
    run_ok(plan, pool, &feed);
    for (int k = 0; k < 2; k++) {
        const float *weights = fv__plan_auxiliary(plan, asked[k]);
        for (int row = 0; row < 5 * rows[k]; row++, weights += 49) {
            float sum = 0;
            for (int i = 0; i < 49; i++) {
                assert_true(weights[i] > 0);
                sum += weights[i];
            }
            assert_true(fabsf(sum - 1) < 1e-5F);
        }
    }
    fv__plan_destroy(plan);
    fv__pool_destroy(pool);
    finish_with(&s);
}

static void profile(void **state) {
    (void)state;
    setup s;
    fv_error error;
    start(&s, "relu", "0");
    fv__pool *pool = make_pool(2);
    fv__plan *plan = make_plan(&s, 2, (fv__plan_options){.batch = 4, .backward = true, .root = s.loss});
    fv__feed feed = make_feed(&s, 4);
    int conv = find_layer(&s, "conv2d")->output;
    assert_int_equal(fv__plan_profile(plan, true, &error), FV_OK);
    run_ok(plan, pool, &feed);
    assert_true(fv__plan_time(plan, conv).forward > 0 && fv__plan_time(plan, conv).backward > 0);
    assert_int_equal(fv__plan_profile(plan, false, &error), FV_OK);
    assert_true(fv__plan_time(plan, conv).forward <= 0);
    fv__plan_destroy(plan);
    fv__pool_destroy(pool);
    finish_with(&s);
}

// --- Failures

static void first_failure_is_told(void **state) {
    (void)state;
    setup s;
    start(&s, "relu", "0.3");
    size_t count = s.graph.weight_count;
    float losses[2][MOST];
    float *gradients = fv__alloc_array(2 * count, sizeof(float));
    for (int threads = 1; threads <= 4; threads += 3) {
        fv__pool *pool = make_pool(threads);
        fv__plan *plan = make_plan(
            &s, threads, (fv__plan_options){.batch = MOST, .training = true, .backward = true, .root = s.loss});
        fv__feed feed = make_feed(&s, MOST);
        step(plan, pool, &s, &feed, losses[0], gradients);
        s.fail_at[0] = 17;
        s.fail_at[1] = 5;
        fv_error error = {0};
        assert_int_equal(fv__plan_run(plan, pool, &feed, &error), FV_IO);
        assert_string_equal(error.message, "sample 5 cannot be read");
        assert_int_equal(fv__plan_run(plan, pool, &feed, NULL), FV_IO);
        s.fail_at[0] = s.fail_at[1] = -1; // and the next step is as if nothing had happened
        step(plan, pool, &s, &feed, losses[1], gradients + count);
        assert_memory_equal(losses[0], losses[1], sizeof losses[0]);
        assert_memory_equal(gradients, gradients + count, count * sizeof(float));
        fv__plan_destroy(plan);
        fv__pool_destroy(pool);
    }
    fv__free(gradients);
    finish_with(&s);
}

static void refused_requests(void **state) {
    (void)state;
    setup s;
    start(&s, "relu", "0");
    fv_error error;
    fv__plan *plan;
    fv__pool *pool = make_pool(1);
    int dense = find_layer(&s, "dense")->output, kernel = s.graph.parameters[0].node;
    assert_int_equal(fv__plan_create(&s.graph, s.kernels, 1,
                                     &(fv__plan_options){.batch = 1, .backward = true, .root = s.logits}, &plan,
                                     &error),
                     FV_INVALID);
    assert_says(error, "dense_1");
    assert_int_equal(
        fv__plan_create(&s.graph, s.kernels, 1, &(fv__plan_options){.batch = 1, .root = kernel}, &plan, &error),
        FV_INVALID);
    assert_says(error, "conv2d/kernel");
    assert_int_equal(
        fv__plan_create(&s.graph, s.kernels, 1,
                        &(fv__plan_options){.batch = 1, .root = s.logits, .kept = &kernel, .kept_count = 1}, &plan,
                        &error),
        FV_INVALID);
    assert_int_equal(
        fv__plan_create(&s.graph, s.kernels, 1,
                        &(fv__plan_options){.batch = 1, .root = s.logits, .auxiliary = &dense, .auxiliary_count = 1},
                        &plan, &error),
        FV_INVALID);
    assert_says(error, "dense");
    assert_int_equal(
        fv__plan_create(&s.graph, s.kernels, 1, &(fv__plan_options){.batch = 0, .root = s.logits}, &plan, &error),
        FV_INVALID);
    assert_null(plan);
    plan = make_plan(&s, 1, (fv__plan_options){.batch = 2, .root = s.logits});
    fv__feed feed = make_feed(&s, 3);
    assert_int_equal(fv__plan_run(plan, pool, &feed, &error), FV_INVALID);
    assert_says(error, "3 samples");
    fv__plan_destroy(plan);
    fv__pool_destroy(pool);
    finish_with(&s);
}

static long allocations_left, blocks;

static void *limited_malloc(size_t size) {
    void *block = allocations_left-- > 0 ? malloc(size) : NULL;
    blocks += block != NULL;
    return block;
}

static void counting_free(void *block) {
    blocks -= block != NULL;
    free(block);
}

static void every_allocation_can_fail(void **state) {
    (void)state;
    setup s;
    start(&s, "relu", "0.3");
    int asked = find_attention(&s, "attention"), wanted[] = {asked, s.logits, s.loss}, copies[3];
    fv_status status = FV_MEMORY;
    long most = 0;
    fv_set_allocator(limited_malloc, counting_free);
    for (; status == FV_MEMORY; most++) {
        fv_error error = {0};
        fv__plan *plan;
        fv__rewrite copy;
        blocks = 0;
        allocations_left = most;
        status = fv__rewrite_make(&s.graph, false, 4, wanted, 3, &copy, &error);
        if (!status) {
            for (int i = 0; i < 3; i++) {
                copies[i] = copy.node_of[wanted[i]];
            }
            fv__plan_options options = {.batch = 4,
                                        .training = true,
                                        .backward = true,
                                        .root = copies[2],
                                        .kept = &copies[1],
                                        .kept_count = 1,
                                        .auxiliary = &copies[0],
                                        .auxiliary_count = 1};
            status = fv__plan_create(&copy.graph, s.kernels, 3, &options, &plan, &error);
            assert_true(!status == (plan != NULL));
            fv__plan_destroy(plan);
            fv__rewrite_free(&copy);
        }
        if (status) {
            assert_says(error, "out of memory");
        }
        assert_int_equal(blocks, 0);
    }
    fv_set_allocator(NULL, NULL);
    assert_int_equal(status, FV_OK);
    assert_true(most > 50);
    finish_with(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_a_whole_model),
        cmocka_unit_test(gradients_through_composed_weights),
        cmocka_unit_test(gradients_add_up),
        cmocka_unit_test(gradient_of_an_input),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(smaller_last_batch),
        cmocka_unit_test(dropout_belongs_to_the_sample),
        cmocka_unit_test(kept_values),
        cmocka_unit_test(attention_weights_sum_to_one),
        cmocka_unit_test(profile),
        cmocka_unit_test(first_failure_is_told),
        cmocka_unit_test(refused_requests),
        cmocka_unit_test(every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
