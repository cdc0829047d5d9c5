// SPDX-License-Identifier: Apache-2.0
// Plans: the same bits for any number of threads, and what a plan promises of smaller batches, failures and memory.
#include "allocations.h"
#include "planning.h"

#include <math.h>

#include "graph/rewrite.h"

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

// Workers that share one image give the bits of one that has it to itself, in layers large enough to be shared.
static void threads_share_a_sample(void **state) {
    (void)state;
    static const char *const models[] = {
        "- conv2d: {filters: 64, kernel: 3, padding: same, activation: gelu}\n- depthwise_conv2d: {kernel: 3}\n"
        "- conv2d: {filters: 48, kernel: 1}\n- multi_head_attention: {heads: 3}\n- dense: 64\n- flatten\n- dense: 5\n",
        "- mobilenet_v2\n- global_average_pool\n- dense: 5\n"};
    for (int m = 0; m < 2; m++) {
        float logits[2][CLASSES];
        int fewest = 0;
        for (int threads = 1; threads <= 4; threads++) {
            setup s;
            start_model(&s, models[m], (fv__shape){.rank = 3, .size = {64, 64, 3}});
            fv__pool *pool = make_pool(threads);
            fv__plan *plan = make_plan(&s, threads, (fv__plan_options){.batch = 1, .root = s.logits});
            fv__feed feed = make_feed(&s, 1);
            run_ok(plan, pool, &feed);
            memcpy(logits[threads > 1], fv__plan_value(plan, s.logits), sizeof logits[0]);
            if (threads == 1) {
                fewest = fv__plan_describe(plan).phases;
            } else {
                assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
                assert_true(fv__plan_describe(plan).phases > fewest + 4);
            }
            fv__plan_destroy(plan);
            fv__pool_destroy(pool);
            finish_with(&s);
        }
    }
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

static void every_allocation_can_fail(void **state) {
    (void)state;
    setup s;
    start(&s, "relu", "0.3");
    int asked = find_attention(&s, "attention"), wanted[] = {asked, s.logits, s.loss}, copies[3];
    const fv__rewrite_options whole = {.training = true, .batch = 4, .wanted = wanted, .wanted_count = 3};
    fv_status status = FV_MEMORY;
    long most = 0;
    for (; status == FV_MEMORY; most++) {
        fv_error error = {0};
        fv__plan *plan;
        fv__rewrite copy;
        limit_allocations(most);
        status = fv__rewrite_make(&s.graph, &whole, &copy, &error);
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
        assert_int_equal(blocks_made, 0);
    }
    lift_limit();
    assert_int_equal(status, FV_OK);
    assert_true(most > 50);
    finish_with(&s);
}

// A whole plan as text: what is kept crosses phases or is asked for, and the rest reuses places.
static void prints(void **state) {
    (void)state;
    static const char expected[] =
        "batch: 4, groups: 1, micro-batch: 4, instructions: 7, phases: 3\n"
        "phase 0: prepare, tasks: 2\n"
        "          prepare   conv2d (conv2d)\n"
        "          prepare   dense (dense)\n"
        "phase 1: samples, tasks: 1\n"
        "     0  forward   input (input)  writes a0\n"
        "     1  forward   conv2d (conv2d)  reads a0  writes a1\n"
        "     2  forward   dense (dense)  reads a1  writes a2\n"
        "     3  forward   loss (cross_entropy)  reads a2  writes a3\n"
        "     4  backward  loss (cross_entropy)  reads a2  writes a4\n"
        "     5  backward  dense (dense)  reads a1 a4  writes a5  +d dense/kernel  +d dense/bias\n"
        "     6  backward  conv2d (conv2d)  reads a0 a1 a5  +d conv2d/kernel  +d conv2d/bias\n"
        "phase 2: reduce, tasks: 1\n"
        "array  bytes a sample  lives        place            holds\n"
        "a0                144    0 … 6        worker +2048      input\n"
        "a1                256    1 … 6        worker +0         conv2d\n"
        "a2                 20    2 … 4        worker +1024      dense\n"
        "a3                  4    3 … the end  batch  +0         loss\n"
        "a4                 20    4 … 5        worker +2624      d dense\n"
        "a5                256    5 … 6        worker +1024      d flatten\n"
        "bytes: ";
    setup s;
    start_model(&s, "- conv2d: {filters: 4, kernel: 3, activation: tanh}\n- flatten\n- dense: 5\n",
                (fv__shape){.rank = 3, .size = {6, 6, 1}});
    fv__plan *plan =
        make_plan(&s, 2, (fv__plan_options){.batch = 4, .training = true, .backward = true, .root = s.loss});
    fv__text text = {0};
    fv__plan_print(plan, &text);
    assert_false(text.failed);
    assert_memory_equal(text.bytes, expected, sizeof expected - 1);
    fv__text_free(&text);
    fv__plan_destroy(plan);
    finish_with(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(threads_share_a_sample),
        cmocka_unit_test(smaller_last_batch),
        cmocka_unit_test(dropout_belongs_to_the_sample),
        cmocka_unit_test(kept_values),
        cmocka_unit_test(attention_weights_sum_to_one),
        cmocka_unit_test(profile),
        cmocka_unit_test(first_failure_is_told),
        cmocka_unit_test(refused_requests),
        cmocka_unit_test(prints),
        cmocka_unit_test(every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
