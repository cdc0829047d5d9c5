// SPDX-License-Identifier: Apache-2.0
// Models: built in code or from values, saved and loaded, damaged files, prediction, the summary.
#include "allocations.h"
#include "predicting.h"
#include "scratch.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "model/model.h"

static const char *const small_layers[] = {
    "conv2d: {filters: 4, kernel: 3, activation: relu}",
    "max_pool2d",
    "residual: [layer_norm, {attention: {units: 2}}]",
    "multi_head_attention: {heads: 2, residual: before_output, units: 3}",
    "flatten",
    "dense: {units: 5, activation: softmax}",
};

static fv_model *build_small(void) {
    fv_error error = {0};
    fv_model *model;
    assert_int_equal(fv_model_create(10, 8, 2, "symmetric", &model, &error), FV_OK);
    for (size_t i = 0; i < sizeof small_layers / sizeof *small_layers; i++) {
        if (fv_model_add(model, &error, "%s", small_layers[i])) {
            fail_msg("%s", error.message);
        }
    }
    return model;
}

enum { IMAGE = 10 * 8 * 2, IMAGES = 150, CLASSES = 5 };

static const uint8_t *some_images(void) {
    static uint8_t images[IMAGES * IMAGE];
    fv__random random = fv__random_start(5, FV__DRAW_TEST, 0);
    for (size_t i = 0; i < sizeof images; i++) {
        images[i] = (uint8_t)fv__random_word(&random);
    }
    return images;
}

static float probabilities[2][IMAGES * CLASSES];

static void predict_ok(const fv_model *model, size_t count, float *out) {
    fv_error error = {0};
    if (predict_once(model, some_images(), count, out, &error)) {
        fail_msg("%s", error.message);
    }
}

// --- Building

static void built_layer_by_layer(void **state) {
    (void)state;
    fv_error error = {0};
    fv_model *model = build_small();
    fv_model_info info = *fv_model_get_info(model);
    assert_int_equal(info.height, 10);
    assert_int_equal(info.width, 8);
    assert_int_equal(info.channels, 2);
    assert_int_equal(info.classes, CLASSES);
    assert_string_equal(info.class_names[4], "4");
    assert_int_equal(info.parameters, 76 + 8 + 16 + 3 * 20 + 15 + 36 * 5 + 5);
    assert_int_equal(info.trainable, info.parameters);
    assert_true(info.multiply_adds > 8 * 6 * 4 * 18);
    // The same from values at once, with the same weights.
    fv_model *whole;
    const fv__value *root = fv__document_root(model->description);
    static const char *const animals[] = {"ant", "bee", "cat", "dog", "elk"};
    assert_int_equal(
        fv__model_build(fv__map_get(root, "input"), fv__map_get(root, "model"), CLASSES, animals, 0, &whole, &error),
        FV_OK);
    assert_string_equal(fv_model_get_info(whole)->class_names[2], "cat");
    assert_memory_equal(whole->weights, model->weights, model->graph.weight_count * sizeof(float));
    fv_model_free(whole);
    // Another seed, other weights; another number of classes is refused.
    assert_int_equal(
        fv__model_build(fv__map_get(root, "input"), fv__map_get(root, "model"), 0, NULL, 1, &whole, &error), FV_OK);
    assert_memory_not_equal(whole->weights, model->weights, model->graph.weight_count * sizeof(float));
    fv_model_free(whole);
    assert_int_equal(
        fv__model_build(fv__map_get(root, "input"), fv__map_get(root, "model"), 7, NULL, 0, &whole, &error),
        FV_INVALID);
    assert_null(whole);
    assert_says(error, "(5)");
    assert_says(error, "units: 7");
    fv_model_free(model);
}

static void failed_add_changes_nothing(void **state) {
    (void)state;
    fv_error error = {0};
    fv_model *model;
    assert_int_equal(fv_model_create(8, 8, 1, "unit", &model, &error), FV_OK);
    assert_int_equal(predict_once(model, some_images(), 1, probabilities[0], &error), FV_INVALID);
    assert_says(error, "(8, 8, 1)");
    assert_int_equal(fv_model_add(model, &error, "- flatten\n- dense: {units: %d}", 3), FV_OK);
    int nodes = model->graph.node_count;
    float first = model->weights[0];
    assert_int_equal(fv_model_add(model, &error, "conv2d: {filters: 3, kernel: 3}"), FV_INVALID);
    assert_says(error, "layer conv2d");
    assert_int_equal(fv_model_add(model, &error, "residual: [{dense: 3}, {dense: 4}]"), FV_INVALID);
    assert_says(error, "(3)");
    assert_int_equal(fv_model_add(model, &error, "dense: {units: "), FV_FORMAT);
    assert_int_equal(fv_model_add(model, &error, "%s", ""), FV_INVALID);
    assert_int_equal(model->graph.node_count, nodes);
    assert_int_equal(model->layer_count, 2);
    assert_int_equal(fv__map_get(fv__document_root(model->description), "model")->count, 2);
    assert_int_equal(fv_model_add(model, &error, "dense: 2"), FV_OK); // dense_1: the failed one took no name
    assert_string_equal(model->layers[2].name, "dense_1");
    assert_int_equal(fv_model_get_info(model)->classes, 2);
    assert_true(first == model->weights[0]);
    assert_int_equal(predict_once(model, some_images(), 2, probabilities[0], &error), FV_OK);
    fv_model_free(model);
    fv_model_free(NULL);
    assert_int_equal(fv_model_create(8, 8, 5, "unit", &model, &error), FV_INVALID);
    assert_says(error, "channels");
    assert_int_equal(fv_model_create(0, 8, 1, "unit", &model, &error), FV_INVALID);
    assert_int_equal(fv_model_create(8, 8, 1, "units", &model, &error), FV_INVALID);
    assert_says(error, "unit");
    assert_int_equal(fv_model_create(8, 8, 1, "dataset", &model, &error), FV_INVALID);
    assert_null(model);
}

static void last_softmax_is_left_out(void **state) {
    (void)state;
    static const char *const ends[] = {"dense: 3", "dense: {units: 3, activation: softmax}", "- dense: 3\n- softmax",
                                       "- dense: 3\n- activation: softmax"};
    fv_error error = {0};
    for (int i = 0; i < 4; i++) {
        fv_model *model;
        assert_int_equal(fv_model_create(10, 8, 2, "unit", &model, &error), FV_OK);
        assert_int_equal(fv_model_add(model, &error, "flatten"), FV_OK);
        assert_int_equal(fv_model_add(model, &error, "%s", ends[i]), FV_OK);
        assert_ptr_equal(model->graph.nodes[model->output].op, &fv__op_dense);
        predict_ok(model, 4, probabilities[i > 0]);
        assert_memory_equal(probabilities[0], probabilities[i > 0], 12 * sizeof(float));
        fv_model_free(model);
    }
}

// --- Preprocessing and prediction

static void preprocessing(void **state) {
    (void)state;
    static const struct {
        const char *normalize;
        float zero, full;
    } cases[] = {{"unit", 0, 1}, {"symmetric", -1, 1}, {"none", 0, 255}};
    const uint8_t pixels[8] = {0, 255, 255, 0, 0, 0, 255, 255};
    fv_error error;
    fv_model *model;
    float out[8];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fv_model_create(2, 1, 2, cases[i].normalize, &model, &error), FV_OK);
        fv__model_preprocess(model, pixels, 2, out);
        for (int j = 0; j < 8; j++) {
            assert_true(fabsf(out[j] - (pixels[j] ? cases[i].full : cases[i].zero)) < 1e-6F);
        }
        fv_model_free(model);
    }
    assert_int_equal(fv_model_create(2, 1, 2, "unit", &model, &error), FV_OK);
    fv__model_normalize(model, (const double[]){100, 0}, (const double[]){50, 255});
    fv__model_preprocess(model, pixels, 2, out);
    const float expected[8] = {-2, 1, 3.1F, 0, -2, 0, 3.1F, 1};
    for (int j = 0; j < 8; j++) {
        assert_true(fabsf(out[j] - expected[j]) < 1e-6F);
    }
    fv_model_free(model);
}

static void prediction(void **state) {
    (void)state;
    fv_error error = {0};
    fv_model *model = build_small();
    predict_ok(model, IMAGES, probabilities[0]); // two whole batches and a rest
    for (int i = 0; i < IMAGES; i++) {
        float sum = 0;
        for (int c = 0; c < CLASSES; c++) {
            sum += probabilities[0][i * CLASSES + c];
        }
        assert_true(fabsf(sum - 1) < 1e-6F);
    }
    // Neither threads nor the number of images change the result.
    for (int threads = 1; threads <= 3; threads++) {
        static const size_t counts[] = {IMAGES, 1, 3};
        const fv_predictor_options options = {.size = sizeof options, .threads = threads};
        fv_predictor *predictor;
        assert_int_equal(fv_predictor_create(model, &options, &predictor, &error), FV_OK);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(fv_predictor_run(predictor, some_images(), counts[i], probabilities[1], &error), FV_OK);
            assert_memory_equal(probabilities[0], probabilities[1], counts[i] * CLASSES * sizeof(float));
        }
        fv_predictor_free(predictor);
    }
    predict_ok(model, 0, NULL);
    // A predictor follows weights that change, and reports infinite ones.
    fv_predictor *predictor;
    assert_int_equal(fv_predictor_create(model, NULL, &predictor, &error), FV_OK);
    assert_int_equal(fv_predictor_run(predictor, some_images(), 3, probabilities[1], &error), FV_OK);
    assert_memory_equal(probabilities[0], probabilities[1], 3 * CLASSES * sizeof(float));
    size_t count = model->graph.weight_count;
    for (size_t i = 0; i < count; i++) {
        model->weights[i] *= 2;
    }
    fv__model_weights_changed(model);
    assert_int_equal(fv_predictor_run(predictor, some_images(), 3, probabilities[1], &error), FV_OK);
    assert_memory_not_equal(probabilities[0], probabilities[1], 3 * CLASSES * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        model->weights[i] = 1e30F;
    }
    fv__model_weights_changed(model);
    assert_int_equal(fv_predictor_run(predictor, some_images(), 2, probabilities[1], &error), FV_NUMERIC);
    assert_says(error, "image 0");
    fv_predictor_free(predictor);
    fv_model_free(model);
}

// --- Files

static void saved_and_loaded(void **state) {
    (void)state;
    fv_error error = {0};
    fv_model *model = build_small(), *loaded;
    model->scale[0] = 0.1F; // as a data set's figures would: nothing round
    const char *path = scratch_path("model.safetensors");
    assert_int_equal(fv__model_set_recipe(model, "whatever", &error), FV_OK);
    assert_int_equal(fv_model_save(model, path, &error), FV_OK);
    for (int folder = 0; folder < 2; folder++) { // by file and by run folder
        if (fv_model_load(folder ? scratch : path, &loaded, &error)) {
            fail_msg("%s", error.message);
        }
        assert_memory_equal(loaded->weights, model->weights, model->graph.weight_count * sizeof(float));
        assert_int_equal(fv_model_get_info(loaded)->classes, CLASSES);
        predict_ok(model, 3, probabilities[0]);
        predict_ok(loaded, 3, probabilities[1]);
        assert_memory_equal(probabilities[0], probabilities[1], 3 * CLASSES * sizeof(float));
        if (folder) { // what is loaded can be saved again, and grow
            const char *again = scratch_path("again.safetensors");
            assert_int_equal(fv_model_save(loaded, again, &error), FV_OK);
            float first = loaded->weights[0] = 3;
            assert_int_equal(fv_model_add(loaded, &error, "dense: 3"), FV_OK);
            assert_true(loaded->weights[0] == first);
            assert_int_equal(fv_model_get_info(loaded)->classes, 3);
        }
        fv_model_free(loaded);
    }
    FILE *files[2] = {fopen(path, "rb"), fopen(scratch_path("again.safetensors"), "rb")};
    int bytes[2];
    do {
        bytes[0] = fgetc(files[0]);
        bytes[1] = fgetc(files[1]);
        assert_int_equal(bytes[0], bytes[1]);
    } while (bytes[0] != EOF);
    fclose(files[0]);
    fclose(files[1]);
    fv_model_free(model);
}

// A model file of {flatten, dense: 2} on (2, 1, 1) with something changed.
typedef struct damage {
    const char *key, *value; // metadata replaced; value NULL: left out
    int tensor;              // changed; -1: none
    fv__tensor_entry with;   // name NULL: left out
    const char *says[2];
} damage;

static void damaged_files(void **state) {
    (void)state;
    static const float weights[8] = {1, 2, 3, 4, 5, 6, 7, 8}, bad[4] = {1, NAN, 3, 4};
    static const fv__tensor_entry kernel = {"dense/kernel", FV__F32, 2, {2, 2}, weights, 0};
    static const damage cases[] = {
        {"format", NULL, -1, {0}, {"not a fovea model"}},
        {"format", "pt", -1, {0}, {"not a fovea model"}},
        {"format_version", "99", -1, {0}, {"99"}},
        {"model", NULL, -1, {0}, {"'model'"}},
        {"classes", NULL, -1, {0}, {"'classes'"}},
        {"preprocessing", NULL, -1, {0}, {"'preprocessing'"}},
        {"model", "", -1, {0}, {"no input"}},
        {"model", "[1, 2", -1, {0}, {"model:"}},
        {"model", "{input: {size: [2, 1, 1]}, model: []}", -1, {0}, {"list of layers"}},
        {"model", "{input: 3, model: [flatten]}", -1, {0}, {"input"}},
        {"model", "{input: {size: [2, 1]}, model: [flatten]}", -1, {0}, {"channels"}},
        {"model", "{input: {size: [2, 1, 1]}, model: [flatten, dense: 2, danse: 3]}", -1, {0}, {"model:1", "danse"}},
        {"model", "{input: {size: [2, 1, 1]}, model: [flatten, dense: 3]}", -1, {0}, {"(3)", "2 classes"}},
        {"model",
         "{input: {size: [2, 1, 1]}, model: [flatten, dense: 1048576, dense: 200, dense: 2]}",
         -1,
         {0},
         {"dense/kernel", "(2, 1048576)"}},
        {"model", "{input: {size: [4096, 4096, 4]}, model: [flatten, dense: 2]}", -1, {0}, {"preprocessing"}},
        {"classes", "[a, b, c]", -1, {0}, {"(2)", "3 classes"}},
        {"classes", "{a: b}", -1, {0}, {"classes"}},
        {"classes", "[a, [b]]", -1, {0}, {"class 1"}},
        {"preprocessing", "{scale: [1, 2], shift: [0, 0]}", -1, {0}, {"preprocessing"}},
        {"preprocessing", "{scale: [inf], shift: [0]}", -1, {0}, {"scale"}},
        {"preprocessing", "{scale: [1]}", -1, {0}, {"shift"}},
        {"loss", "{label_smoothing: 1}", -1, {0}, {"label_smoothing", "below 1"}},
        {NULL, NULL, 0, {0}, {"dense/kernel", "missing"}},
        {NULL, NULL, 0, {"dense/kernel", FV__F64, 2, {2, 2}, weights, 0}, {"dense/kernel", "F64"}},
        {NULL, NULL, 0, {"dense/kernel", FV__F32, 2, {1, 4}, weights, 0}, {"(1, 4)", "(2, 2)"}},
        {NULL, NULL, 0, {"dense/kernel", FV__F32, 1, {4}, weights, 0}, {"(4)", "(2, 2)"}},
        {NULL, NULL, 0, {"dense/kernel", FV__F32, 2, {2, 2}, bad, 0}, {"dense/kernel", "not finite"}},
        {NULL, NULL, 2, {"dense_7/kernel", FV__F32, 1, {2}, weights, 0}, {"dense_7/kernel", "no layer"}},
    };
    for (size_t i = 0; i <= sizeof cases / sizeof *cases; i++) { // one more: nothing is damaged
        static const damage none = {.tensor = -1};
        const damage *change = i < sizeof cases / sizeof *cases ? &cases[i] : &none;
        fv__tensor_entry tensors[3] = {kernel, {"dense/bias", FV__F32, 1, {2}, weights, 0}};
        size_t tensor_count = 2, pair_count = 0;
        if (change->tensor == 2) {
            tensors[tensor_count++] = change->with;
        } else if (change->tensor == 0 && change->with.name) {
            tensors[0] = change->with;
        } else if (change->tensor == 0) {
            tensors[0] = tensors[1];
            tensor_count = 1;
        }
        const fv__metadata good[] = {{"format", "fovea"},
                                     {"format_version", "1"},
                                     {"model", "{input: {size: [2, 1, 1]}, model: [flatten, dense: 2]}"},
                                     {"classes", "[no, yes]"},
                                     {"preprocessing", "{scale: [1], shift: [0]}"},
                                     {"loss", "{label_smoothing: 0.1}"}};
        fv__metadata pairs[6];
        for (int k = 0; k < 6; k++) {
            bool replaced = change->key && !strcmp(good[k].key, change->key);
            if (!replaced || change->value) {
                pairs[pair_count++] = replaced ? (fv__metadata){good[k].key, change->value} : good[k];
            }
        }
        fv_error error = {0};
        const char *path = scratch_path("damaged.safetensors");
        assert_int_equal(fv__safetensors_write(path, tensors, tensor_count, pairs, pair_count, &error), FV_OK);
        fv_model *model;
        fv_status status = fv_model_load(path, &model, &error);
        if (change == &none) {
            assert_int_equal(status, FV_OK);
            assert_string_equal(fv_model_get_info(model)->class_names[1], "yes");
            fv_model_free(model);
            continue;
        }
        assert_null(model);
        if (status != FV_FORMAT || error.status != FV_FORMAT || !strstr(error.message, "damaged.safetensors")) {
            fail_msg("case %zu: status %d: %s", i, status, error.message);
        }
        for (int k = 0; k < 2 && change->says[k]; k++) {
            assert_says(error, change->says[k]);
        }
    }
    fv_error error;
    fv_model *model;
    assert_int_equal(fv_model_load(scratch_path("nowhere"), &model, &error), FV_NOT_FOUND);
    assert_int_equal(fv_model_load(scratch_file("text", "hello", 5), &model, &error), FV_FORMAT);
    assert_int_equal(fv_model_create(8, 8, 1, "unit", &model, &error), FV_OK);
    assert_int_equal(fv_model_save(model, scratch_path("unfinished"), &error), FV_INVALID);
    assert_says(error, "(8, 8, 1)");
    fv_model_free(model);
}

// A file that version 0.1 wrote, and what it predicted for this image.
static void loads_a_file_of_0_1(void **state) {
    (void)state;
    static const float expected[10] = {0.078893833F, 0.14665906F,  0.087232053F, 0.085252591F, 0.12175681F,
                                       0.088972107F, 0.083088219F, 0.1211711F,   0.091626078F, 0.095348142F};
    uint8_t image[28 * 28];
    fv_error error;
    fv_model *model;
    float got[10];
    fv_recipe *recipe;
    for (int i = 0; i < 28 * 28; i++) {
        image[i] = (uint8_t)(7 * i);
    }
    assert_int_equal(fv_model_load(FV__SOURCE_DIR "/tests/golden/model-0.1.safetensors", &model, &error), FV_OK);
    assert_string_equal(fv_model_get_info(model)->class_names[9], "Ankle boot");
    assert_true(fv_model_get_info(model)->label_smoothing == 0.1);
    assert_int_equal(predict_once(model, image, 1, got, &error), FV_OK);
    for (int i = 0; i < 10; i++) {
        assert_true(fabsf(got[i] - expected[i]) < 1e-6F);
    }
    assert_int_equal(fv_model_get_recipe(model, &recipe, &error), FV_OK);
    assert_int_equal(fv_recipe_get_info(recipe)->batch, 64);
    fv_recipe_free(recipe);
    fv_model_free(model);
}

// The same model through memory, and its weights by name.
static void in_memory_and_by_name(void **state) {
    (void)state;
    fv_error error;
    fv_model *model = build_small(), *loaded;
    void *bytes;
    size_t size;
    float kernel[4096], changed[4096];
    assert_int_equal(fv_model_save_memory(model, &bytes, &size, &error), FV_OK);
    assert_int_equal(fv_model_load_memory(bytes, size, "memory", &loaded, &error), FV_OK);
    assert_memory_equal(loaded->weights, model->weights, model->graph.weight_count * sizeof(float));
    fv_model_free(loaded);
    assert_int_equal(fv_model_load_memory(bytes, size / 2, "half", &loaded, &error), FV_FORMAT);
    assert_says(error, "half");
    fv_free(bytes);
    assert_int_equal(fv_model_load_memory("", 0, "nothing", &loaded, &error), FV_FORMAT);
    fv_weight_info info = {.size = sizeof info};
    assert_int_equal(fv_model_get_weight(model, 0, &info, &error), FV_OK);
    assert_true(info.count > 0 && info.count <= 4096);
    assert_int_equal(fv_model_get_weight(model, fv_model_get_weight_count(model), &info, &error), FV_INVALID);
    assert_int_equal(fv_model_read_weight(model, info.name, kernel, info.count, &error), FV_OK);
    memcpy(changed, kernel, sizeof kernel);
    changed[0] += 1;
    assert_int_equal(fv_model_write_weight(model, info.name, changed, info.count, &error), FV_OK);
    assert_int_equal(fv_model_read_weight(model, info.name, kernel, info.count, &error), FV_OK);
    assert_true(kernel[0] == changed[0]);
    changed[0] = INFINITY;
    assert_int_equal(fv_model_write_weight(model, info.name, changed, info.count, &error), FV_NUMERIC);
    assert_int_equal(fv_model_read_weight(model, info.name, kernel, info.count - 1, &error), FV_INVALID);
    assert_int_equal(fv_model_read_weight(model, "conv2d/kernle", kernel, 1, &error), FV_NOT_FOUND);
    assert_says(error, "conv2d/kernel");
    fv_model_free(model);
}

// --- The summary

static void summary(void **state) {
    (void)state;
    fv_error error = {0};
    fv_model *model = build_small();
    fv_summary *table;
    assert_int_equal(fv_model_summarize(model, NULL, &table, &error), FV_OK);
    assert_int_equal(table->layer_count, 8);
    assert_int_equal(table->parameters, fv_model_get_info(model)->parameters);
    assert_int_equal(table->trainable, table->parameters);
    size_t parameters = 0;
    for (int i = 0; i < table->layer_count; i++) {
        parameters += table->layers[i].parameters;
    }
    assert_int_equal(parameters, table->parameters);
    assert_string_equal(table->layers[2].name, "residual");
    assert_int_equal(table->layers[2].parameters, 0);
    assert_int_equal(table->layers[2].activation_bytes, 4 * 12 * 4); // the sum
    assert_int_equal(table->layers[3].depth, 1);
    assert_string_equal(table->layers[3].kind, "layer_norm");
    assert_true(table->layers[0].rank == 3 && table->layers[0].shape[0] == 8 && table->layers[0].shape[2] == 4);
    assert_true(fabs(table->multiply_adds - fv_model_get_info(model)->multiply_adds) < 0.5);
    assert_true(table->training_bytes > 0 && table->groups > 0 && table->micro_batch > 0);
    fv_summary_free(table);
    fv_model_free(model);
}

// --- Memory

static fv_status build_save_load_predict(const char *path, fv_error *error) {
    fv_model *model = NULL, *loaded = NULL;
    fv_status status = fv_model_create(6, 6, 1, "unit", &model, error);
    if (!status) {
        status = fv_model_add(model, error, "residual: [{attention: {units: 2}}, {reshape: [6, 6, 1]}]");
    }
    if (!status) {
        status = fv_model_add(model, error, "- flatten\n- dense: {units: %d, name: last, activation: softmax}", 3);
    }
    if (model && status) { // usable as it was
        fv_error ignored;
        (void)*fv_model_get_info(model);
        (void)predict_by(fv_predictor_run, model, 1, some_images(), 1, probabilities[0], &ignored);
    }
    if (!status) {
        status = fv_model_save(model, path, error);
    }
    if (!status) {
        status = fv_model_load(path, &loaded, error);
    }
    if (!status) {
        status = predict_by(fv_predictor_run, loaded, 1, some_images(), 1, probabilities[0], error);
    }
    if (!status) {
        fv_summary *table;
        const fv_summary_options options = {.size = sizeof options, .threads = 1};
        status = fv_model_summarize(loaded, &options, &table, error);
        fv_summary_free(table);
    }
    fv_model_free(model);
    fv_model_free(loaded);
    return status;
}

static void every_allocation_can_fail(void **state) {
    (void)state;
    fv_status status = FV_MEMORY;
    long most = 0;
    for (; status == FV_MEMORY && most < 5000; most++) {
        fv_error error = {0};
        limit_allocations(most);
        status = build_save_load_predict(scratch_path("limited.safetensors"), &error);
        if (status && status != FV_MEMORY) {
            fail_msg("allocation %ld: status %d: %s", most, status, error.message);
        }
        assert_int_equal(blocks_made, 0);
    }
    lift_limit();
    assert_int_equal(status, FV_OK);
    assert_true(most > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_layer_by_layer),
        cmocka_unit_test(failed_add_changes_nothing),
        cmocka_unit_test(last_softmax_is_left_out),
        cmocka_unit_test(preprocessing),
        cmocka_unit_test(prediction),
        cmocka_unit_test(saved_and_loaded),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(loads_a_file_of_0_1),
        cmocka_unit_test(in_memory_and_by_name),
        cmocka_unit_test(summary),
        cmocka_unit_test(every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
