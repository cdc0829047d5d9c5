// SPDX-License-Identifier: Apache-2.0
// Recipes: the built-in ones, every kind of mistake, overriding keys, the recipe as resolved, and training from one.
#include <dirent.h>

#include "datasets.h"
#include "training.h"

#include "recipe/builtin.h"
#include "recipe/recipe.h"

static const char tiny[] = "# A tiny recipe.\n"
                           "data: {set: mnist, validation: 0.25, limit: 80}\n"
                           "input: {size: [28, 28, 1]}\n"
                           "model:\n"
                           "  - max_pool2d: {size: 2}\n"
                           "  - flatten\n"
                           "  - residual:\n"
                           "      layers:\n"
                           "        - dropout: 0.1\n"
                           "        - dense: 196\n"
                           "  - dense: {units: 10}\n"
                           "train:\n"
                           "  batch: 16\n"
                           "  epochs: 2\n"
                           "  optimizer: sgd\n"
                           "  metrics: [top3]\n";

static fv_recipe *parse(const char *text) {
    fv_recipe *recipe;
    assert_ok(fv_recipe_parse(text, strlen(text), "tiny.yaml", &recipe, &failure));
    return recipe;
}

static void test_builtin(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t parameters;
        int batch, epochs;
    } cases[] = {{"fashion-attention", 1203978, 64, 10}, {"mnist-mha", 472906, 128, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_recipe *recipe;
        fv_model *model;
        assert_ok(fv_recipe_open(cases[i].name, &recipe, &failure));
        assert_string_equal(recipe->name, cases[i].name);
        assert_int_equal(recipe->train.batch, cases[i].batch);
        assert_int_equal(recipe->train.epochs, cases[i].epochs);
        assert_true(recipe->train.optimizer.kind == FV__OPTIMIZER_ADAM && recipe->train.optimizer.lr == 1e-3);
        assert_int_equal(recipe->data.validation, FV__VALIDATE_TEST);
        assert_ok(fv_model_create_from_recipe(recipe, 1, &model, &failure));
        fv_model_info info = *fv_model_get_info(model);
        assert_int_equal(info.parameters, cases[i].parameters);
        assert_int_equal(info.trainable, cases[i].parameters);
        assert_int_equal(info.classes, 10);
        fv_model_free(model);
        fv_recipe_free(recipe);
    }
    for (const fv_builtin_recipe *builtin = fv__builtin_recipes; builtin->name; builtin++) {
        fv_recipe *recipe;
        assert_true(strlen(builtin->title) > 10);
        assert_true(strlen(builtin->title) > 10);
        assert_ok(fv_recipe_open(builtin->name, &recipe, &failure));
        fv_recipe_free(recipe);
    }
}

static void test_opening(void **state) {
    (void)state;
    fv_recipe *recipe = NULL;
    fv_error error = {0};
    assert_int_equal(fv_recipe_open("mnist-mah", &recipe, &error), FV_NOT_FOUND);
    assert_says(error, "did you mean 'mnist-mha'");
    assert_says(error, "fashion-attention");
    assert_null(recipe);
    assert_int_equal(fv_recipe_open("./nowhere.yaml", &recipe, &error), FV_NOT_FOUND);
    assert_says(error, "./nowhere.yaml");
    const char *path = scratch_file("own.yaml", tiny, strlen(tiny));
    assert_ok(fv_recipe_open(path, &recipe, &failure));
    assert_string_equal(recipe->name, "own");
    fv_recipe_free(recipe);
}

// `tiny` with one piece of text replaced.
static const char *edited(const char *from, const char *to) {
    static char text[2048];
    const char *at = strstr(tiny, from);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - tiny), tiny, to, at + strlen(from));
    return text;
}

static void test_mistakes(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *message, *where;
    } cases[] = {
        {"train:", "trian:", "did you mean 'train'", "tiny.yaml:12"},
        {"limit", "limits", "did you mean 'limit'", "tiny.yaml:2"},
        {"set: mnist", "set: mnits", "did you mean 'mnist'", "tiny.yaml:2"},
        {"set: mnist, ", "", "data.set is missing", "tiny.yaml:2"},
        {"validation: 0.25", "validation: 1.5", "above 0 and below 1", "tiny.yaml:2"},
        {"validation: 0.25", "validation: {fraction: 0.25, seed: 3}", "data.validation.seed: nothing is drawn",
         "tiny.yaml:2"},
        {"validation: 0.25", "validation: tets", "expected test, none, or a fraction", "tiny.yaml:2"},
        {"limit: 80", "limit: -1", "data.limit", "tiny.yaml:2"},
        {"[28, 28, 1]", "[28, 28, 3]", "the images of mnist are [28, 28, 1]", "tiny.yaml:3"},
        {"[28, 28, 1]", "[28, 28]", "[height, width, channels]", "tiny.yaml:3"},
        {"- flatten", "- flaten", "flatten", "tiny.yaml:6"},
        {"- dropout: 0.1", "- dropout: 1.5", "dropout.rate", "tiny.yaml:9"},
        {"- dense: 196", "- dense: 195", "must keep the shape", "tiny.yaml:7"},
        {"- dense: 196", "- dense: {units: 196, activation: rleu}", "did you mean 'relu'", "tiny.yaml:10"},
        {"{units: 10}", "{units: 12}", "10", "tiny.yaml:"},
        {"batch: 16", "batch: sixteen", "a whole number", "tiny.yaml:13"},
        {"batch: 16", "batch: 0", "1 to 65536", "tiny.yaml:13"},
        {"optimizer: sgd", "optimizer: {sgd: {rate: 1}}", "sgd has no option 'rate'", "tiny.yaml:15"},
        {"[top3]", "[top11]", "only 10 classes for top11", "tiny.yaml:13"},
        {"validation: 0.25", "labels: fine", "only one kind of labels", "tiny.yaml:2"},
        {"set: mnist", "path: here, labels: fine", "photographs have the labels", "tiny.yaml:2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = edited(cases[i].from, cases[i].to);
        fv_recipe *recipe = NULL;
        fv_error error = {0};
        fv_status status = fv_recipe_parse(text, strlen(text), "tiny.yaml", &recipe, &error);
        if (status != FV_INVALID) {
            fail_msg("%s for %s: status %d, %s", cases[i].to, cases[i].from, status, error.message);
        }
        assert_null(recipe);
        assert_says(error, cases[i].message);
        assert_says(error, cases[i].where);
    }
    fv_recipe *recipe = NULL;
    fv_error error = {0};
    assert_int_equal(fv_recipe_parse("", 0, "tiny.yaml", &recipe, &error), FV_INVALID);
    assert_says(error, "data");
    assert_int_equal(fv_recipe_parse("- a", 3, "tiny.yaml", &recipe, &error), FV_INVALID);
    assert_says(error, "a map of sections");
    const char *without = edited("validation: 0.25", "validation: none");
    assert_ok(fv_recipe_parse(without, strlen(without), "tiny.yaml", &recipe, &failure));
    assert_int_equal(fv_recipe_set(recipe, "train.patience=1", &error), FV_INVALID);
    assert_says(error, "tiny.yaml:13: train.patience uses validation accuracy");
    fv_recipe_free(recipe);
    assert_int_equal(fv_recipe_parse("a: [", 4, "tiny.yaml", &recipe, &error), FV_FORMAT);
}

// How many classes there are is not known before the photographs are looked at.
static void test_models_of_photographs(void **state) {
    (void)state;
    static const char text[] = "data: {path: here}\ninput: {size: [32, 32, 3]}\naugment:\nmodel: %s\ntrain:\n";
    static const struct {
        const char *model, *message;
    } cases[] = {{"[patches: 2, dense: classes]", "here.yaml:4: model: the last layer gives (256, 2) where each class"},
                 {"[flatten, dense: 70000]", "here.yaml:4: model: the last layer gives (70000) where each class"},
                 {"[flatten, dense: classes]", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char recipe_text[256];
        fv_recipe *recipe;
        fv_error error = {0};
        snprintf(recipe_text, sizeof recipe_text, text, cases[i].model);
        fv_status status = fv_recipe_parse(recipe_text, strlen(recipe_text), "here.yaml", &recipe, &error);
        assert_int_equal(status, cases[i].message ? FV_INVALID : FV_OK);
        if (cases[i].message) {
            assert_says(error, cases[i].message);
        } else { // sections with nothing in them are as none
            assert_int_equal(recipe->augmentations.count, 0);
            fv_recipe_free(recipe);
        }
    }
}

static void test_set(void **state) {
    (void)state;
    fv_recipe *recipe = parse(tiny);
    fv_error error = {0};
    assert_ok(fv_recipe_set(recipe, "train.epochs=7", &failure));
    assert_int_equal(recipe->train.epochs, 7);
    assert_ok(fv_recipe_set(recipe, "train.optimizer.sgd.lr=0.25", &failure));
    assert_true(recipe->train.optimizer.lr == 0.25);
    assert_ok(fv_recipe_set(recipe, "model.2.residual.layers.0.dropout=0.5", &failure));
    assert_ok(fv_recipe_set(recipe, "data.validation=test", &failure));
    assert_int_equal(recipe->data.validation, FV__VALIDATE_TEST);
    // What does not fit leaves everything as it was.
    static const struct {
        const char *assignment, *message;
    } cases[] = {{"train.epochs=none", "--set train.epochs=none"},
                 {"train.epoch=3", "did you mean 'epochs'"},
                 {"model.2.residual.layers.1.dense=195", "must keep the shape"},
                 {"model.9.dense=3", "0 to 3"},
                 {"train.epochs", "key=value"},
                 {"train.epochs=[1", "--set train.epochs"},
                 {"data.set=cifar", "data.set"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(fv_recipe_set(recipe, cases[i].assignment, &error), FV_INVALID);
        assert_says(error, cases[i].message);
        assert_int_equal(recipe->train.epochs, 7);
        assert_true(recipe->train.optimizer.lr == 0.25);
    }
    // A mistake in the file is still told with its line.
    assert_int_equal(fv_recipe_set(recipe, "model.0.max_pool2d.size=3", &error), FV_INVALID);
    assert_says(error, "tiny.yaml:7");
    // Keys that need each other are set together.
    static const char *const together[] = {"data.set=cifar10", "model.2={dropout: 0.1}", "input.size=[32, 32, 3]"};
    assert_int_equal(fv_recipe_set_all(recipe, together, 2, &error), FV_INVALID);
    assert_string_equal(recipe->data.info->name, "mnist");
    assert_ok(fv_recipe_set_all(recipe, together, 3, &failure));
    assert_string_equal(recipe->data.info->name, "cifar10");
    fv_recipe_free(recipe);
}

static void test_resolve(void **state) {
    (void)state;
    fv_recipe *recipe = parse(tiny);
    fv__text first = {0}, second = {0};
    assert_ok(fv__recipe_resolve(recipe, &first, &failure));
    static const char *const expected[] = {
        "validation: 0.25", "normalize: unit", "momentum: 0", "constant",          "top3",
        "patience: 0",      "rate: 0.1",       "bias: true",  "label_smoothing: 0"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        if (!strstr(first.bytes, expected[i])) {
            fail_msg("'%s' is not in\n%s", expected[i], first.bytes);
        }
    }
    fv_recipe *again;
    assert_ok(fv_recipe_parse(first.bytes, first.length, "resolved", &again, &failure));
    assert_ok(fv__recipe_resolve(again, &second, &failure));
    assert_string_equal(first.bytes, second.bytes);
    fv_recipe_free(again);
    fv_recipe_free(recipe);
    fv__text_free(&first);
    fv__text_free(&second);
    assert_int_equal(mkdir(scratch_path("pictures"), 0777), 0);
    assert_int_equal(mkdir(scratch_path("pictures/ants"), 0777), 0);
    assert_int_equal(mkdir(scratch_path("pictures/bees"), 0777), 0);
    for (const fv_builtin_recipe *builtin = fv__builtin_recipes; builtin->name; builtin++) {
        assert_ok(fv_recipe_open(builtin->name, &recipe, &failure));
        if (strcmp(recipe->data.info->name, "folder") == 0) {
            char set[600];
            snprintf(set, sizeof set, "data.path=%s", scratch_path("pictures"));
            assert_ok(fv_recipe_set(recipe, set, &failure));
        }
        assert_ok(fv__recipe_resolve(recipe, &first, &failure));
        assert_ok(fv_recipe_parse(first.bytes, first.length, "resolved", &again, &failure));
        assert_ok(fv__recipe_resolve(again, &second, &failure));
        assert_string_equal(first.bytes, second.bytes);
        fv_recipe_free(again);
        fv_recipe_free(recipe);
        fv__text_free(&first);
        fv__text_free(&second);
    }
}

static void test_reference(void **state) {
    (void)state;
    fv__text text = {0};
    assert_ok(fv__recipe_reference(&text, &failure));
    static const char *const expected[] = {
        "`label_smoothing`", "`weight_decay`", "`warmup_epochs`", "`validation`", "layer `multi_head_attention`",
        "`kernel`",          "`normalize`",    "`patience`"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_non_null(strstr(text.bytes, expected[i]));
    }
    fv__text_free(&text);
    assert_ok(fv__options_check(fv__data_options, "data", &failure));
    assert_ok(fv__options_check(fv__recipe_options, "recipe", &failure));
}

// --- Training

static void write_idx(const char *name, uint32_t magic, uint32_t count, const uint8_t *bytes, size_t size) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    uint32_t header[4] = {magic, count, 28, 28};
    for (int i = 0; i < (magic == 2051 ? 4 : 2); i++) {
        uint8_t big[4] = {(uint8_t)(header[i] >> 24), (uint8_t)(header[i] >> 16), (uint8_t)(header[i] >> 8),
                          (uint8_t)header[i]};
        assert_int_equal(fwrite(big, 1, 4, file), 4);
    }
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

// Files of MNIST with `count` samples a split: the class is where the bright bar is.
static void write_mnist(uint32_t count) {
    uint8_t *pixels = calloc(count, 784), *labels = calloc(count, 1);
    for (uint32_t i = 0; i < count; i++) {
        labels[i] = (uint8_t)(i * 7 % 10);
        memset(pixels + i * 784 + labels[i] * 56, 255, 56);
        pixels[i * 784 + i % 784] = 200;
    }
    static const char *const splits[] = {"train", "t10k"};
    for (int s = 0; s < 2; s++) {
        char name[64];
        snprintf(name, sizeof name, "%s-images-idx3-ubyte", splits[s]);
        write_idx(name, 2051, count, pixels, (size_t)count * 784);
        snprintf(name, sizeof name, "%s-labels-idx1-ubyte", splits[s]);
        write_idx(name, 2049, count, labels, count);
    }
    free(pixels);
    free(labels);
}

static bool keep_last(void *context, const fv_event *event) {
    fv_progress *last = context;
    if (event->kind == FV_EVENT_START) {
        assert_int_equal(last->epoch, 0);
        assert_int_equal(fv_model_get_info(event->model)->classes, 10);
        assert_int_equal(fv_dataset_get_info(event->training)->count, 60);
        assert_int_equal(fv_dataset_get_info(event->validation)->count, 20);
    } else if (event->progress) {
        *last = *event->progress;
    }
    return true;
}

static fv_metrics evaluate(const fv_model *model, const fv_dataset *dataset, const fv_evaluate_options *how) {
    fv_evaluation *evaluation;
    assert_ok(fv_model_evaluate(model, dataset, how, &evaluation, &failure));
    const fv_metrics metrics = evaluation->metrics;
    fv_evaluation_free(evaluation);
    return metrics;
}

static void test_train(void **state) {
    (void)state;
    write_mnist(200);
    fv_recipe *recipe = parse(tiny);
    char path[600];
    snprintf(path, sizeof path, "data.path=%s", scratch);
    assert_ok(fv_recipe_set(recipe, path, &failure));
    assert_ok(fv_recipe_set(recipe, "train.epochs=12", &failure));
    assert_ok(fv_recipe_set(recipe, "train.optimizer={adam: {lr: 0.02}}", &failure));
    assert_ok(fv_recipe_set(recipe, "train.loss={cross_entropy: {label_smoothing: 0.2}}", &failure));
    fv_progress last = {0};
    fv_model *model, *loaded;
    fv_train_options options = {
        .size = sizeof options, .folder = scratch_path("run"), .seed = 3, .on_event = keep_last, .context = &last};
    assert_ok(fv_recipe_train(recipe, &options, &model, &failure));
    // 80 samples, of which the last quarter is for validation.
    assert_int_equal(last.train.samples, 60);
    assert_int_equal(last.validation.samples, 20);
    assert_int_equal(last.train.top_k[0], 3);
    assert_true(last.validation.accuracy > 0.9);

    // The folder's model gives what the trained one gives.
    fv_dataset *dataset;
    assert_ok(open_set("mnist", "test", scratch, &dataset, &failure));
    assert_ok(fv_model_load(options.folder, &loaded, &failure));
    fv_evaluate_options how = {.size = sizeof how, .top_k = {2}};
    fv_evaluation *evaluation;
    const fv_metrics metrics = evaluate(model, dataset, &how);
    fv_metrics again = evaluate(loaded, dataset, &how);
    assert_true(metrics.samples == 200 && metrics.accuracy > 0.9 && metrics.top[0] >= metrics.accuracy);
    assert_true(metrics.loss == again.loss && metrics.accuracy == again.accuracy);
    // The loss is the one trained with: its least, at the smoothed targets, is far above 0.
    assert_true(fv_model_get_info(loaded)->label_smoothing == 0.2 && metrics.loss > 0.7);
    loaded->label_smoothing = 0;
    again = evaluate(loaded, dataset, &how);
    assert_true(again.loss < metrics.loss);
    fv_error error = {0};
    how.top_k[0] = 11;
    assert_int_equal(fv_model_evaluate(loaded, dataset, &how, &evaluation, &error), FV_INVALID);
    how.top_k[0] = 2;
    for (size_t i = 0; i < loaded->graph.weight_count; i++) {
        loaded->weights[i] = 1e30F;
    }
    assert_int_equal(fv_model_evaluate(loaded, dataset, &how, &evaluation, &error), FV_NUMERIC);
    assert_says(error, "the loss on mnist is not finite");
    fv_dataset_free(dataset);
    fv_model_free(model);
    fv_model_free(loaded);

    // The folder's recipe is the same experiment: it can be resumed with it, and with no other.
    fv_recipe *resolved;
    char own[700];
    snprintf(own, sizeof own, "%s/recipe.yaml", options.folder);
    assert_ok(fv_recipe_open(own, &resolved, &failure));
    options.resume = true;
    options.on_event = NULL;
    assert_ok(fv_recipe_train(resolved, &options, NULL, &failure));
    assert_ok(fv_recipe_set(resolved, "train.epochs=13", &failure));
    assert_int_equal(fv_recipe_train(resolved, &options, NULL, &error), FV_INVALID);
    assert_says(error, "another recipe");
    fv_recipe_free(resolved);
    fv_recipe_free(recipe);
}

static bool stop_after_epoch(void *context, const fv_event *event) {
    (void)context;
    return event->kind != FV_EVENT_EPOCH;
}

static int count_files(const char *folder) {
    DIR *found = opendir(folder);
    int count = 0;
    for (struct dirent *entry; found && (entry = readdir(found));) {
        count += entry->d_name[0] != '.';
    }
    if (found) {
        closedir(found);
    }
    return count;
}

// What a run was begun with goes on when it is resumed.
static void test_tensorboard_resumed(void **state) {
    (void)state;
    write_mnist(200);
    fv_recipe *recipe = parse(tiny);
    fv_error error;
    char path[600];
    snprintf(path, sizeof path, "data.path=%s", scratch);
    assert_ok(fv_recipe_set(recipe, path, &failure));
    assert_ok(fv_recipe_set(recipe, "train.epochs=2", &failure));
    fv_train_options options = {
        .size = sizeof options, .folder = scratch_path("board"), .tensorboard = true, .on_event = stop_after_epoch};
    assert_int_equal(fv_recipe_train(recipe, &options, NULL, &error), FV_INTERRUPTED);
    assert_int_equal(count_files(scratch_path("board/tensorboard/train")), 1);
    options = (fv_train_options){.size = sizeof options, .folder = scratch_path("board"), .resume = true};
    assert_ok(fv_recipe_train(recipe, &options, NULL, &failure));
    assert_int_equal(count_files(scratch_path("board/tensorboard/train")), 2);
    fv_recipe_free(recipe);
}

static void test_validation_parts(void **state) {
    (void)state;
    write_mnist(50);
    fv_recipe *recipe = parse(tiny);
    char path[600];
    fv_dataset *train, *validation;
    fv_error error = {0};
    snprintf(path, sizeof path, "data.path=%s", scratch);
    assert_ok(fv_recipe_set(recipe, path, &failure));
    static const struct {
        const char *validation, *limit;
        size_t train, validates;
    } cases[] = {{"0.2", "0", 40, 10}, {"0.1", "11", 9, 2}, {"test", "7", 7, 7}, {"none", "0", 50, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char assignment[64];
        snprintf(assignment, sizeof assignment, "data.validation=%s", cases[i].validation);
        assert_ok(fv_recipe_set(recipe, assignment, &failure));
        snprintf(assignment, sizeof assignment, "data.limit=%s", cases[i].limit);
        assert_ok(fv_recipe_set(recipe, assignment, &failure));
        assert_ok(fv__data_open(&recipe->data, &train, &validation, &failure));
        assert_int_equal(train->count, cases[i].train);
        assert_int_equal(validation ? validation->count : 0, cases[i].validates);
        if (validation && cases[i].validation[0] == '0') { // the last part
            assert_int_equal(validation->labels[0], cases[i].train * 7 % 10);
        }
        fv_dataset_free(train);
        fv_dataset_free(validation);
    }
    assert_ok(fv_recipe_set(recipe, "data.limit=1", &failure));
    assert_ok(fv_recipe_set(recipe, "data.validation=0.5", &failure));
    assert_int_equal(fv__data_open(&recipe->data, &train, &validation, &error), FV_INVALID);
    assert_says(error, "leaves none to");
    assert_ok(fv_recipe_set(recipe, "data.path=/nowhere/at/all", &failure));
    assert_int_equal(fv_recipe_train(recipe, NULL, NULL, &error), FV_NOT_FOUND);
    assert_says(error, "/nowhere/at/all");
    fv_recipe_free(recipe);
}

static void test_normalize_by_dataset(void **state) {
    (void)state;
    write_mnist(50);
    fv_recipe *recipe = parse(tiny);
    char path[600];
    fv_model *model;
    snprintf(path, sizeof path, "data.path=%s", scratch);
    assert_ok(fv_recipe_set(recipe, path, &failure));
    assert_ok(fv_recipe_set(recipe, "input.normalize=dataset", &failure));
    assert_ok(fv_model_create_from_recipe(recipe, 1, &model, &failure));
    fv_dataset *dataset;
    uint8_t pixels[784];
    float values[784];
    double sum = 0, squares = 0;
    assert_ok(open_set("mnist", "train", scratch, &dataset, &failure));
    for (size_t i = 0; i < 50; i++) {
        assert_ok(fv_dataset_read(dataset, i, pixels, &failure));
        fv__model_preprocess(model, pixels, 1, values);
        for (int p = 0; p < 784; p++) {
            sum += (double)values[p];
            squares += (double)values[p] * (double)values[p];
        }
    }
    assert_near(sum / (50 * 784), 0, 1e-5);
    assert_near(squares / (50 * 784), 1, 1e-4);
    fv_dataset_free(dataset);
    fv_model_free(model);
    fv_recipe_free(recipe);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builtin),
        cmocka_unit_test(test_opening),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_models_of_photographs),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_train),
        cmocka_unit_test(test_tensorboard_resumed),
        cmocka_unit_test(test_validation_parts),
        cmocka_unit_test(test_normalize_by_dataset),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
