// SPDX-License-Identifier: Apache-2.0
// Taking over weights: which array goes where, rules, what does not fit, and `weights:` of a recipe.
#include "scratch.h"

#include <math.h>

#include "base/memory.h"
#include "formats/file.h"
#include "model/import.h"
#include "recipe/recipe.h"

static fv_error error;

// --- models and files to try with

// An array with values first, first + 1, …
static fv__weight_array *add(fv__weights *weights, const char *name, int rank, const int64_t *shape, float first) {
    size_t count = 1;
    for (int axis = 0; axis < rank; axis++) {
        count *= (size_t)shape[axis];
    }
    fv__weight_array *array = fv__weights_add(weights, name, rank, shape, count);
    assert_non_null(array);
    for (size_t i = 0; i < count; i++) {
        array->values[i] = first + (float)i;
    }
    return array;
}

#define ADD(weights, name, first, ...)                                                                                 \
    add(weights, name, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__}, first)

static fv_model *make(const char *layers) {
    fv_model *model;
    assert_int_equal(fv_model_create(2, 2, 1, "unit", &model, &error), FV_OK);
    if (fv_model_add(model, &error, "%s", layers) != FV_OK) {
        fail_msg("%s", error.message);
    }
    return model;
}

static fv__import match(const fv_model *model, const fv__weights *weights, const char *layer) {
    fv__import import;
    if (fv__import_match(model, weights, layer, &import, &error) != FV_OK) {
        fail_msg("%s", error.message);
    }
    return import;
}

// The name of the array that the weight got, or why it got none.
static const char *got(const fv_model *model, const fv__weights *weights, const fv__import *import, const char *name) {
    static char reason[FV__IMPORT_REASON];
    for (int p = 0; p < model->graph.parameter_count; p++) {
        const fv__import_row *row = &import->rows[p];
        if (strcmp(model->graph.parameters[p].name, name) == 0) {
            return row->fit == FV__IMPORT_MATCHED ? weights->arrays[row->array].name
                                                  : fv__import_reason(weights, row, reason);
        }
    }
    fail_msg("no weight %s", name);
    return NULL;
}

static float first_value(const fv_model *model, const char *name) {
    for (int p = 0; p < model->graph.parameter_count; p++) {
        if (strcmp(model->graph.parameters[p].name, name) == 0) {
            return model->weights[model->graph.parameters[p].offset];
        }
    }
    fail_msg("no weight %s", name);
    return 0;
}

#define assert_got(name, what) assert_string_equal(got(model, &weights, &import, name), what)

static void done(fv_model *model, fv__weights *weights, fv__import *import) {
    fv__import_free(import);
    fv__weights_free(weights);
    fv_model_free(model);
}

// --- names

static void matches_ends_of_names(void **state) {
    (void)state;
    fv_model *model =
        make("[reshape: [4, 1], multi_head_attention: {heads: 1, head_dim: 6, name: mha}, flatten, dense: 3, "
             "dense: 3]");
    fv__weights weights = {0};
    ADD(&weights, "query/kernel", 10, 1, 6);                 // without our layer's name
    ADD(&weights, "encoder/query/bias", 20, 6);              // with another one
    ADD(&weights, "mha/key/kernel", 30, 1, 2, 3);            // axes that lie together
    ADD(&weights, "model/mha/attention_output/bias", 40, 1); // Keras's word
    ADD(&weights, "functional/dense/kernel", 50, 4, 3);      // folders in front
    ADD(&weights, "dense/kernel", 60, 4, 3);                 // but this is closer
    ADD(&weights, "dense_1/1", 70, 3);                       // by number
    ADD(&weights, "stray", 80, 3);
    fv__import import = match(model, &weights, NULL);
    assert_got("mha/query/kernel", "query/kernel");
    assert_got("mha/query/bias", "encoder/query/bias");
    assert_got("mha/key/kernel", "mha/key/kernel");
    assert_got("mha/output/bias", "model/mha/attention_output/bias");
    assert_got("dense/kernel", "dense/kernel");
    assert_got("dense_1/bias", "dense_1/1");
    assert_got("dense_1/kernel", "not in the file");
    assert_int_equal(import.wanted, 12);
    assert_int_equal(import.matched, 6);
    assert_false(import.used[7]);
    assert_int_equal(fv__import_check(model, &weights, &import, "some.h5", &error), FV_FORMAT);
    assert_says(error, "some.h5: 6 of 12 weights do not fit: mha/key/bias (6): not in the file");
    fv__import_apply(model, &weights, &import);
    assert_true(first_value(model, "dense/kernel") == 60 && first_value(model, "mha/key/kernel") == 30);
    done(model, &weights, &import);
}

// A session that has made layers before calls the same ones dense_1 and dense_2.
static void prefers_the_names_that_fit_all(void **state) {
    (void)state;
    fv_model *model = make("[flatten, dense: 3, dense: 3]");
    fv__weights weights = {0};
    static const char *const names[] = {"dense_1/0", "dense_1/1", "dense_2/0", "dense_2/1"};
    static const char *const others[] = {"dense/0", "dense/1", "dense_1/0", "dense_1/1"};
    for (int i = 0; i < 4; i++) {
        fv__weight_array *array = i % 2 ? ADD(&weights, names[i], 0, 3)
                                  : i   ? ADD(&weights, names[i], 0, 3, 3)
                                        : ADD(&weights, names[i], 0, 4, 3);
        array->other = fv__strdup(others[i]);
    }
    fv__import import = match(model, &weights, NULL);
    assert_got("dense/kernel", "dense_1/0");
    assert_got("dense_1/bias", "dense_2/1");
    assert_int_equal(import.matched, 4);
    done(model, &weights, &import);
}

static void leaves_what_is_ambiguous(void **state) {
    (void)state;
    fv_model *model = make("[flatten, dense: 3]");
    fv__weights weights = {0};
    ADD(&weights, "a/dense/kernel", 0, 4, 3);
    ADD(&weights, "b/dense/kernel", 0, 4, 3);
    ADD(&weights, "dense/bias", 0, 4);
    fv__import import = match(model, &weights, NULL);
    assert_int_equal(import.matched, 0);
    assert_non_null(strstr(got(model, &weights, &import, "dense/kernel"), "a/dense/kernel might be it"));
    assert_got("dense/bias", "the file has dense/bias (4)");
    fv__import_free(&import);
    assert_int_equal(fv__weights_map(&weights, "b/dense/kernel=dense/kernel", &error), FV_OK);
    import = match(model, &weights, NULL);
    assert_got("dense/kernel", "b/dense/kernel");
    done(model, &weights, &import);
}

// --- shapes and values

static void compares_shapes(void **state) {
    (void)state;
    static const struct {
        fv__shape ours;
        int rank;
        int64_t theirs[4];
        bool fits;
    } cases[] = {
        {{.rank = 2, .size = {8, 6}}, 3, {8, 2, 3}, true},
        {{.rank = 2, .size = {6, 8}}, 3, {2, 3, 8}, true},
        {{.rank = 4, .size = {3, 3, 4, 1}}, 4, {3, 3, 1, 4}, true},
        {{.rank = 2, .size = {8, 6}}, 2, {6, 8}, false},
        {{.rank = 2, .size = {4, 6}}, 3, {2, 6, 2}, false},
        {{.rank = 2, .size = {4, 6}}, 2, {3, 8}, false},
        {{.rank = 1, .size = {1}}, 0, {0}, true},
        {{.rank = 1, .size = {6}}, 2, {1, 6}, true},
        {{.rank = 2, .size = {4, 6}}, 2, {4, 5}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float values[64] = {0};
        fv__parameter parameter = {.shape = cases[i].ours, .count = (size_t)fv__shape_elements(&cases[i].ours)};
        fv__weight_array array = {.rank = cases[i].rank, .count = 1, .values = values};
        for (int axis = 0; axis < array.rank; axis++) {
            array.shape[axis] = cases[i].theirs[axis];
            array.count *= (size_t)array.shape[axis];
        }
        if (fv__import_compare(&parameter, &array) != (cases[i].fits ? FV__IMPORT_MATCHED : FV__IMPORT_SHAPE)) {
            fail_msg("case %zu", i);
        }
        values[0] = NAN;
        assert_true(!cases[i].fits || fv__import_compare(&parameter, &array) == FV__IMPORT_NOT_FINITE);
    }
}

static void takes_one_layer(void **state) {
    (void)state;
    fv_model *model = make("[flatten, dense: {units: 3, name: body}, dense: {units: 3, name: head}]");
    fv__weights weights = {0};
    ADD(&weights, "body/kernel", 5, 4, 3);
    ADD(&weights, "body/bias", 6, 3);
    ADD(&weights, "head/bias", 7, 3);
    fv__import import = match(model, &weights, "body");
    assert_int_equal(import.wanted, 2);
    assert_int_equal(fv__import_check(model, &weights, &import, "x", &error), FV_OK);
    fv__import_apply(model, &weights, &import);
    assert_true(first_value(model, "body/bias") == 6 && first_value(model, "head/bias") == 0);
    fv__import_free(&import);
    assert_int_equal(fv__import_match(model, &weights, "boddy", &import, &error), FV_INVALID);
    assert_says(error, "did you mean 'body'?");
    assert_survives_allocation_failure(fv__import_match(model, &weights, NULL, &import, &error), error);
    done(model, &weights, &import);
}

// --- rules

static void maps_names(void **state) {
    (void)state;
    fv__weights weights = {0};
    ADD(&weights, "fc1.weight", 0, 2, 3);
    ADD(&weights, "fc1.bias", 0, 2);
    ADD(&weights, "conv.weight", 0, 2, 3, 1, 2);
    assert_int_equal(fv__weights_map(&weights, "fc*.weight=dense_*/kernel:transpose", &error), FV_OK);
    assert_int_equal(fv__weights_map(&weights, "conv.weight=c/kernel:transpose", &error), FV_OK);
    assert_string_equal(weights.arrays[0].mapped, "dense_1/kernel");
    assert_int_equal(fv__weights_map(&weights, "*.weight=*/kernel:transpose", &error), FV_OK); // the last one counts
    assert_int_equal(fv__weights_map(&weights, "fc*.weight=dense_*/kernel:transpose", &error), FV_OK);
    assert_int_equal(fv__weights_turn(&weights, &error), FV_OK);
    assert_int_equal(fv__weights_turn(&weights, &error), FV_OK); // once
    assert_string_equal(fv__weight_shape_print(&weights.arrays[0]).text, "(3, 2)");
    assert_true(weights.arrays[0].values[1] == 3); // (out 1, in 0)
    assert_null(weights.arrays[1].mapped);
    ADD(&weights, "square", 0, 2, 2);
    assert_int_equal(fv__weights_map(&weights, "square=a:transpose", &error), FV_OK);
    assert_int_equal(fv__weights_map(&weights, "square=a", &error), FV_OK);
    assert_int_equal(fv__weights_turn(&weights, &error), FV_OK);
    assert_true(weights.arrays[3].values[1] == 1);
    assert_string_equal(fv__weight_shape_print(&weights.arrays[2]).text, "(1, 2, 3, 2)");
    assert_true(weights.arrays[2].values[1] == 6 && weights.arrays[2].values[2] == 2 &&
                weights.arrays[2].values[6] == 1); // next of out, of in, of the window
    static const struct {
        const char *rule, *message;
    } wrong[] = {{"fc", "is no rule"},      {"=a", "is no rule"}, {"a=", "is no rule"},
                 {"a*=b", "on both sides"}, {"a*b*=c*", "once"},  {"nothing=a", "fits no array"},
                 {"fc*=b", "on both sides"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(fv__weights_map(&weights, wrong[i].rule, &error), FV_INVALID);
        assert_says(error, wrong[i].message);
    }
    ADD(&weights, "cube", 0, 2, 2, 2);
    assert_int_equal(fv__weights_map(&weights, "cube=x:transpose", &error), FV_OK);
    assert_int_equal(fv__weights_turn(&weights, &error), FV_INVALID);
    assert_says(error, "cube (2, 2, 2) cannot be transposed");
    assert_int_equal(fv__weights_map(&weights, "cube=x", &error), FV_OK); // which takes it back
    static const char lines[] = "# names\n\nfc1.bias=dense_1/bias\r\nnothing=here";
    assert_int_equal(fv__weights_map_file(&weights, scratch_file("map.txt", lines, sizeof lines - 1), &error),
                     FV_INVALID);
    assert_says(error, "map.txt:4: the rule 'nothing=here' fits no array");
    assert_string_equal(weights.arrays[1].mapped, "dense_1/bias");
    static const char indented[] = "  fc1.bias=other/bias \r\n\t\n  # a remark";
    assert_int_equal(fv__weights_map_file(&weights, scratch_file("map.txt", indented, sizeof indented - 1), &error),
                     FV_OK);
    assert_string_equal(weights.arrays[1].mapped, "other/bias");
    assert_int_equal(fv__weights_map(&weights, "fc1.bias=dense_1/bias", &error), FV_OK);
    assert_survives_allocation_failure(fv__weights_map(&weights, "conv.*=b/*:transpose", &error), error);
    assert_survives_allocation_failure(fv__weights_turn(&weights, &error), error);
    fv__weights_free(&weights);
}

// --- files

static void reads_safetensors(void **state) {
    (void)state;
    static const uint16_t half[] = {0x3c00, 0xc000, 0x0001}, brain[] = {0x3f80, 0xc000, 0x4049};
    static const double wide[] = {1, -2, 0.1};
    static const float plain[] = {1, -2, 0.1F};
    static const int64_t counter[] = {3};
    const fv__tensor_entry entries[] = {
        {.name = "half", .dtype = FV__F16, .rank = 1, .shape = {3}, .data = half},
        {.name = "brain", .dtype = FV__BF16, .rank = 1, .shape = {3}, .data = brain},
        {.name = "wide", .dtype = FV__F64, .rank = 1, .shape = {3}, .data = wide},
        {.name = "plain", .dtype = FV__F32, .rank = 1, .shape = {3}, .data = plain},
        {.name = "counter", .dtype = FV__I64, .rank = 1, .shape = {1}, .data = counter},
    };
    static const float third[] = {5.9604645e-8F, 3.140625F, 0.1F, 0.1F};
    const char *path = scratch_path("types.safetensors");
    assert_int_equal(fv__safetensors_write(path, entries, 5, NULL, 0, &error), FV_OK);
    fv__weights weights;
    assert_survives_allocation_failure(fv__weights_read(path, &weights, &error), error);
    assert_int_equal(weights.count, 4);
    for (int i = 0; i < 4; i++) {
        const float *values = weights.arrays[i].values;
        assert_true(values[0] == 1 && values[1] == -2 && values[2] == third[i]);
    }
    fv__weights_free(&weights);
    assert_int_equal(fv__weights_read(scratch_path("none.h5"), &weights, &error), FV_NOT_FOUND);
    scratch_file("zip.keras", "PK\3\4....", 8);
    assert_int_equal(fv__weights_read(scratch_path("zip.keras"), &weights, &error), FV_FORMAT);
    assert_says(error, "unpack model.weights.h5");
}

// --- recipes

static const char recipe_text[] = "data: fashion-mnist\n"
                                  "input: {size: [28, 28, 1]}\n"
                                  "model: [flatten, dense: {units: 2, name: body}, dense: {units: 10, name: head}]\n";

static fv_recipe *open_recipe(const char *weights) {
    char text[1024];
    fv_recipe *recipe;
    snprintf(text, sizeof text, "%sweights: %s\n", recipe_text, weights);
    if (fv_recipe_parse(text, strlen(text), "own.yaml", &recipe, &error) != FV_OK) {
        fail_msg("%s", error.message);
    }
    return recipe;
}

static const char *write_body(void) {
    static float kernel[784 * 2], bias[] = {4, 5};
    kernel[0] = 3;
    const fv__tensor_entry entries[] = {
        {.name = "their/kernel", .dtype = FV__F32, .rank = 2, .shape = {784, 2}, .data = kernel},
        {.name = "their/bias", .dtype = FV__F32, .rank = 1, .shape = {2}, .data = bias}};
    const char *path = scratch_path("body.safetensors");
    assert_int_equal(fv__safetensors_write(path, entries, 2, NULL, 0, &error), FV_OK);
    return path;
}

static void starts_a_recipe_with_weights(void **state) {
    (void)state;
    char section[600];
    fv_model *model, *drawn;
    fv__text text = {0};
    snprintf(section, sizeof section, "{from: %s, layer: body, map: ['their/*=body/*']}", write_body());
    fv_recipe *recipe = open_recipe(section);
    assert_int_equal(fv_model_create_from_recipe(recipe, 1, &model, &error), FV_OK);
    assert_survives_allocation_failure(fv__weights_load(&recipe->weights, model, &error), error);
    assert_true(first_value(model, "body/kernel") == 3 && first_value(model, "body/bias") == 4);
    assert_int_equal(fv__recipe_model(recipe, 1, &drawn, &error), FV_OK); // the head is drawn as ever
    assert_true(first_value(model, "head/kernel") == first_value(drawn, "head/kernel"));
    fv_model_free(drawn);
    fv_model_free(model);
    // A run folder keeps the recipe as resolved.
    assert_int_equal(fv__recipe_resolve(recipe, &text, &error), FV_OK);
    fv_recipe_free(recipe);
    assert_int_equal(fv_recipe_parse(text.bytes, text.length, "resolved.yaml", &recipe, &error), FV_OK);
    assert_string_equal(recipe->weights.layer, "body");
    fv__text_free(&text);
    // Without the layer everything is wanted.
    assert_int_equal(fv_recipe_set(recipe, "weights.layer=null", &error), FV_OK);
    assert_int_equal(fv_model_create_from_recipe(recipe, 1, &model, &error), FV_FORMAT);
    assert_says(error, "2 of 4 weights do not fit: head/kernel (2, 10): not in the file");
    fv_recipe_free(recipe);
}

static void says_what_is_missing(void **state) {
    (void)state;
    fv_model *model;
    fv_recipe *recipe = open_recipe("mobilenet-v2-1.0-224");
    setenv("FOVEA_WEIGHTS", scratch, 1);
    setenv("XDG_CACHE_HOME", scratch, 1);
    setenv("KERAS_HOME", scratch_path("keras"), 1);
    assert_int_equal(fv_model_create_from_recipe(recipe, 1, &model, &error), FV_NOT_FOUND);
    assert_says(error, "`fovea weights get mobilenet-v2-1.0-224` downloads them");
    assert_says(error, "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
                       "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5 into one of: ");
    assert_says(error, scratch_path("fovea/weights"));
    assert_says(error, scratch_path("keras/models"));
    fv_recipe_free(recipe);
    recipe = open_recipe("mobilenet-v2-1.1-224");
    assert_int_equal(fv_model_create_from_recipe(recipe, 1, &model, &error), FV_NOT_FOUND);
    assert_says(error, "did you mean 'mobilenet-v2-1.");
    fv_recipe_free(recipe);

    // The file with the last layer comes first; the one without will do.
    char *path;
    const fv__pretrained *known = fv__pretrained_find("mobilenet-v2-0.5-96", &error);
    assert_survives_allocation_failure(fv__pretrained_locate(known, &path, &error) == FV_NOT_FOUND ? FV_OK : FV_MEMORY,
                                       error);
    scratch_file("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.5_96_no_top.h5", "x", 1);
    assert_int_equal(fv__pretrained_locate(known, &path, &error), FV_OK);
    assert_non_null(strstr(path, "0.5_96_no_top.h5"));
    fv__free(path);
    assert_int_equal(fv__make_folders(scratch_path("keras/models"), &error), FV_OK);
    scratch_file("keras/models/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.5_96.h5", "x", 1);
    assert_int_equal(fv__pretrained_locate(known, &path, &error), FV_OK);
    assert_non_null(strstr(path, "keras/models/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.5_96.h5"));
    fv__free(path);
}

static void checks_the_section(void **state) {
    (void)state;
    static const struct {
        const char *section, *message;
    } wrong[] = {{"{layer: body}", "weights.from is missing"},
                 {"{from: a.h5, lair: body}", "did you mean 'layer'"},
                 {"{from: a.h5, map: [[1]]}", "own.yaml:4: weights.map: each rule is a text"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[1024];
        fv_recipe *recipe;
        snprintf(text, sizeof text, "%sweights: %s\n", recipe_text, wrong[i].section);
        assert_int_equal(fv_recipe_parse(text, strlen(text), "own.yaml", &recipe, &error), FV_INVALID);
        assert_says(error, wrong[i].message);
    }
    assert_int_equal(fv__options_check(fv__weights_options, "weights", &error), FV_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_ends_of_names),    cmocka_unit_test(prefers_the_names_that_fit_all),
        cmocka_unit_test(leaves_what_is_ambiguous), cmocka_unit_test(compares_shapes),
        cmocka_unit_test(takes_one_layer),          cmocka_unit_test(maps_names),
        cmocka_unit_test(reads_safetensors),        cmocka_unit_test(starts_a_recipe_with_weights),
        cmocka_unit_test(says_what_is_missing),     cmocka_unit_test(checks_the_section),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
