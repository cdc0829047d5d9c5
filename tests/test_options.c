// SPDX-License-Identifier: Apache-2.0
// Option tables: every kind read, every way to be wrong answered with a sentence, written back, described.
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "allocations.h"
#include "base/text.h"
#include "formats/options.h"

enum activation { LINEAR, RELU, GELU };
static const char *const activations[] = {"linear", "relu", "gelu", NULL};

typedef struct everything {
    int units;
    bool bias;
    double rate;
    const char *name, *note;
    enum activation activation;
    int kernel[2];
    fv__int_list steps;
    fv__float_list mean;
    const fv__value *layers, *loss, *metrics;
} everything;

#define AT(member) .offset = offsetof(everything, member)
static const fv__option table[] = {
    {.name = "units",
     .kind = FV__INT,
     AT(units),
     .required = true,
     .primary = true,
     .minimum = 1,
     .maximum = 4096,
     .sentence = "Width of the output."},
    {.name = "bias", .kind = FV__BOOL, AT(bias), .default_text = "true", .sentence = "Whether a bias is added."},
    {.name = "rate",
     .kind = FV__FLOAT,
     AT(rate),
     .default_text = "1e-3",
     .minimum = 0,
     .maximum = 1,
     .below_maximum = true,
     .sentence = "Share | of values."},
    {.name = "name", .kind = FV__TEXT, AT(name), .default_text = "dense", .sentence = "What summaries call it."},
    {.name = "note", .kind = FV__TEXT, AT(note), .sentence = "Anything."},
    {.name = "activation",
     .kind = FV__CHOICE,
     AT(activation),
     .choices = activations,
     .default_text = "linear",
     .sentence = "Function of the output."},
    {.name = "kernel",
     .kind = FV__INT_PAIR,
     AT(kernel),
     .default_text = "[3, 5]",
     .minimum = 1,
     .maximum = INFINITY,
     .sentence = "Height and width."},
    {.name = "steps", .kind = FV__INT_LIST, AT(steps), .sentence = "Epochs at which the rate falls."},
    {.name = "mean",
     .kind = FV__FLOAT_LIST,
     AT(mean),
     .default_text = "[0.5, 0.25]",
     .minimum = -INFINITY,
     .maximum = 1,
     .sentence = "Of each channel."},
    {.name = "layers", .kind = FV__LIST, AT(layers), .sentence = "What is inside."},
    {.name = "loss", .kind = FV__ANY, AT(loss), .default_text = "cross_entropy", .sentence = "What is made small."},
    {.name = "metrics", .kind = FV__MAP, AT(metrics), .sentence = "What is measured."},
    {0},
};

static const fv__option no_options[] = {{0}};

static fv__document *parse(const char *text) {
    fv__document *document = NULL;
    fv_error error = {0};
    if (fv__document_parse(text, strlen(text), "x.yaml", &document, &error)) {
        fail_msg("%s", error.message);
    }
    return document;
}

static void test_table_is_sound(void **state) {
    (void)state;
    fv_error error = {0};
    if (fv__options_check(table, "dense", &error)) {
        fail_msg("%s", error.message);
    }
    static const struct {
        fv__option rows[3];
        const char *part;
    } bad[] = {
        {{{.name = "a", .kind = FV__INT, .default_text = "x", .sentence = "A."}}, "expected a whole number, found 'x'"},
        {{{.name = "a", .kind = FV__INT, .default_text = "3", .minimum = 4, .maximum = 5, .sentence = "A."}}, "4 to 5"},
        {{{.name = "a", .kind = FV__INT, .sentence = "A."}}, "neither required nor a default"},
        {{{.name = "a", .kind = FV__INT, .default_text = "1"}}, "no sentence"},
        {{{.name = "a", .kind = FV__INT, .default_text = "1", .required = true, .sentence = "A."}}, "required and"},
        {{{.name = "a", .sentence = "A."}}, "no kind"},
        {{{.name = "a", .kind = FV__CHOICE, .default_text = "1", .sentence = "A."}}, "no choices"},
        {{{.name = "a", .kind = FV__TEXT, .sentence = "A."}, {.name = "a", .kind = FV__TEXT, .sentence = "A."}},
         "there already"},
        {{{.name = "a", .kind = FV__TEXT, .primary = true, .sentence = "A."},
          {.name = "b", .kind = FV__TEXT, .primary = true, .sentence = "A."}},
         "second primary"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fv__options_check(bad[i].rows, "layer", &error), FV_INVALID);
        if (!strstr(error.message, bad[i].part) || !strstr(error.message, "table of layer")) {
            fail_msg("expected \"%s\" in: %s", bad[i].part, error.message);
        }
    }
}

static void assert_defaults(const everything *options) {
    assert_true(options->bias);
    assert_true(options->rate == 1e-3);
    assert_string_equal(options->name, "dense");
    assert_null(options->note);
    assert_int_equal(options->activation, LINEAR);
    assert_int_equal(options->kernel[0], 3);
    assert_int_equal(options->kernel[1], 5);
    assert_int_equal(options->steps.count, 0);
    assert_int_equal(options->mean.count, 2);
    assert_true(options->mean.values[1] == 0.25);
    assert_null(options->layers);
    assert_string_equal(options->loss->text, "cross_entropy");
    assert_null(options->metrics);
}

static void test_shorthand_and_defaults(void **state) {
    (void)state;
    const char *const texts[] = {"64", "units: 64", "{units: +64, note: ~, steps: null}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fv__document *document = parse(texts[i]);
        everything options;
        memset(&options, 0xA5, sizeof options);
        assert_int_equal(fv__options_read(table, fv__document_root(document), "dense", &options, NULL), FV_OK);
        assert_int_equal(options.units, 64);
        assert_defaults(&options);
        fv__document_free(document);
    }
    // nothing at all, without any document
    double rate = 0;
    const fv__option simple[] = {{.name = "rate", .kind = FV__FLOAT, .default_text = "0.5"}, {0}};
    assert_int_equal(fv__options_read(simple, NULL, "dropout", &rate, NULL), FV_OK);
    assert_true(rate == 0.5);
    assert_int_equal(fv__options_read(no_options, NULL, "flatten", NULL, NULL), FV_OK);
    // a nested default has nowhere to live
    everything options;
    fv_error error = {0};
    assert_int_equal(fv__options_read(table, NULL, "dense", &options, &error), FV_INVALID);
    assert_non_null(strstr(error.message, "dense.loss: its default (cross_entropy) needs a document"));
}

static const char *const full =
    "units: 7\nbias: false\nrate: 5e-1\nname: '12'\nnote: 3.50\nactivation: gelu\nkernel: 2\n"
    "steps: [3, 5, 8]\nmean: -1\nlayers: [flatten, {dense: 3}]\nloss:\nmetrics: {a: b}\n";

static void assert_full(const everything *options) {
    assert_int_equal(options->units, 7);
    assert_false(options->bias);
    assert_true(options->rate == 0.5);
    assert_string_equal(options->name, "12");
    assert_string_equal(options->note, "3.50");
    assert_int_equal(options->activation, GELU);
    assert_int_equal(options->kernel[0], 2);
    assert_int_equal(options->kernel[1], 2);
    assert_int_equal(options->steps.count, 3);
    assert_int_equal(options->steps.values[2], 8);
    assert_int_equal(options->mean.count, 1);
    assert_true(options->mean.values[0] == -1);
    assert_int_equal(options->layers->count, 2);
    assert_true(fv__is_null(options->loss));
    assert_non_null(options->loss);
    assert_int_equal(options->metrics->kind, FV__VALUE_MAP);
}

static void test_every_kind_and_back(void **state) {
    (void)state;
    fv__document *document = parse(full), *resolved = fv__document_new("resolved");
    everything options, again;
    fv_error error = {0};
    assert_int_equal(fv__options_read(table, fv__document_root(document), "dense", &options, &error), FV_OK);
    assert_full(&options);
    fv__value *map;
    assert_int_equal(fv__options_write(table, &options, resolved, &map, &error), FV_OK);
    fv__document_free(document);
    fv__text text = {0};
    assert_int_equal(fv__value_emit(map, &text, &error), FV_OK);
    assert_string_equal(text.bytes, "units: 7\nbias: false\nrate: 0.5\nname: \"12\"\nnote: \"3.50\"\nactivation: gelu\n"
                                    "kernel: 2\nsteps: [3, 5, 8]\nmean: [-1]\nlayers:\n- flatten\n- dense: 3\n"
                                    "loss: null\nmetrics: {a: b}\n");
    document = parse(text.bytes);
    assert_int_equal(fv__options_read(table, fv__document_root(document), "dense", &again, &error), FV_OK);
    assert_full(&again);
    fv__text_free(&text);
    again.rate = NAN;
    assert_int_equal(fv__options_write(table, &again, resolved, &map, &error), FV_INVALID);
    fv__document_free(resolved);
    fv__document_free(document);
}

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"units: 1\nunit: 3\n", "x.yaml:2: dense has no option 'unit'; did you mean 'units'? Known: units, bias, rate, "
                                "name, note, activation, kernel, steps, mean, layers, loss, metrics"},
        {"units: 1\nzzzzzz: 3\n", "x.yaml:2: dense has no option 'zzzzzz'; known: units, bias"},
        {"units: abc\n", "x.yaml:1: dense.units: expected a whole number, found 'abc'"},
        {"\nabc\n", "x.yaml:2: dense.units: expected a whole number, found 'abc'"},
        {"[1, 2]\n", "x.yaml:1: dense.units: expected a whole number, found a list of 2"},
        {"units: '3'\n", "found the text '3'"},
        {"units:\n", "x.yaml:1: dense.units: expected a whole number, found nothing"},
        {"units: 2.5\n", "expected a whole number, found '2.5'"},
        {"units: 0x10\n", "expected a whole number, found '0x10'"},
        {"units: 010\n", "expected a whole number, found '010'"},
        {"units: 1_000\n", "expected a whole number"},
        {"units: 1e3\n", "expected a whole number"},
        {"units: 99999999999\n", "expected a whole number, found '99999999999'"},
        {"units: 0\n", "x.yaml:1: dense.units: 0 is out of range; it must be 1 to 4096"},
        {"units: 4097\n", "4097 is out of range"},
        {"{units: 1, rate: 1}\n", "dense.rate: 1 is out of range; it must be at least 0 and below 1"},
        {"{units: 1, rate: -1e-9}\n", "dense.rate: -1e-9 is out of range"},
        {"{units: 1, rate: .nan}\n", "dense.rate: expected a number, found '.nan'"},
        {"{units: 1, rate: inf}\n", "expected a number"},
        {"{units: 1, rate: 1e999}\n", "expected a number"},
        {"{units: 1, rate: 0.1x}\n", "expected a number, found '0.1x'"},
        {"{units: 1, rate: \"0,1\"}\n", "expected a number"},
        {"{units: 1, rate: }\n", "dense.rate: expected a number, found nothing"},
        {"{units: 1, bias: yes}\n", "dense.bias: expected true or false, found 'yes'"},
        {"{units: 1, bias: 1}\n", "expected true or false"},
        {"{units: 1, name: [a]}\n", "dense.name: expected text, found a list of 1"},
        {"{units: 1, activation: rely}\n",
         "x.yaml:1: dense.activation: 'rely' is not a choice; did you mean 'relu'? Known: linear, relu, gelu"},
        {"{units: 1, activation: {relu: 1}}\n", "dense.activation: expected one of linear, relu, gelu, found a map"},
        {"{units: 1, kernel: [1, 2, 3]}\n",
         "dense.kernel: expected a whole number or [height, width], found a list of 3"},
        {"units: 1\nkernel:\n- 1\n- 0\n", "x.yaml:4: dense.kernel: 0 is out of range; it must be at least 1"},
        {"units: 1\nsteps: [1, x]\n", "dense.steps: expected a whole number or a list of them, found 'x'"},
        {"units: 1\nsteps: {a: 1}\n", "dense.steps: expected a whole number or a list of them, found a map"},
        {"units: 1\nmean: [0, 2]\n", "dense.mean: 2 is out of range; it must be at most 1"},
        {"units: 1\nmean: [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]\n", "dense.mean: a list of 17 numbers; at most 16 fit"},
        {"units: 1\nlayers: x\n", "dense.layers: expected a list, found 'x'"},
        {"units: 1\nmetrics: x\n", "dense.metrics: expected a map, found 'x'"},
        {"bias: true\n", "x.yaml:1: dense.units is missing: a whole number, 1 to 4096"},
        {"", "dense.units is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv__document *document = parse(cases[i].text);
        fv_error error = {0};
        everything options;
        assert_int_equal(fv__options_read(table, fv__document_root(document), "dense", &options, &error), FV_INVALID);
        assert_int_equal(error.status, FV_INVALID);
        if (!strstr(error.message, cases[i].message)) {
            fail_msg("expected \"%s\" in: %s", cases[i].message, error.message);
        }
        fv__document_free(document);
    }
}

static void test_table_without_primary_or_options(void **state) {
    (void)state;
    const fv__option simple[] = {{.name = "rate", .kind = FV__FLOAT, .default_text = "0.5"}, {0}};
    fv__document *scalar = parse("3"), *map = parse("a: 3");
    fv_error error = {0};
    double rate;
    assert_int_equal(fv__options_read(simple, fv__document_root(scalar), "zoom", &rate, &error), FV_INVALID);
    assert_string_equal(error.message, "x.yaml:1: zoom: expected options, like {rate: ...}, found '3'");
    assert_int_equal(fv__options_read(no_options, fv__document_root(scalar), "flatten", NULL, &error), FV_INVALID);
    assert_string_equal(error.message, "x.yaml:1: flatten has no options, found '3'");
    assert_int_equal(fv__options_read(no_options, fv__document_root(map), "flatten", NULL, &error), FV_INVALID);
    assert_string_equal(error.message, "x.yaml:1: flatten has no options; remove 'a'");
    fv__document_free(scalar);
    fv__document_free(map);
}

static void test_set_is_named_in_messages(void **state) {
    (void)state;
    fv__document *document = parse("units: 3\n");
    fv_error error = {0};
    everything options;
    assert_int_equal(fv__document_assign(document, "units=abc", &error), FV_OK);
    assert_int_equal(fv__options_read(table, fv__document_root(document), "train", &options, &error), FV_INVALID);
    assert_string_equal(error.message, "--set units=abc: train.units: expected a whole number, found 'abc'");
    assert_int_equal(fv__document_assign(document, "units=5", &error), FV_OK);
    assert_int_equal(fv__document_assign(document, "rte=5", &error), FV_OK);
    assert_int_equal(fv__options_read(table, fv__document_root(document), "train", &options, &error), FV_INVALID);
    assert_non_null(strstr(error.message, "--set rte=5: train has no option 'rte'; did you mean 'rate'?"));
    fv__document_free(document);
}

static void test_describe(void **state) {
    (void)state;
    fv__text text = {0};
    fv__options_describe(table, &text);
    assert_false(text.failed);
    const char *const rows[] = {
        "| option | kind | default | range | meaning |\n| --- |",
        "\n| `units` | a whole number | required | 1 to 4096 | Width of the output. |\n",
        "\n| `rate` | a number | `1e-3` | at least 0 and below 1 | Share \\| of values. |\n",
        "\n| `note` | text | none |  | Anything. |\n",
        "\n| `activation` | one of linear, relu, gelu | `linear` |  | Function of the output. |\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!strstr(text.bytes, rows[i])) {
            fail_msg("expected \"%s\" in:\n%s", rows[i], text.bytes);
        }
    }
    fv__text_free(&text);
}

static void test_numbers(void **state) {
    (void)state;
    const char *const good[] = {"1", "0", "-0", "+1", "0.001", "1e-3", "1.", ".5", "-.5E+2", "1e-400"};
    const char *const bad[] = {"",   "-",   ".",     "e3",  "1e",   "1e+", "0x1", "01",  "00.5",  "1 ",
                               " 1", "1,5", "1.2.3", "nan", ".inf", "inf", "1_0", "--1", "1e999", "1f"};
    char buffer[FV__NUMBER_SIZE];
    double number, again;
    int whole;
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) {
        setlocale(LC_ALL, ""); // whatever there is: a decimal comma must not matter
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(fv__parse_float(good[i], &number));
        assert_true(fv__parse_float(fv__format_float(buffer, number), &again) && again == number);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (fv__parse_float(bad[i], &number) || fv__parse_int(bad[i], &whole)) {
            fail_msg("'%s' was read as a number", bad[i]);
        }
    }
    setlocale(LC_ALL, "C");
    assert_true(fv__parse_int("-2147483648", &whole) && whole == INT32_MIN);
    assert_true(fv__parse_int("2147483647", &whole) && whole == INT32_MAX);
    assert_false(fv__parse_int("2147483648", &whole) || fv__parse_int("-2147483649", &whole));
    assert_string_equal(fv__format_float(buffer, 0.1), "0.1");
    assert_string_equal(fv__format_float(buffer, 1.0 / 3), "0.3333333333333333");
}

static void test_nearest_name(void **state) {
    (void)state;
    const char *const names[] = {"epochs", "batch", "optimizer", "lr", NULL};
    assert_int_equal(fv__edit_distance("kitten", "sitting"), 3);
    assert_int_equal(fv__edit_distance("epcohs", "epochs"), 1);
    assert_int_equal(fv__edit_distance("", "abc"), 3);
    assert_int_equal(fv__edit_distance("Batch", "batch"), 0);
    assert_string_equal(fv__nearest_name("epcoh", names), "epochs");
    assert_string_equal(fv__nearest_name("optimiser", names), "optimizer");
    assert_string_equal(fv__nearest_name("BATCH", names), "batch");
    assert_null(fv__nearest_name("momentum", names));
    assert_null(fv__nearest_name("x", (const char *const[]){NULL}));
    char small[24];
    assert_string_equal(fv__suggest_name(small, sizeof small, "momentum", names), "known: epochs, batch...");
    assert_string_equal(fv__suggest_name(small, sizeof small, "epoch", names), "did you mean 'epochs...");
    fv__edit_distance("a very long name that nobody would ever give to any option of any layer anywhere", "b");
}

static void test_utf8(void **state) {
    (void)state;
    const char *const good[] = {"", "abc", "\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"};
    const char *const bad[] = {"\xe9",
                               "\xc3",
                               "\x80",
                               "\xc0\xaf",
                               "\xe0\x9f\xbf",
                               "\xed\xa0\x80",
                               "\xf0\x8f\xbf\xbf",
                               "\xf4\x90\x80\x80",
                               "\xf0\x9f\x98",
                               "a\xff"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(fv__is_utf8(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(fv__is_utf8(bad[i]));
    }
    fv__text text = {0};
    fv__text_add_utf8(&text, "K\xe4se \xe6\x97\xa5\xe6\x97");
    assert_string_equal(text.bytes, "K\xef\xbf\xbdse \xe6\x97\xa5\xef\xbf\xbd\xef\xbf\xbd");
    fv__text_free(&text);
}

// --- every allocation in turn fails

static fv_status read_write_describe(void) {
    fv__document *document = NULL, *resolved = NULL;
    fv__text text = {0};
    everything options;
    fv__value *map;
    fv_status status = fv__document_parse(full, strlen(full), "x.yaml", &document, NULL);
    if (!status) {
        status = fv__options_read(table, fv__document_root(document), "dense", &options, NULL);
    }
    if (!status) {
        resolved = fv__document_new("resolved");
        status = resolved ? FV_OK : FV_MEMORY;
    }
    for (int i = 0; i < 10 && !status; i++) {
        status = fv__options_write(table, &options, resolved, &map, NULL);
    }
    if (!status) {
        status = fv__options_check(table, "dense", NULL);
    }
    if (!status) {
        fv__options_describe(table, &text);
        status = text.failed ? FV_MEMORY : FV_OK;
    }
    fv__text_free(&text);
    fv__document_free(resolved);
    fv__document_free(document);
    return status;
}

static void test_allocation_failure(void **state) {
    (void)state;
    fv_status status = FV_MEMORY;
    size_t tried = 0;
    for (; status && tried < 1000; tried++) {
        limit_allocations((long)tried);
        status = read_write_describe();
        lift_limit();
        assert_true(status == FV_OK || status == FV_MEMORY);
    }
    assert_int_equal(status, FV_OK);
    assert_true(tried > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_sound),
        cmocka_unit_test(test_shorthand_and_defaults),
        cmocka_unit_test(test_every_kind_and_back),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_table_without_primary_or_options),
        cmocka_unit_test(test_set_is_named_in_messages),
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_nearest_name),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_allocation_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
