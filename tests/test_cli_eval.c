// SPDX-License-Identifier: Apache-2.0
// `fovea eval` and `fovea plot` as their users run them: numbers, tables, files, pictures.
#include "program.h"

#include <jansson.h>

static json_t *read_json(void) {
    json_error_t problem;
    json_t *root = json_loads(out, 0, &problem);
    if (!root) {
        fail_msg("%s:\n%s", problem.text, out);
    }
    return root;
}

static void assert_file(const char *name, const char *start) {
    char head[16] = "";
    FILE *file = fopen(scratch_path(name), "rb");
    if (!file) {
        fail_msg("%s is missing", name);
        return;
    }
    head[fread(head, 1, sizeof head - 1, file)] = 0;
    fclose(file);
    if (strncmp(head, start, strlen(start)) != 0) {
        fail_msg("%s begins otherwise: %s", name, head);
    }
}

#ifdef FV__WITH_CAIRO
static const char png[] = "\x89PNG", svg[] = "<?xml";
#endif

static void prints_tables(void **state) {
    (void)state;
    assert_code(0, "eval trained");
    assert_has(out, "ECE");
    assert_null(strstr(out, "precision"));
    assert_code(0, "eval trained --per-class --confusion");
    assert_has(out, "precision   recall");
    assert_has(out, "Ankle boot     100.0 %");
    assert_has(out, "mean           100.0 %");
    assert_has(out, "taken for");
    assert_code(2, "predict trained --confusion");
    assert_has(err, "it belongs to: eval");
}

// The parts must add up to the whole.
static void is_complete_in_json(void **state) {
    (void)state;
    assert_code(0, "train small.yaml --set train.epochs=1 --out poor --seed 4 --quiet"); // one that makes mistakes
    assert_code(0, "eval poor --json");
    json_t *root = read_json();
    size_t all = 0, right = 0, binned = 0;
    const json_t *classes = json_object_get(root, "classes"), *confusion = json_object_get(root, "confusion");
    assert_int_equal(json_array_size(classes), 10);
    for (size_t c = 0; c < 10; c++) {
        const json_t *class = json_array_get(classes, c), *row = json_array_get(confusion, c);
        size_t support = 0;
        for (size_t other = 0; other < 10; other++) {
            support += (size_t)json_integer_value(json_array_get(row, other));
        }
        assert_int_equal(json_integer_value(json_object_get(class, "samples")), support);
        all += support;
        right += (size_t)json_integer_value(json_array_get(row, c));
    }
    for (size_t b = 0; b < 15; b++) {
        const json_t *bin = json_array_get(json_object_get(root, "calibration"), b);
        binned += (size_t)json_integer_value(json_object_get(bin, "samples"));
    }
    assert_int_equal(all, TEST_COUNT);
    assert_int_equal(binned, TEST_COUNT);
    assert_true(right < all);
    double accuracy = json_real_value(json_object_get(root, "accuracy"));
    assert_true(accuracy * TEST_COUNT > (double)right - 1e-6 && accuracy * TEST_COUNT < (double)right + 1e-6);
    double error = json_real_value(json_object_get(root, "ece"));
    assert_true(error > 0 && error < 1);
    assert_true(json_is_real(json_object_get(json_object_get(root, "mean"), "f1")));
    json_decref(root);
}

static void writes_csv(void **state) {
    (void)state;
    assert_code(0, "eval trained --csv tables/new --quiet");
    assert_file("tables/new/classes.csv", "class,samples,");
    assert_file("tables/new/confusion.csv", "class,T-shirt");
    assert_file("tables/new/calibration.csv", "above,samples");
    assert_code(1, "eval trained --csv small.yaml/no");
    assert_has(err, "small.yaml");
}

static void plots(void **state) {
    (void)state;
    assert_code(2, "plot");
    assert_code(2, "plot trained --what heat");
    assert_has(err, "curves, filters or positions");
    assert_code(2, "plot trained trained --what filters");
    assert_code(2, "plot trained trained trained trained trained trained trained trained trained");
    assert_has(err, "up to 8 runs");
    assert_code(1, "plot data");
    assert_has(err, "history.csv");
#ifdef FV__WITH_CAIRO
    assert_file("trained/curves.png", png); // training drew them
    assert_file("trained/curves.svg", svg);
    assert_code(0, "plot trained -o one.svg");
    assert_string_equal(out, "one.svg\n");
    assert_file("one.svg", svg);
    assert_code(0, "plot trained -o one.svg --json");
    assert_has(out, "\"picture\": \"one.svg\"");
    assert_code(0, "plot trained trained/ ./trained");
    assert_file("curves.png", png);
    assert_code(0, "plot trained --what filters");
    assert_file("trained/filters.png", png);
    assert_code(1, "plot trained --what positions");
    assert_has(err, "no position embeddings");
    assert_code(0, "train small.yaml --quiet --out placed --set train.epochs=1 --set model.2=position_embedding");
    assert_code(0, "plot placed/model.safetensors --what positions -o positions.png");
    assert_file("positions.png", png);
    assert_code(1, "plot trained -o picture.gif");
    assert_has(err, ".png or .svg");
#endif
}

static void writes_events(void **state) {
    (void)state;
    assert_code(1, "train small.yaml --out events --tensorboard --set data.path=./nowhere");
    assert_int_not_equal(access(scratch_path("events"), F_OK), 0); // a run that cannot begin leaves nothing
    assert_code(0, "train small.yaml --out events --tensorboard --set train.epochs=2 --quiet");
    assert_string_equal(err, "");
    assert_int_equal(access(scratch_path("events/tensorboard/train"), F_OK), 0);
    assert_int_equal(access(scratch_path("events/tensorboard/validation"), F_OK), 0);
    assert_code(0, "train --resume events --tensorboard"); // finished already
#ifdef FV__WITH_CAIRO
    assert_file("events/tensorboard/filters.png", png);
#endif
}

static void draws_evaluations(void **state) {
    (void)state;
#ifdef FV__WITH_CAIRO
    static const char *const pictures[] = {"confusion", "classes", "calibration", "mistakes", "predictions"};
    assert_code(0, "eval trained --pictures pictures"); // which makes no mistakes
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        char name[64];
        snprintf(name, sizeof name, "pictures/%s.png", pictures[i]);
        assert_file(name, png);
    }
    assert_file("pictures/confusion.svg", svg);
    assert_code(0, "eval poor --pictures pictures --split train --set data.limit=5");
#else
    assert_code(1, "eval trained --pictures pictures");
    assert_has(err, "without pictures");
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_tables), cmocka_unit_test(is_complete_in_json), cmocka_unit_test(writes_csv),
        cmocka_unit_test(plots),         cmocka_unit_test(draws_evaluations),   cmocka_unit_test(writes_events),
    };
    return cmocka_run_group_tests(tests, open_world, scratch_close);
}
