// SPDX-License-Identifier: Apache-2.0
// Layers: shapes, weights and their names, what is refused and how that is said. That they compute what they should is
// judged by the reference vectors.
#include "allocations.h"
#include "scratch.h"

#include "base/memory.h"
#include "graph/rewrite.h"
#include "layers/layer.h"
#include "ops/softmax.h"

typedef struct built {
    fv__graph graph;
    fv__builder builder;
    fv__document *document;
    int output;
} built;

static void take_down(built *b) {
    fv__layer_entries_truncate(&b->builder.entries, &b->builder.entry_count, 0);
    fv__graph_free(&b->graph);
    fv__document_free(b->document);
}

static fv_status build(built *b, fv__shape input, const char *text, fv_error *error) {
    *b = (built){.builder.graph = &b->graph};
    int node;
    fv_status status = fv__document_parse(text, strlen(text), "test.yaml", &b->document, error);
    if (!status) {
        status = fv__graph_add_input(&b->graph, "input", &input, &node, error);
    }
    if (!status) {
        status = fv__layers_build(&b->builder, fv__document_root(b->document), node, &b->output, error);
    }
    return status;
}

#define SHAPE(...)                                                                                                     \
    (fv__shape) {                                                                                                      \
        .rank = sizeof((int[]){__VA_ARGS__}) / sizeof(int), .size = { __VA_ARGS__ }                                    \
    }

// --- What is built

typedef struct good_case {
    fv__shape input;
    const char *text, *output;
    size_t parameters;
} good_case;

static void shapes_and_parameters(void **state) {
    (void)state;
    static const good_case cases[] = {
        {{3, {28, 28, 1}}, "- conv2d: {filters: 32, kernel: 3}", "(26, 26, 32)", 320},
        {{3, {28, 28, 1}},
         "- conv2d: {filters: 4, kernel: [2, 3], stride: 2, padding: same, bias: false}",
         "(14, 14, 4)",
         24},
        {{3, {13, 13, 8}}, "- max_pool2d", "(6, 6, 8)", 0},
        {{3, {13, 13, 8}}, "- max_pool2d: {padding: same}", "(7, 7, 8)", 0},
        {{3, {13, 13, 8}}, "- max_pool2d: {size: 3, stride: 1}", "(11, 11, 8)", 0},
        {{3, {13, 14, 8}}, "- depthwise_conv2d: {kernel: 3, stride: 2, padding: same}", "(7, 7, 8)", 80},
        {{3, {13, 14, 8}}, "- depthwise_conv2d: {kernel: [3, 5], bias: false, activation: relu6}", "(11, 10, 8)", 120},
        {{3, {4, 5, 6}}, "- batch_norm", "(4, 5, 6)", 24},
        {{3, {224, 224, 3}}, "- mobilenet_v2", "(7, 7, 1280)", 2257984},
        {{3, {224, 224, 3}}, "- mobilenet_v2: {top: true}", "(1000)", 3538984},
        {{3, {96, 128, 3}}, "- mobilenet_v2: {width: 0.35}", "(3, 4, 1280)", 410208},
        {{3, {33, 32, 3}}, "- mobilenet_v2: {width: 1.4, top: true}", "(1000)", 6156712},
        {{2, {5, 8}}, "- dense: 3", "(5, 3)", 27},
        {{1, {8}}, "- dense: {units: 3, activation: softmax, bias: false}", "(3)", 24},
        {{2, {5, 8}},
         "- activation: gelu\n- activation: softmax\n- softmax\n- softmax: tokens\n- dropout: 0.2",
         "(5, 8)",
         0},
        {{3, {4, 5, 6}}, "- flatten", "(120)", 0},
        {{3, {4, 5, 6}}, "- reshape: [20, 6]", "(20, 6)", 0},
        {{3, {4, 5, 6}}, "- reshape: {shape: [-1, 6]}", "(20, 6)", 0},
        {{2, {5, 8}}, "- layer_norm\n- norm_l: {epsilon: 1e-5}", "(5, 8)", 32},
        {{2, {5, 8}}, "- position_embedding", "(5, 8)", 40},
        {{2, {5, 8}}, "- attention", "(5, 8)", 0},
        {{2, {5, 8}}, "- attention: {units: 4}", "(5, 8)", 64},
        {{2, {5, 8}}, "- attention: {scale: trained}", "(5, 8)", 1},
        {{2, {5, 8}}, "- attention: {scale: inverse_sqrt}", "(5, 8)", 0},
        {{2, {5, 8}}, "- attention: {score: additive}", "(5, 8)", 8},
        {{2, {5, 8}}, "- attention: {score: additive, units: 4}", "(5, 8)", 68},
        {{2, {5, 8}}, "- attention: {score: additive, scale: none}", "(5, 8)", 0},
        {{3, {3, 4, 8}}, "- attention: {units: 2}", "(12, 8)", 32},
        {{2, {5, 8}}, "- multi_head_attention: 4", "(5, 8)", 4 * 72},
        {{2, {5, 8}}, "- multi_head_attention: {heads: 4, over: heads}", "(5, 8)", 4 * 72},
        {{2, {5, 8}}, "- multi_head_attention: {heads: 4, mask: causal}", "(5, 8)", 4 * 72},
        {{2, {5, 8}},
         "- multi_head_attention: {heads: 2, head_dim: 6, units: 10, bias: false}",
         "(5, 10)",
         3 * 96 + 120},
        {{2, {36, 192}},
         "- multi_head_attention: {heads: 8, head_dim: 24, activation: relu, residual: before_output, units: 32,\n"
         "                         output_activation: relu}",
         "(36, 32)",
         3 * (192 * 192 + 192) + 192 * 32 + 32},
        {{3, {7, 7, 16}}, "- multi_head_attention: 2\n- global_average_pool", "(16)", 4 * (256 + 16)},
        {{2, {5, 8}}, "- global_max_pool", "(8)", 0},
        {{2, {5, 8}}, "- residual: [layer_norm, {dense: 8}]", "(5, 8)", 88},
        {{3, {5, 2, 8}}, "- residual: [layer_norm, attention]", "(10, 8)", 16},
        {{2, {5, 8}}, "- repeat: {times: 3, layers: [{residual: [{dense: 8}]}]}", "(5, 8)", 3 * 72},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_error error = {0};
        built b;
        if (build(&b, cases[i].input, cases[i].text, &error)) {
            fail_msg("%s: %s", cases[i].text, error.message);
        }
        assert_string_equal(fv__shape_print(fv__graph_shape(&b.graph, b.output)).text, cases[i].output);
        assert_int_equal(fv__graph_count_parameters(&b.graph, false), cases[i].parameters);
        take_down(&b);
    }
}

// How many of the values of a layer training may change.
static void trainable_parts(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t trainable;
    } cases[] = {{"- batch_norm", 2 * 3},
                 {"- mobilenet_v2", 0},
                 {"- mobilenet_v2: {top: true}", 0},
                 {"- mobilenet_v2: {trainable: true}", 2223872},
                 {"- mobilenet_v2: {train_last: 17}", 2223872 - 864 - 2 * 32},             // but Conv1
                 {"- mobilenet_v2: {train_last: 1}", 320 * 1280 + 2 * 1280 +               // Conv_1
                                                         160 * 960 + 9 * 960 + 960 * 320 + // block 16
                                                         2 * (960 + 960 + 320)}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_error error = {0};
        built b;
        if (build(&b, SHAPE(64, 64, 3), cases[i].text, &error)) {
            fail_msg("%s: %s", cases[i].text, error.message);
        }
        assert_int_equal(fv__graph_count_parameters(&b.graph, true), cases[i].trainable);
        const float rate = b.graph.parameters[b.graph.parameter_count - 1].lr_factor; // fine-tuning goes slowly
        assert_true(rate > 0 && (strstr(cases[i].text, "train_last") ? rate < 1 : rate <= 1));
        take_down(&b);
    }
}

static void assert_parameters(const char *text, fv__shape input, const char *const *names) {
    fv_error error = {0};
    built b;
    if (build(&b, input, text, &error)) {
        fail_msg("%s: %s", text, error.message);
    }
    int count = 0;
    for (; names[count]; count++) {
        assert_true(count < b.graph.parameter_count);
        assert_string_equal(b.graph.parameters[count].name, names[count]);
    }
    assert_int_equal(count, b.graph.parameter_count);
    take_down(&b);
}

static void names(void **state) {
    (void)state;
    assert_parameters(
        "- dense: 4\n- dense: {units: 4, name: head}\n- dense: {units: 4, bias: false}", SHAPE(3),
        (const char *[]){"dense/kernel", "dense/bias", "head/kernel", "head/bias", "dense_1/kernel", NULL});
    assert_parameters(
        "- multi_head_attention: {heads: 2, name: mix}\n- norm_l\n- layer_norm\n- position_embedding", SHAPE(3, 4),
        (const char *[]){"mix/query/kernel", "mix/query/bias", "mix/key/kernel", "mix/key/bias", "mix/value/kernel",
                         "mix/value/bias", "mix/output/kernel", "mix/output/bias", "norm_l/a", "norm_l/b",
                         "layer_norm/gamma", "layer_norm/beta", "position_embedding/embeddings", NULL});
    assert_parameters("- attention: {units: 2, score: additive}", SHAPE(3, 4),
                      (const char *[]){"attention/query/kernel", "attention/key/kernel", "attention/scale", NULL});
    // Names that are given are numbered inside a repeat; a taken number is passed over.
    assert_parameters("- dense: {units: 4, name: dense_1}\n- dense: 4\n- dense: 4\n"
                      "- repeat:\n    times: 2\n    layers: [dense: {units: 4, name: block, bias: false}]",
                      SHAPE(4),
                      (const char *[]){"dense_1/kernel", "dense_1/bias", "dense/kernel", "dense/bias", "dense_2/kernel",
                                       "dense_2/bias", "block/kernel", "block_1/kernel", NULL});
}

static void entries(void **state) {
    (void)state;
    fv_error error = {0};
    built b;
    assert_int_equal(build(&b, SHAPE(5, 8),
                           "- dense: 8\n- residual:\n    - layer_norm\n    - dense: 8\n- global_average_pool", &error),
                     FV_OK);
    static const struct {
        const char *name;
        int depth, parameters;
    } expected[] = {
        {"dense", 0, 2}, {"residual", 0, 4}, {"layer_norm", 1, 2}, {"dense_1", 1, 2}, {"global_average_pool", 0, 0}};
    assert_int_equal(b.builder.entry_count, 5);
    for (int i = 0; i < 5; i++) {
        const fv__layer_entry *entry = &b.builder.entries[i];
        assert_string_equal(entry->name, expected[i].name);
        assert_int_equal(entry->depth, expected[i].depth);
        assert_int_equal(entry->parameter_count, expected[i].parameters);
    }
    assert_string_equal(b.graph.nodes[b.builder.entries[1].output].name, "residual");
    assert_int_equal(b.builder.entries[4].output, b.output);
    take_down(&b);
}

// Keras's initial values: kernels within Glorot's limits and not all alike, embeddings within ±0.05.
static void initial_values(void **state) {
    (void)state;
    fv_error error = {0};
    built b;
    assert_int_equal(build(&b, SHAPE(6, 10),
                           "- position_embedding\n- layer_norm\n- dense: 20\n- attention: {scale: trained}", &error),
                     FV_OK);
    float *weights = fv__alloc_array(b.graph.weight_count, sizeof(float));
    fv__graph_initialize(&b.graph, 1, weights);
    const float limits[] = {0.05F,      1, 0,
                            0.4472136F, 0, 1}; // embeddings, gamma, beta, kernel: sqrt(6 / 30), bias, scale
    for (int p = 0; p < 6; p++) {
        const float *values = weights + b.graph.parameters[p].offset;
        float largest = 0;
        for (size_t i = 0; i < b.graph.parameters[p].count; i++) {
            float size = values[i] < 0 ? -values[i] : values[i];
            largest = size > largest ? size : largest;
        }
        assert_true(largest <= limits[p] && largest >= 0.9F * limits[p]);
    }
    fv__free(weights);
    take_down(&b);
}

// --- What is refused

typedef struct bad_case {
    fv__shape input;
    const char *text, *says[4];
} bad_case;

static void refusals(void **state) {
    (void)state;
    static const bad_case cases[] = {
        {{1, {8}}, "dense: 3", {"test.yaml:1", "list of layers"}},
        {{1, {8}}, "[]", {"list of layers"}},
        {{1, {8}}, "- dense: 3\n- dens: 4", {"test.yaml:2", "'dens'", "'dense'"}},
        {{1, {8}}, "- [dense]", {"test.yaml:1", "a layer"}},
        {{1, {8}}, "- dense", {"test.yaml:1", "units"}},
        {{1, {8}}, "- dense: {unit: 3}", {"test.yaml:1", "'unit'", "'units'"}},
        {{1, {8}}, "- dense: 0", {"test.yaml:1", "dense.units", "0"}},
        {{1, {8}}, "- dense: {units: 3, activation: rellu}", {"rellu", "relu"}},
        {{1, {8}}, "- dropout: 1", {"dropout.rate"}},
        {{1, {8}}, "- dense: 3\n- conv2d: {filters: 3, kernel: 3}", {"test.yaml:2: layer conv2d", "(3)", "(height"}},
        {{3, {8, 8, 1}}, "- conv2d: {filters: 3, kernel: 9}", {"test.yaml:1: layer conv2d", "(9, 9)", "(8, 8, 1)"}},
        {{3, {8, 8, 1}}, "- conv2d: {filters: 3, kernel: 3, activation: softmax}", {"softmax"}},
        {{3, {31, 64, 3}}, "- mobilenet_v2", {"layer mobilenet_v2", "at least 32 by 32", "(31, 64, 3)"}},
        {{1, {8}}, "- depthwise_conv2d: 3", {"layer depthwise_conv2d", "(height"}},
        {{3, {8, 8, 1}}, "- max_pool2d: 9", {"layer max_pool2d", "(9, 9)", "(8, 8, 1)"}},
        {{3, {4, 5, 6}}, "- reshape: [20, 7]", {"layer reshape", "(4, 5, 6)", "(20, 7)"}},
        {{3, {4, 5, 6}}, "- reshape: [-1, 7]", {"layer reshape", "(4, 5, 6)"}},
        {{3, {4, 5, 6}}, "- reshape: [2, 2, 5, 6, 1]", {"5 sizes"}},
        {{2, {5, 8}}, "- multi_head_attention: 3", {"test.yaml:1", "8 features", "3 heads", "head_dim"}},
        {{2, {5, 8}}, "- multi_head_attention: {heads: 2, head_dim: 3, residual: before_output}", {"8 features", "6"}},
        {{2, {5, 8}}, "- multi_head_attention: {heads: 2, over: heads, mask: causal}", {"mask causal is for"}},
        {{1, {8}}, "- attention", {"layer attention", "(8)", "tokens"}},
        {{2, {5, 8}}, "- attention: {score: additive, scale: inverse_sqrt}", {"inverse_sqrt", "dot"}},
        {{3, {512, 512, 8}}, "- attention", {"262144 tokens"}},
        {{2, {5, 8}}, "- residual: []", {"residual", "list of layers"}},
        {{2, {5, 8}},
         "- residual:\n    - layer_norm\n    - dense: 9",
         {"test.yaml:1: layer residual", "(5, 8)", "(5, 9)"}},
        {{2, {5, 8}},
         "- residual:\n    - layer_norm\n    - conv2d: {filters: 1, kernel: 1}",
         {"test.yaml:3: layer conv2d"}},
        {{2, {5, 8}}, "- repeat: {layers: [dense: 8]}", {"times"}},
        {{1, {8}}, "- dense: {units: 3, name: a}\n- dense: {units: 3, name: a}", {"test.yaml:2", "called a"}},
        {{1, {8}}, "- dense: {units: 3, name: a/b}", {"'a/b'"}},
        {{1, {8}}, "- dense: {units: 3, name: ''}", {"name"}},
        {{1, {1048576}}, "- dense: 1048576", {"layer dense", "(1048576, 1048576)"}},
        {{1, {8}}, "- repeat: {times: 1000, layers: [repeat: {times: 1000, layers: [dropout: 0.1]}]}", {"4096 layers"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_error error = {0};
        built b;
        fv_status status = build(&b, cases[i].input, cases[i].text, &error);
        if (status != FV_INVALID || error.status != FV_INVALID) {
            fail_msg("%s: status %d: %s", cases[i].text, status, error.message);
        }
        for (int k = 0; k < 4 && cases[i].says[k]; k++) {
            if (!strstr(error.message, cases[i].says[k])) {
                fail_msg("%s: the message lacks \"%s\": %s", cases[i].text, cases[i].says[k], error.message);
            }
        }
        const char *first = strstr(error.message, "test.yaml"); // the place is told once
        if (first && strstr(first + 1, "test.yaml")) {
            fail_msg("%s", error.message);
        }
        take_down(&b);
        assert_int_equal(build(&b, cases[i].input, cases[i].text, NULL), FV_INVALID);
        take_down(&b);
    }
}

static void tables_are_sound(void **state) {
    (void)state;
    int count = 0;
    for (const fv__layer_type *type; (type = fv__layer_type_at(count)); count++) {
        fv_error error = {0};
        if (fv__options_check(type->options, type->name, &error)) {
            fail_msg("%s", error.message);
        }
        assert_true(strlen(type->sentence) > 10);
        bool has_name = false;
        for (const fv__option *option = type->options; option->name; option++) {
            has_name = has_name || !strcmp(option->name, "name");
        }
        assert_true(has_name);
    }
#define X(name) -1
    assert_int_equal(count FV__LAYER_LIST(X), 0);
#undef X
}

// --- Copies, steps back, memory

static void copies_are_deep(void **state) {
    (void)state;
    fv_error error = {0};
    built b;
    assert_int_equal(build(&b, SHAPE(5, 8), "- residual: [{dense: 8}]\n- flatten\n- dense: 3", &error), FV_OK);
    const fv__rewrite_options options = {.batch = 1, .wanted = &b.output, .wanted_count = 1};
    fv__rewrite rewrite;
    assert_int_equal(fv__rewrite_make(&b.graph, &options, &rewrite, &error), FV_OK);
    fv__graph copy = rewrite.graph;
    assert_int_equal(copy.node_count, b.graph.node_count);
    assert_int_equal(copy.weight_count, b.graph.weight_count);
    for (int n = 0; n < copy.node_count; n++) {
        assert_string_equal(copy.nodes[n].name, b.graph.nodes[n].name);
        assert_ptr_not_equal(copy.nodes[n].name, b.graph.nodes[n].name);
        assert_ptr_not_equal(copy.nodes[n].view.attributes, b.graph.nodes[n].view.attributes);
        assert_memory_equal(copy.nodes[n].view.attributes, b.graph.nodes[n].view.attributes,
                            copy.nodes[n].op->attributes_size);
    }
    int node; // the copy grows, the original does not
    fv__cross_entropy_attributes attributes = {0};
    assert_int_equal(fv__graph_add(&copy, "loss", &fv__op_cross_entropy, &attributes, &b.output, 1, &node, &error),
                     FV_OK);
    assert_int_equal(node, b.graph.node_count);
    int nodes = copy.node_count, parameters = copy.parameter_count;
    size_t weights = copy.weight_count;
    assert_int_equal(fv__graph_add_parameter(&copy, "more", &SHAPE(7), FV__INITIAL_ONES, &node, &error), FV_OK);
    fv__graph_truncate(&copy, nodes, parameters);
    assert_int_equal(copy.weight_count, weights);
    assert_int_equal(fv__graph_find_parameter(&copy, "more"), -1);
    rewrite.graph = copy;
    fv__rewrite_free(&rewrite);
    take_down(&b);
}

static void every_allocation_can_fail(void **state) {
    (void)state;
    static const char text[] = "- conv2d: {filters: 4, kernel: 3, activation: relu}\n- max_pool2d\n"
                               "- repeat: {times: 2, layers: [{residual: [layer_norm, {attention: {units: 2}}]}]}\n"
                               "- multi_head_attention: {heads: 2, over: heads, residual: before_output}\n"
                               "- norm_l\n- flatten\n- dense: {units: 3, activation: softmax, name: last}";
    fv_status status = FV_MEMORY;
    long most = 0;
    for (; status == FV_MEMORY; most++) {
        fv_error error = {0};
        built b;
        limit_allocations(most);
        status = build(&b, SHAPE(8, 8, 1), text, &error);
        if (status && (status != FV_MEMORY || !strstr(error.message, "out of memory"))) {
            fail_msg("allocation %ld: status %d: %s", most, status, error.message);
        }
        take_down(&b);
        assert_int_equal(blocks_made, 0);
    }
    lift_limit();
    assert_int_equal(status, FV_OK);
    assert_true(most > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_and_parameters),
        cmocka_unit_test(trainable_parts),
        cmocka_unit_test(names),
        cmocka_unit_test(entries),
        cmocka_unit_test(initial_values),
        cmocka_unit_test(refusals),
        cmocka_unit_test(tables_are_sound),
        cmocka_unit_test(copies_are_deep),
        cmocka_unit_test(every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
