// SPDX-License-Identifier: Apache-2.0
// The document reader: trees with lines, everything that is refused, dotted paths, and writing back.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "allocations.h"
#include "formats/yaml.h"

static const char *const recipe = "# a comment\n"
                                  "data: {set: cifar100, validation: 0.2}\n"
                                  "augment: [flip: horizontal, rotation: 0.1]\n"
                                  "model:\n"
                                  "  - patches: {size: 2}\n"
                                  "  - position_embedding\n"
                                  "  - repeat: 8\n"
                                  "    layers:\n"
                                  "      - dense: {units: 64, activation: gelu_tanh}\n"
                                  "      - dropout: 0.2\n"
                                  "  - flatten:\n"
                                  "train:\n"
                                  "  epochs: 50\n"
                                  "  optimizer: adam\n"
                                  "  name: '007'\n";

static fv__document *parse(const char *text) {
    fv__document *document = NULL;
    fv_error error = {0};
    if (fv__document_parse(text, strlen(text), "x.yaml", &document, &error)) {
        fail_msg("%s", error.message);
    }
    return document;
}

static void assert_contains(const char *text, const char *part) {
    if (!strstr(text, part)) {
        fail_msg("expected \"%s\" in: %s", part, text);
    }
}

static void test_tree_knows_lines(void **state) {
    (void)state;
    fv__document *document = parse(recipe);
    const fv__value *root = fv__document_root(document);
    assert_int_equal(root->kind, FV__VALUE_MAP);
    assert_int_equal(root->count, 4);
    assert_int_equal(root->keys[3].line, 12);
    const fv__value *model = fv__map_get(root, "model");
    assert_int_equal(model->kind, FV__VALUE_LIST);
    assert_int_equal(model->count, 4);
    const fv__value *repeat = model->items[2];
    assert_int_equal(repeat->line, 7);
    assert_string_equal(fv__map_get(repeat, "repeat")->text, "8");
    const fv__value *name = fv__map_get(fv__map_get(root, "train"), "name");
    assert_true(name->quoted);
    assert_int_equal(name->line, 15);
    assert_string_equal(name->source, "x.yaml");
    assert_null(fv__map_get(root, "nope"));
    assert_null(fv__map_get(model, "nope"));
    assert_null(fv__map_get(NULL, "nope"));
    fv__document_free(document);
}

static void test_nothing(void **state) {
    (void)state;
    const char *const texts[] = {"", "# only a comment\n", "~", "null", "---\n...\n", "\xEF\xBB\xBF"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fv__document *document = parse(texts[i]);
        assert_true(fv__is_null(fv__document_root(document)));
        fv__document_free(document);
    }
    fv__document *quoted = parse("'null'");
    assert_int_equal(fv__document_root(quoted)->kind, FV__VALUE_SCALAR);
    fv__document_free(quoted);
}

static void refused(const char *text, size_t size, const char *part) {
    fv__document *document = NULL;
    fv_error error = {0};
    assert_int_equal(fv__document_parse(text, size, "r/x.yaml", &document, &error), FV_FORMAT);
    assert_int_equal(error.status, FV_FORMAT);
    assert_null(document);
    assert_contains(error.message, part);
    assert_int_equal(fv__document_parse(text, size, "r/x.yaml", &document, NULL), FV_FORMAT);
}

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", "r/x.yaml:3: the key 'a' is there already, in line 1"},
        {"a: &x 1\nb: 2\n", "r/x.yaml:1: the anchor '&x'"},
        {"a: 1\nb: *x\n", "r/x.yaml:2: the alias '*x'"},
        {"&k a: 1\n", "the anchor '&k'"},
        {"a: !!str 1\n", "r/x.yaml:1: the tag 'tag:yaml.org,2002:str'"},
        {"- !x [1]\n", "the tag '!x'"},
        {"a: &m {b: 1}\n", "the anchor '&m'"},
        {"a: 1\n---\nb: 2\n", "r/x.yaml:2: a second document begins here"},
        {"? [1, 2]\n: 3\n", "r/x.yaml:1: a key must be a word"},
        {"{a: 1, '': 2}\n", "r/x.yaml:1: a key is missing"},
        {"a: \"b\\0c\"\n", "r/x.yaml:1: text with a zero byte"},
        {"a: [1, 2\nb: 3\n", "r/x.yaml:"},
        {"a: 1\n\tb: 2\n", "r/x.yaml:2: "},
        {"a: \xff\n", "r/x.yaml: not a text file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        refused(cases[i].text, strlen(cases[i].text), cases[i].part);
    }
    char deep[200] = "a:\n  ";
    memset(deep + 5, '[', 100);
    refused(deep, strlen(deep), "r/x.yaml:2: lists and maps are nested more than 64 deep");
    char *large = calloc(1, FV__YAML_SIZE + 1);
    assert_non_null(large);
    memset(large, ' ', FV__YAML_SIZE + 1);
    refused(large, FV__YAML_SIZE + 1, "1048577 bytes; at most 1048576");
    free(large);
}

static void test_depth_of_64_is_fine(void **state) {
    (void)state;
    char text[200] = {0};
    memset(text, '[', FV__YAML_DEPTH);
    memset(text + FV__YAML_DEPTH, ']', FV__YAML_DEPTH);
    fv__document_free(parse(text));
}

// The tree written and read again is the same tree, and writing that gives the same bytes.
static void assert_round_trip(const fv__value *value) {
    fv__text first = {0}, second = {0};
    assert_int_equal(fv__value_emit(value, &first, NULL), FV_OK);
    fv__document *again = parse(first.bytes);
    if (!fv__value_equal(value, fv__document_root(again))) {
        fail_msg("not the same after reading:\n%s", first.bytes);
    }
    assert_int_equal(fv__value_emit(fv__document_root(again), &second, NULL), FV_OK);
    assert_string_equal(first.bytes, second.bytes);
    fv__document_free(again);
    fv__text_free(&first);
    fv__text_free(&second);
}

static void test_emit_reads_well(void **state) {
    (void)state;
    fv__document *document = parse(recipe);
    fv__text text = {0};
    assert_int_equal(fv__value_emit(fv__document_root(document), &text, NULL), FV_OK);
    assert_string_equal(text.bytes, "data: {set: cifar100, validation: 0.2}\n"
                                    "augment:\n"
                                    "- flip: horizontal\n"
                                    "- rotation: 0.1\n"
                                    "model:\n"
                                    "- patches: {size: 2}\n"
                                    "- position_embedding\n"
                                    "- repeat: 8\n"
                                    "  layers:\n"
                                    "  - dense: {units: 64, activation: gelu_tanh}\n"
                                    "  - dropout: 0.2\n"
                                    "- flatten: null\n"
                                    "train: {epochs: 50, optimizer: adam, name: \"007\"}\n");
    fv__text_free(&text);
    fv__document_free(document);
}

static void test_round_trips(void **state) {
    (void)state;
    const char *const texts[] = {
        recipe,
        "",
        "[]",
        "{}",
        "plain",
        "a: {}\nb: []\nc: {d: {}}",
        "[1e-3, 0.10, '1', true, 'true', ~, 'null', '', \"a\\nb\\n\", 'x, y', 'a: b', '#', '- a', '---', '...', ...a, "
        "../b, -.5]",
        "a: x, y [z]\nb: |\n  two\n  lines\nc: >-\n  folded\n  text\nd: \"\\t\\x01\\u2028 \\\"\"\n",
        "'a: b': 1\n'true': 2\nnull: {'1': 2}\n\" x \": 3\n",
        "classes: [Zürich, 'T-shirt/top', 日本, 'é ']",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fv__document *document = parse(texts[i]);
        assert_round_trip(fv__document_root(document));
        fv__document_free(document);
    }
}

static void test_set(void **state) {
    (void)state;
    fv__document *document = parse(recipe);
    fv_error error = {0};
    const fv__value *root = fv__document_root(document);
    assert_int_equal(fv__document_assign(document, "train.epochs=2", &error), FV_OK);
    assert_int_equal(fv__document_assign(document, "model.2.layers.0.dense.units=32", &error), FV_OK);
    assert_int_equal(fv__document_assign(document, "train.optimizer.adam.lr=1e-2", &error), FV_OK);
    assert_int_equal(fv__document_assign(document, "model.1.position_embedding.length=4", &error), FV_OK);
    assert_int_equal(fv__document_assign(document, "model.3.flatten.order=c", &error), FV_OK);
    assert_int_equal(fv__document_assign(document, "new.deep.3.key=[a, {b: c}]", &error), FV_OK);
    assert_int_equal(fv__document_assign(document, "data.limit=", &error), FV_OK);
    fv__text text = {0};
    assert_int_equal(fv__value_emit(root, &text, NULL), FV_OK);
    assert_contains(text.bytes, "epochs: 2\n");
    assert_contains(text.bytes, "- dense: {units: 32, activation: gelu_tanh}");
    assert_contains(text.bytes, "adam: {lr: 1e-2}");
    assert_contains(text.bytes, "- position_embedding: {length: 4}");
    assert_contains(text.bytes, "flatten: {order: c}");
    assert_contains(text.bytes, "limit: null");
    fv__text_free(&text);
    const fv__value *set = fv__map_get(fv__map_get(fv__map_get(fv__map_get(root, "new"), "deep"), "3"), "key");
    assert_int_equal(set->count, 2);
    assert_int_equal(fv__value_fail(&error, set, "no"), FV_INVALID);
    assert_string_equal(error.message, "--set new.deep.3.key=[a, {b: c}]: no");
    assert_round_trip(root);
    fv__document_free(document);

    document = parse("");
    assert_int_equal(fv__document_set(document, "a", "1", &error), FV_OK);
    assert_string_equal(fv__map_get(fv__document_root(document), "a")->text, "1");
    fv__document_free(document);
}

static void test_set_refusals(void **state) {
    (void)state;
    static const struct {
        const char *assignment, *part;
    } cases[] = {
        {"train.epochs", "--set train.epochs: expected key=value"},
        {"=1", "expected a path of keys"},
        {"a..b=1", "--set a..b=1: expected a path of keys"},
        {".a=1", "expected a path of keys"},
        {"a.=1", "expected a path of keys"},
        {"model.9.dense=1", "'model' is a list; expected the number of an item, 0 to 3, not '9'"},
        {"model.first=1", "not 'first'"},
        {"model.-1=1", "not '-1'"},
        {"train.epochs.x=1", "'train.epochs' is '50', which has nothing inside"},
        {"train.name.007=1", "'train.name' is the text '007'"},
        {"tr\xff=1", "expected a path of keys"},
        {"train.epochs=\xff", "not a text file"},
        {"train.epochs=[1", "--set train.epochs=[1: "},
        {"train.epochs=&a 1", "the anchor '&a'"},
        {"train.epochs={a: 1, a: 2}", "--set train.epochs={a: 1, a: 2}: the key 'a' is there twice"},
    };
    fv__document *document = parse(recipe), *before = parse(recipe);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_error error = {0};
        assert_int_equal(fv__document_assign(document, cases[i].assignment, &error), FV_INVALID);
        assert_contains(error.message, cases[i].part);
        assert_true(fv__value_equal(fv__document_root(document), fv__document_root(before)));
    }
    char path[200] = "a";
    for (int i = 0; i < FV__YAML_DEPTH - 1; i++) {
        strcat(path, ".a");
    }
    fv_error error = {0};
    assert_int_equal(fv__document_set(document, path, "[1]", &error), FV_INVALID);
    assert_int_equal(fv__document_set(document, path, "1", &error), FV_OK);
    assert_round_trip(fv__document_root(document));
    fv__document_free(before);
    fv__document_free(document);
}

static void test_copy_outlives_its_source(void **state) {
    (void)state;
    fv__document *from = parse(recipe), *into = fv__document_new("other"), *same = parse(recipe);
    fv__value *copy = fv__value_copy(into, fv__document_root(from));
    fv__document_free(from);
    assert_true(fv__value_equal(copy, fv__document_root(same)));
    assert_string_equal(copy->items[0]->source, "x.yaml");
    assert_int_equal(copy->keys[3].line, 12);
    assert_ptr_equal(copy->items[0]->document, into);
    assert_true(fv__is_null(fv__value_copy(into, NULL)));
    fv__document_free(into);
    fv__document_free(same);
}

static void test_made_by_code(void **state) {
    (void)state;
    fv__document *document = fv__document_new("made");
    fv__value *map = fv__value_new(document, FV__VALUE_MAP);
    assert_int_equal(fv__map_set(map, "whole", fv__value_int(document, -3), NULL), FV_OK);
    assert_int_equal(fv__map_set(map, "real", fv__value_float(document, 0.1), NULL), FV_OK);
    assert_int_equal(fv__map_set(map, "truth", fv__value_bool(document, true), NULL), FV_OK);
    assert_int_equal(fv__map_set(map, "text", fv__value_text(document, "12"), NULL), FV_OK);
    assert_int_equal(fv__map_set(map, "real", fv__value_float(document, 1e-7), NULL), FV_OK);
    fv__document_set_root(document, map);
    fv__text text = {0};
    assert_int_equal(fv__value_emit(fv__document_root(document), &text, NULL), FV_OK);
    assert_string_equal(text.bytes, "whole: -3\nreal: 1e-07\ntruth: true\ntext: \"12\"\n");
    fv__text_free(&text);
    assert_round_trip(map);
    fv_error error = {0};
    assert_int_equal(fv__map_set(map, "bad", fv__value_text(document, "caf\xe9"), NULL), FV_OK);
    assert_int_equal(fv__value_emit(map, &text, &error), FV_INVALID);
    assert_contains(error.message, "it is not UTF-8");
    fv__text_free(&text);
    fv__document_free(document);
}

static void test_named(void **state) {
    (void)state;
    fv__document *document = parse("- flatten\n- flatten:\n- dense: {units: 3}\n- a: 1\n  b: 2\n- [1]\n-\n");
    const fv__value *list = fv__document_root(document), *arguments;
    const char *name;
    fv_error error = {0};
    assert_int_equal(fv__value_named(list->items[0], "a layer", &name, &arguments, &error), FV_OK);
    assert_string_equal(name, "flatten");
    assert_null(arguments);
    assert_int_equal(fv__value_named(list->items[1], "a layer", &name, &arguments, &error), FV_OK);
    assert_true(fv__is_null(arguments));
    assert_int_equal(fv__value_named(list->items[2], "a layer", &name, &arguments, &error), FV_OK);
    assert_string_equal(name, "dense");
    assert_string_equal(fv__map_get(arguments, "units")->text, "3");
    assert_int_equal(fv__value_named(list->items[3], "a layer", &name, &arguments, &error), FV_INVALID);
    assert_contains(error.message, "x.yaml:5: expected a layer as one name with its options, found two: 'a' and 'b'");
    assert_int_equal(fv__value_named(list->items[4], "a layer", &name, &arguments, &error), FV_INVALID);
    assert_contains(error.message, "x.yaml:6: expected a layer");
    assert_contains(error.message, "found a list of 1");
    assert_int_equal(fv__value_named(list->items[5], "a layer", &name, &arguments, &error), FV_INVALID);
    assert_int_equal(fv__value_named(NULL, "a layer", &name, &arguments, &error), FV_INVALID);
    fv__document_free(document);
}

// --- every allocation in turn fails

static fv_status everything(void) {
    fv__document *document = NULL, *copies = NULL;
    fv__text text = {0};
    fv_status status = fv__document_parse(recipe, strlen(recipe), "x.yaml", &document, NULL);
    for (int i = 0; i < 40 && !status; i++) { // enough for a second block
        status = fv__document_assign(document, i % 2 ? "a.b.c=[1, {x: y, z: w}]" : "model.0=1", NULL);
    }
    if (!status) {
        copies = fv__document_new("copies");
        status = copies ? FV_OK : FV_MEMORY;
    }
    for (int i = 0; i < 10 && !status; i++) {
        status = fv__value_copy(copies, fv__document_root(document)) ? FV_OK : FV_MEMORY;
    }
    if (!status) {
        status = fv__value_emit(fv__document_root(document), &text, NULL);
    }
    fv__text_free(&text);
    fv__document_free(copies);
    fv__document_free(document);
    return status;
}

static void test_allocation_failure(void **state) {
    (void)state;
    fv_status status = FV_MEMORY;
    size_t tried = 0;
    for (; status && tried < 1000; tried++) {
        limit_allocations((long)tried);
        status = everything();
        lift_limit();
        assert_true(status == FV_OK || status == FV_MEMORY);
    }
    assert_int_equal(status, FV_OK);
    assert_true(tried > 40);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_knows_lines),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_depth_of_64_is_fine),
        cmocka_unit_test(test_emit_reads_well),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_set_refusals),
        cmocka_unit_test(test_copy_outlives_its_source),
        cmocka_unit_test(test_made_by_code),
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_allocation_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
