// SPDX-License-Identifier: Apache-2.0
// Folders of photographs as data sets: layouts, broken files, recipes.
#include "datasets.h"
#include "training.h"

#include "data/folder.h"
#include "formats/file.h"
#include "pictures.h"
#include "recipe/recipe.h"

enum { SIDE = 12 };

static void make_folder(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s", scratch_path(name));
    for (char *at = path + strlen(scratch) + 1; *at; at++) {
        if (*at == '/') {
            *at = 0;
            mkdir(path, 0777);
            *at = '/';
        }
    }
    mkdir(path, 0777);
}

// A picture of one bright channel: 0, 1 or 2.
static void write_picture(const char *name, int channel, int shade) {
    uint8_t bytes[16 + SIDE * SIDE * 3];
    int start = sprintf((char *)bytes, "P6 %d %d 255\n", SIDE, SIDE);
    for (int i = 0; i < SIDE * SIDE * 3; i++) {
        bytes[start + i] = (uint8_t)(i % 3 == channel ? 200 + shade : (i * 7 + shade) % 60);
    }
    scratch_file(name, bytes, (size_t)start + SIDE * SIDE * 3);
}

// FOLDER/red, green, blue with `count` pictures each.
static void write_classes(const char *folder, int count) {
    static const char *const classes[] = {"red", "green", "blue"};
    char name[256];
    for (int c = 0; c < 3; c++) {
        snprintf(name, sizeof name, "%s/%s", folder, classes[c]);
        make_folder(name);
        for (int i = 0; i < count; i++) {
            snprintf(name, sizeof name, "%s/%s/%02d.ppm", folder, classes[c], i);
            write_picture(name, c, i);
        }
    }
}

static fv_dataset *open_folder(const char *name, const char *split) {
    const fv_dataset_options options = {.size = sizeof options, .height = 8, .width = 6};
    fv_dataset *data;
    assert_ok(fv_dataset_open(scratch_path(name), split, &options, &data, &failure));
    return data;
}

static void test_layouts(void **state) {
    (void)state;
    fv_dataset *data, *other;
    uint8_t pixels[8 * 6 * 3];
    fv_error error;
    write_classes("flat", 4);
    scratch_file("flat/notes.txt", "x", 1);
    scratch_file("flat/red/notes.txt", "x", 1);
    scratch_file("flat/red/.hidden.jpg", "x", 1);
    data = open_folder("flat", "train");
    fv_dataset_info info = *fv_dataset_get_info(data);
    assert_int_equal(info.count, 12);
    assert_int_equal(info.classes, 3);
    assert_string_equal(info.class_names[0], "blue"); // by name
    assert_string_equal(info.class_names[2], "red");
    assert_int_equal(info.left_out, 0);
    assert_null(fv_dataset_left_out(data, 0));
    for (size_t i = 0; i < info.count; i++) {
        assert_int_equal(info.labels[i], i / 4);
        assert_ok(fv_dataset_read(data, i, pixels, &failure));
        assert_int_equal(pixels[2 - info.labels[i]], 200 + (int)i % 4);
    }
    assert_int_equal(fv_dataset_open(scratch_path("flat"), "test", NULL, &other, &error), FV_NOT_FOUND);
    assert_says(error, "no validation or test folder");
    fv_dataset_free(data);
    // Parts, below a folder that has nothing else in it.
    write_classes("parts/top/Train", 5);
    write_classes("parts/top/val", 2);
    data = open_folder("parts", "train");
    other = open_folder("parts", "test");
    assert_int_equal(fv_dataset_get_info(data)->count, 15);
    assert_int_equal(fv_dataset_get_info(other)->count, 6);
    fv_dataset_free(other);
    fv_dataset_free(data);
    write_classes("parts/top/test", 1);
    other = open_folder("parts", "test");
    assert_int_equal(fv_dataset_get_info(other)->count, 3);
    fv_dataset_free(other);
    other = open_folder("parts", "validation");
    assert_int_equal(fv_dataset_get_info(other)->count, 6);
    fv_dataset_free(other);
    make_folder("parts/top/val/pink");
    assert_int_equal(fv_dataset_open(scratch_path("parts"), "validation", NULL, &other, &error), FV_FORMAT);
    assert_says(error, "a class 'pink' in val that is not in Train");
    // A class may be called like a part, where it is one of several and has no folders in it.
    write_classes("vehicles", 2);
    make_folder("vehicles/train");
    write_picture("vehicles/train/1.ppm", 0, 0);
    data = open_folder("vehicles", "train");
    assert_int_equal(fv_dataset_get_info(data)->classes, 4);
    assert_string_equal(fv_dataset_get_info(data)->class_names[3], "train");
    fv_dataset_free(data);
    make_folder("latin/K\xe4se");
    assert_int_equal(fv_dataset_open(scratch_path("latin"), "train", NULL, &other, &error), FV_FORMAT);
    assert_says(error, "is not UTF-8; rename it");
    make_folder("empty");
    assert_int_equal(fv_dataset_open(scratch_path("empty"), "train", NULL, &other, &error), FV_FORMAT);
    assert_says(error, "no folder for each class in it");
    assert_int_equal(fv_dataset_open(scratch_path("nowhere"), "train", NULL, &other, &error), FV_NOT_FOUND);
}

static void test_options(void **state) {
    (void)state;
    fv_dataset *data;
    fv_error error;
    const char *path = scratch_path("flat");
    assert_ok(fv_dataset_open(
        path, "train", &(fv_dataset_options){.size = sizeof(fv_dataset_options), .channels = 1, .resize = "crop"},
        &data, &failure));
    assert_int_equal(data->height, 224);
    assert_int_equal(data->channels, 1);
    char cropped[FV__SHA256_TEXT], squeezed[FV__SHA256_TEXT];
    assert_ok(fv__dataset_digest(data, cropped, &failure));
    fv_dataset_free(data);
    assert_ok(fv_dataset_open(path, "train", &(fv_dataset_options){.size = sizeof(fv_dataset_options), .channels = 1},
                              &data, &failure));
    assert_ok(fv__dataset_digest(data, squeezed, &failure));
    assert_string_not_equal(cropped, squeezed); // the same files, but not the same samples
    fv_dataset_free(data);
    assert_ok(open_set("folder", "train", path, &data, &failure));
    assert_int_equal(data->count, 12);
    fv_dataset_free(data);
    assert_int_equal(open_set("folder", "train", NULL, &data, &error), FV_INVALID);
    assert_int_equal(fv_dataset_open(path, "all", NULL, &data, &error), FV_INVALID);
    assert_says(error, "train, validation, test");
    assert_int_equal(fv_dataset_open(path, "train",
                                     &(fv_dataset_options){.size = sizeof(fv_dataset_options), .resize = "cubic"},
                                     &data, &error),
                     FV_INVALID);
    assert_int_equal(fv_dataset_open(path, "train",
                                     &(fv_dataset_options){.size = sizeof(fv_dataset_options), .channels = 4}, &data,
                                     &error),
                     FV_INVALID);
}

// Broken in every way; two that are fine although they look odd.
static void write_broken(const char *folder) {
    char name[256];
    uint8_t pixels[SIDE * SIDE * 3] = {1};
    encoded jpeg = encode_jpeg(pixels, SIDE, SIDE, (jpeg_kind){JCS_RGB, 3, false, 0}), huge = claim_png(30000, 30000);
    encoded turned = encode_jpeg(pixels, SIDE, SIDE, (jpeg_kind){JCS_RGB, 3, false, 3});
    for (size_t i = 20; i < 40; i++) {
        turned.bytes[i + 10] ^= 0xff; // inside EXIF
    }
    write_classes(folder, 3);
    snprintf(name, sizeof name, "%s/red/cut.jpg", folder);
    scratch_file(name, jpeg.bytes, jpeg.size - 30);
    snprintf(name, sizeof name, "%s/red/text.jpg", folder);
    scratch_file(name, "a text", 6);
    snprintf(name, sizeof name, "%s/blue/zero.png", folder);
    scratch_file(name, "", 0);
    snprintf(name, sizeof name, "%s/blue/huge.png", folder);
    scratch_file(name, huge.bytes, huge.size);
    snprintf(name, sizeof name, "%s/blue/phone.heic", folder);
    scratch_file(name, "\0\0\0\30ftypheic", 12);
    snprintf(name, sizeof name, "%s/blue/nowhere.jpg", folder);
    unlink(scratch_path(name));
    assert_int_equal(symlink("not-there.jpg", scratch_path(name)), 0);
    snprintf(name, sizeof name, "%s/green/really-a-jpeg.png", folder);
    scratch_file(name, jpeg.bytes, jpeg.size);
    snprintf(name, sizeof name, "%s/green/no-ending", folder);
    scratch_file(name, jpeg.bytes, jpeg.size);
    snprintf(name, sizeof name, "%s/green/exif.jpg", folder);
    scratch_file(name, turned.bytes, turned.size);
    free(jpeg.bytes);
    free(huge.bytes);
    free(turned.bytes);
}

static bool is_left_out(const fv_dataset *data, const char *what) {
    bool found = false;
    for (size_t i = 0; i < fv_dataset_get_info(data)->left_out; i++) {
        found |= strstr(fv_dataset_left_out(data, i), what) != NULL;
    }
    return found;
}

static void test_broken(void **state) {
    (void)state;
    fv_error error;
    fv_dataset *data, *strict;
    char first[FV__SHA256_TEXT], second[FV__SHA256_TEXT];
    write_broken("broken");
    for (int threads = 1; threads <= 4; threads += 3) { // the second time from what is kept
        const fv_dataset_options options = {.size = sizeof options, .height = 8, .width = 8, .threads = threads};
        assert_ok(fv_dataset_open(scratch_path("broken"), "train", &options, &data, &failure));
        fv_dataset_info info = *fv_dataset_get_info(data);
        assert_int_equal(info.count, 12);
        assert_int_equal(info.left_out, 6);
        assert_true(is_left_out(data, "red/cut.jpg: a damaged JPEG (Premature end"));
        assert_true(is_left_out(data, "red/text.jpg: not an image"));
        assert_true(is_left_out(data, "blue/zero.png: the file is empty"));
        assert_true(is_left_out(data, "blue/huge.png: 30000×30000 pixels are more than"));
        assert_true(is_left_out(data, "blue/phone.heic: a HEIC image"));
        assert_true(is_left_out(data, "blue/nowhere.jpg: cannot open"));
        uint8_t pixels[8 * 8 * 3];
        for (size_t i = 0; i < info.count; i++) {
            assert_ok(fv_dataset_read(data, i, pixels, &failure));
            assert_int_equal(info.labels[i], i < 3 ? 0 : i < 9 ? 1 : 2);
        }
        assert_ok(fv__dataset_digest(data, threads == 1 ? first : second, &failure));
        fv_dataset_free(data);
    }
    assert_string_equal(first, second);
    const fv_dataset_options options = {.size = sizeof options, .strict = true};
    assert_int_equal(fv_dataset_open(scratch_path("broken"), "train", &options, &strict, &error), FV_FORMAT);
    assert_says(error, "6 of 18 pictures cannot be read; the first: ");
    // What is kept is not believed when the file has changed.
    write_picture("broken/red/text.jpg", 0, 9);
    data = open_folder("broken", "train");
    assert_int_equal(fv_dataset_get_info(data)->count, 13);
    // A file that breaks while the set is open is told by name.
    scratch_file("broken/red/text.jpg", "gone", 4);
    uint8_t pixels[8 * 6 * 3];
    assert_int_equal(fv_dataset_read(data, 12, pixels, &error), FV_FORMAT);
    assert_says(error, "changed while it was in use: ");
    assert_says(error, "red/text.jpg");
    fv_dataset_free(data);
    make_folder("ruin/a");
    scratch_file("ruin/a/1.jpg", "x", 1);
    assert_int_equal(fv_dataset_open(scratch_path("ruin"), "train", &options, &data, &error), FV_FORMAT);
    assert_says(error, "none of its 1 pictures can be read");
}

static void test_likeness(void **state) {
    (void)state;
    fv__photos photos;
    uint8_t pixels[64 * 64 * 3];
    for (int i = 0; i < 64 * 64 * 3; i++) {
        int y = i / 3 / 64, x = i / 3 % 64;
        pixels[i] = (uint8_t)(128 + 60 * sin(x / 7.0 + i % 3) + 60 * cos(y / 5.0 + x / 20.0));
    }
    make_folder("alike/a");
    for (int k = 0; k < 3; k++) { // saved twice, and upside down
        encoded jpeg = encode_jpeg(pixels, 64, 64, (jpeg_kind){JCS_RGB, 3, k == 1, k == 2 ? 4 : 0});
        char name[32];
        snprintf(name, sizeof name, "alike/a/%d.jpg", k);
        scratch_file(name, jpeg.bytes, jpeg.size);
        free(jpeg.bytes);
    }
    assert_ok(fv__photos_begin(&photos, scratch_path("alike"), &failure));
    assert_ok(fv__photos_add(&photos, "a", 0, &failure));
    assert_ok(fv__photos_look(&photos, 1, &failure));
    assert_int_equal(photos.count, 3);
    assert_true(fv__photos_alike(&photos.items[0], &photos.items[1]));
    assert_false(fv__photos_alike(&photos.items[0], &photos.items[2]));
    assert_string_not_equal(photos.items[0].sha256, photos.items[1].sha256);
    fv__photos_free(&photos);
}

// --- Recipes

static const char recipe_text[] = "input: {size: [8, 8, 3], resize: antialias}\n"
                                  "model:\n"
                                  "  - conv2d: {filters: 8, kernel: 3, activation: relu}\n"
                                  "  - global_average_pool\n"
                                  "  - residual: [dense: 8]\n"
                                  "  - dense: {units: classes}\n"
                                  "train: {batch: 8, epochs: 2}\n";

static fv_recipe *open_recipe(const char *data) {
    char text[1024];
    fv_recipe *recipe;
    int length = snprintf(text, sizeof text, "data: {path: %s}\n%s", data, recipe_text);
    assert_ok(fv_recipe_parse(text, (size_t)length, "photos.yaml", &recipe, &failure));
    return recipe;
}

static bool count_left_out(void *context, const fv_event *event) {
    if (event->kind == FV_EVENT_LEFT_OUT) {
        assert_non_null(strstr(event->message, "broken/"));
        ++*(int *)context;
    }
    return true;
}

static void test_recipe(void **state) {
    (void)state;
    fv__text text = {0};
    fv_model *models[2];
    fv_recipe *recipe = open_recipe(scratch_path("flat"));
    assert_ok(fv__recipe_resolve(recipe, &text, &failure));
    assert_non_null(strstr(text.bytes, "units: 3"));
    assert_null(strstr(text.bytes, "units: classes"));
    assert_non_null(strstr(text.bytes, "resize: antialias"));
    fv__text_free(&text);
    for (int i = 0; i < 2; i++) { // as many threads as there are, the same bits
        fv_train_options options = {.size = sizeof options, .threads = i ? 4 : 1};
        assert_ok(fv_recipe_train(recipe, &options, &models[i], &failure));
    }
    fv_model_info info = *fv_model_get_info(models[0]);
    assert_int_equal(info.classes, 3);
    assert_string_equal(info.class_names[1], "green");
    assert_memory_equal(models[0]->weights, models[1]->weights, models[0]->graph.weight_count * sizeof(float));
    fv_model_free(models[0]);
    fv_model_free(models[1]);
    fv_recipe_free(recipe);
    // Left out, and told.
    int told = 0;
    fv_train_options options = {.size = sizeof options, .on_event = count_left_out, .context = &told};
    write_broken("broken");
    recipe = open_recipe(scratch_path("broken"));
    options.folder = scratch_path("run");
    assert_ok(fv_recipe_train(recipe, &options, NULL, &failure));
    assert_int_equal(told, 6);
    uint8_t *report;
    size_t size;
    assert_ok(fv__file_read(scratch_path("run/run.json"), 0, &report, &size, &failure));
    assert_non_null(strstr((const char *)report, "\"left_out\": 6"));
    fv__free(report);
    fv_error error;
    assert_ok(fv_recipe_set(recipe, "data.strict=true", &failure));
    options.folder = NULL;
    assert_int_equal(fv_recipe_train(recipe, &options, NULL, &error), FV_FORMAT);
    fv_recipe_free(recipe);
    // A run goes on with the pictures it began with, those it validates on included.
    write_classes("divided/train", 4);
    write_classes("divided/val", 2);
    recipe = open_recipe(scratch_path("divided"));
    options.folder = scratch_path("divided-run");
    assert_ok(fv_recipe_train(recipe, &options, NULL, &failure));
    options.resume = true;
    assert_ok(fv_recipe_train(recipe, &options, NULL, &failure));
    write_picture("divided/val/red/new.ppm", 0, 3);
    assert_int_equal(fv_recipe_train(recipe, &options, NULL, &error), FV_INVALID);
    assert_says(error, "belongs to other data");
    fv_recipe_free(recipe);
}

static void test_division(void **state) {
    (void)state;
    fv_recipe *recipe = open_recipe(scratch_path("flat"));
    fv_dataset *train, *validation, *test;
    assert_ok(fv__data_open(&recipe->data, &train, &validation, &failure)); // a fifth of each class
    assert_int_equal(train->count, 9);
    assert_int_equal(validation->count, 3);
    for (int c = 0; c < 3; c++) {
        assert_int_equal(validation->labels[c], c);
    }
    assert_ok(fv__data_open_split(&recipe->data, "test", &test, &failure));
    char held[FV__SHA256_TEXT], tested[FV__SHA256_TEXT];
    assert_ok(fv__dataset_digest(validation, held, &failure));
    assert_ok(fv__dataset_digest(test, tested, &failure));
    assert_string_equal(held, tested);
    fv_dataset_free(test);
    fv_dataset_free(train);
    fv_dataset_free(validation);
    assert_ok(fv_recipe_set(recipe, "data.limit=6", &failure));
    assert_ok(fv_recipe_set(recipe, "data.validation={fraction: 0.5, seed: 3}", &failure)); // of each class, too
    assert_ok(fv__data_open(&recipe->data, &train, &validation, &failure));
    assert_int_equal(validation->labels[0], 0);
    assert_int_equal(validation->labels[5], 2);
    fv_dataset_free(train);
    fv_dataset_free(validation);
    assert_ok(fv_recipe_set(recipe, "data.validation={fraction: 0.5, stratified: false}", &failure));
    assert_ok(fv__data_open(&recipe->data, &train, &validation, &failure));
    assert_int_equal(validation->labels[0], 1);
    fv_dataset_free(train);
    fv_dataset_free(validation);
    assert_ok(fv_recipe_set(recipe, "data.validation=0.5", &failure));
    assert_ok(fv__data_open(&recipe->data, &train, &validation, &failure));
    assert_int_equal(train->count, 6);
    assert_int_equal(train->labels[0], 0); // some of each class
    assert_int_equal(train->labels[5], 2);
    fv_dataset_free(train);
    fv_dataset_free(validation);
    fv_recipe_free(recipe);
}

static fv_status open_and_close(void) {
    const fv_dataset_options options = {.size = sizeof options, .height = 8, .width = 8, .threads = 1};
    fv_dataset *data;
    uint8_t pixels[8 * 8 * 3];
    fv_status status = fv_dataset_open(scratch_path("broken"), "train", &options, &data, &failure);
    if (!status) {
        status = fv_dataset_read(data, 3, pixels, &failure);
        fv_dataset_free(data);
    }
    return status;
}

static void test_memory(void **state) {
    (void)state;
    setenv("XDG_CACHE_HOME", scratch_path("other-cache"), 1); // where nothing is known
    assert_survives_allocation_failure(open_and_close(), failure);
}

static int open_scratch(void **state) {
    int result = scratch_open(state);
    setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
    return result;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),  cmocka_unit_test(test_options), cmocka_unit_test(test_broken),
        cmocka_unit_test(test_likeness), cmocka_unit_test(test_recipe),  cmocka_unit_test(test_division),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, open_scratch, scratch_close);
}
