// SPDX-License-Identifier: Apache-2.0
// Photographs of one's own through the program: data, training, prediction, explanation.
#include "program.h"

#include "model/model.h"

static void write_photo(const char *path, int shade) {
    uint8_t bytes[11 + 8 * 8 * 3] = "P6 8 8 255\n";
    for (size_t i = 11; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * i % 97 + (size_t)shade);
    }
    scratch_file(path, bytes, sizeof bytes);
}

static void takes_photos(void **state) {
    (void)state;
    static const char photos[] = "data: {path: photos}\ninput: {size: [8, 8, 3]}\nmodel:\n  - flatten\n"
                                 "  - dense: {units: classes}\ntrain: {batch: 4, epochs: 1}\n";
    static const char *const folders[] = {"photos", "photos/cat", "photos/dog"};
    scratch_file("photos.yaml", photos, strlen(photos));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mkdir(scratch_path(folders[i]), 0777), 0);
    }
    for (int i = 0; i < 24; i++) {
        char path[64];
        snprintf(path, sizeof path, "photos/%s/%d.ppm", i % 2 ? "dog" : "cat", i);
        write_photo(path, 3 * i);
    }
    assert_code(0, "data check ./photos");
    assert_has(out, "cat       12");
    write_photo("photos/dog/again.png", 0);
    scratch_file("photos/cat/torn.jpg", "\xff\xd8\xff\xe0", 4);
    assert_code(1, "data check photos");
    assert_has(out, "cat/torn.jpg: a damaged JPEG");
    assert_has(out, "dog/again.png: PNM");
    assert_has(out, "cat/0.ppm: dog/again.png");
    assert_code(1, "data check photos --json");
    assert_has(out, "\"unreadable\": [");
    assert_code(0, "data show ./photos");
    assert_has(out, "8 to 8 pixels wide");
    assert_code(0, "train ./photos.yaml --out seen");
    assert_has(err, "left out: photos/cat/torn.jpg: a damaged JPEG");
    assert_code(0, "train ./photos.yaml --out seen-quietly --quiet");
    assert_string_equal(err, "");
    // A path of the command line is kept from the root, so that the run is found good anywhere.
    assert_code(0, "train ./photos.yaml --path photos --out placed --quiet");
    char *resolved;
    size_t size;
    read_file("placed/recipe.yaml", &resolved, &size);
    assert_non_null(memmem(resolved, size, "path: /", 7));
    free(resolved);
    assert_code(0, "eval seen");
    assert_has(err, "left out: photos/cat/torn.jpg");
    assert_has(out, "samples   6"); // a fifth of 12 and of 13, rounded up
    assert_code(0, "predict seen --data ./photos --samples train:0-3");
    assert_has(out, "cat");
    assert_code(0, "predict seen --data ./photos --samples train:0-3 --csv");
    assert_has(out, "split,index,true_class,correct,class,probability,class_2,probability_2\ntrain,0,cat,");
    assert_code(0, "eval seen --data ./photos --quiet"); // not divided, so all of it
    assert_has(out, "samples   25 (test)");
    assert_code(0, "eval seen --data ./photos --set data.limit=7 --quiet");
    assert_has(out, "samples   7 (test)");
    assert_code(1, "train ./photos.yaml --strict --out strict");
    assert_code(1, "eval seen --strict");
    assert_has(err, "cannot be read");
    assert_code(2, "data get https://example.org/x.zip --sha256 123");
    assert_has(err, "64 hexadecimal digits");
    assert_code(2, "data get mnist --sha256 123");
    assert_has(err, "--sha256 is for files from an address");
    assert_code(2, "data list --sha256 123");
    assert_has(err, "data list takes no --sha256; it belongs to: data get");
}

// What is validated on is not what the test line is of, where a folder has both.
static void tests_on_the_test_folder(void **state) {
    (void)state;
    static const char *const parts[] = {"train", "validation", "test"};
    mkdir(scratch_path("parts"), 0777);
    for (int p = 0; p < 3; p++) {
        for (int i = 0; i < 12 - 4 * p; i++) {
            char path[64];
            snprintf(path, sizeof path, "parts/%s", parts[p]);
            mkdir(scratch_path(path), 0777);
            snprintf(path, sizeof path, "parts/%s/%s", parts[p], i % 2 ? "dog" : "cat");
            mkdir(scratch_path(path), 0777);
            snprintf(path, sizeof path, "parts/%s/%s/%d.ppm", parts[p], i % 2 ? "dog" : "cat", i);
            write_photo(path, 20 * p + i);
        }
    }
    assert_code(0, "train ./photos.yaml --path parts --out divided");
    assert_has(err, "train 12 × 8 × 8 × 3, validation 8;");
    assert_has(out, "on 4 samples");
    assert_code(0, "eval divided");
    assert_has(out, "samples   4 (test)");
}

// Of the model that takes_photos leaves.
static void predicts_files(void **state) {
    (void)state;
    static const char *const ways[] = {"", " --json", " --csv"};
    char first[OUTPUT_SIZE], line[128];
    scratch_file("photos/notes.txt", "x", 1);
    mkdir(scratch_path("photos/cat/more"), 0777);
    write_photo("photos/cat/more/photo", 5); // a picture by its content
    assert_code(0, "predict seen photos/dog/9.ppm photos/cat/2.ppm --top 1");
    assert_has(out, "picture           predicted\nphotos/dog/9.ppm  ");
    assert_true(strstr(out, "dog/9.ppm") < strstr(out, "cat/2.ppm"));
    assert_string_equal(err, "");
    assert_code(0, "explain seen photos/cat/2.ppm --method occlusion --format npy -o explained-files");
    assert_string_equal(out, "explained-files/2.ppm-occlusion.npy\n");
    assert_has(err, "2.ppm: predicted ");
    assert_code(1, "explain seen photos/cat/torn.jpg -o explained-nothing");
    assert_has(err, "left out: photos/cat/torn.jpg: a damaged JPEG");
    assert_int_equal(access(scratch_path("explained-nothing"), F_OK), -1);
    assert_code(
        3,
        "explain seen photos/cat/torn.jpg photos/cat/2.ppm --method occlusion --format npy --json -o explained-files");
    assert_has(out, "\"error\": \"photos/cat/torn.jpg: a damaged JPEG");
    assert_has(out, "\"files\": [");
    assert_has(err, "1 of 2 files cannot be read");
    write_photo("photos/dog/2.ppm", 6); // of the same name
    assert_code(0,
                "explain seen photos/cat/2.ppm photos/dog/2.ppm --method occlusion --format npy -q -o explained-files");
    assert_string_equal(out, "explained-files/photos_cat_2.ppm-occlusion.npy\n"
                             "explained-files/photos_dog_2.ppm-occlusion.npy\n");
    assert_int_equal(remove(scratch_path("photos/dog/2.ppm")), 0);
    mkdir(scratch_path("photos_cat"), 0777);
    write_photo("photos_cat/2.ppm", 7); // the same also with its folder
    assert_code(0,
                "explain seen photos/cat/2.ppm photos_cat/2.ppm --method occlusion --format npy -q -o explained-files");
    assert_string_equal(out, "explained-files/0_photos_cat_2.ppm-occlusion.npy\n"
                             "explained-files/1_photos_cat_2.ppm-occlusion.npy\n");
    assert_code(2, "explain seen photos/cat/2.ppm --method occlusion --layer any");
    assert_code(2, "explain seen photos/cat/2.ppm --method attention --format csv --query 3");
    assert_code(2, "explain seen photos/cat/2.ppm --samples 3");
    for (int i = 0; i < 3; i++) { // threads change nothing
        snprintf(line, sizeof line, "predict seen photos/ --threads 1%s", ways[i]);
        assert_code(3, line);
        snprintf(first, sizeof first, "%s", out);
        line[strlen("predict seen photos/ --threads ")] = '2';
        assert_code(3, line);
        assert_string_equal(out, first);
        assert_true(strstr(out, "cat/more/photo") < strstr(out, "dog/1.ppm"));
        assert_true(strstr(out, "dog/1.ppm") < strstr(out, "dog/11.ppm"));
        assert_null(strstr(out, "notes.txt"));
        assert_has(err, "left out: photos/cat/torn.jpg: a damaged JPEG");
        assert_has(err, "1 of 27 files cannot be read");
        assert_null(strchr(err, '\r')); // no terminal, no drawing
    }
    assert_has(out, "file,error,class,probability,class_2,probability_2\n");
    assert_has(out, "photos/cat/torn.jpg,photos/cat/torn.jpg: a damaged JPEG");
    assert_code(1, "predict seen photos --strict");
    assert_has(err, "torn.jpg");
    assert_string_equal(out, "");
    assert_int_equal(run_program(FV__PROGRAM, "predict seen - --json", scratch_path("photos/dog/9.ppm")), 0);
    assert_has(out, "\"predictions\": [");
    scratch_file("caf\xe9.ppm", "P6 1 1 255\n\1\2\3", 14);
    assert_code(0, "predict seen caf\xe9.ppm --json");
    assert_has(out, "caf\xef\xbf\xbd.ppm");
    assert_code(0, "predict trained photos/dog/9.ppm"); // a model of grey images
    assert_has(out, "%");
    mkdir(scratch_path("empty"), 0777);
    assert_code(1, "predict seen empty");
    assert_has(err, "no images in it");
    assert_code(1, "predict seen nothing.jpg");
    assert_has(err, "nothing.jpg: cannot open");
    assert_string_equal(out, "");
    assert_code(2, "predict photos/dog/9.ppm seen");
    assert_has(err, "the model comes before the images");
    assert_code(2, "predict seen photos --samples 3");
    assert_code(2, "predict seen photos --json --csv");
    assert_code(2, "predict seen --strict");
    assert_int_equal(run_program(FV__EXAMPLE_LOAD, "seen photos/dog/9.ppm photos/cat/torn.jpg", NULL), 0);
    assert_has(out, "photos/dog/9.ppm: ");
    assert_null(strstr(out, "torn"));
    assert_int_equal(run_program(FV__EXAMPLE_LOAD, "nowhere photos/dog/9.ppm", NULL), 1);
}

// frozen.yaml: layers that are not trained, whose weights are drawn and then enlarged, since those as drawn make next
// to nothing of an image.
static void write_frozen_recipe(void) {
    char text[2048];
    fv_recipe *drawn;
    fv_model *model;
    fv_error error;
    const char *const format = "data: {path: %s}\ninput: {size: [32, 32, 3]}\nmodel:\n  - mobilenet_v2: {width: 0.35}\n"
                               "  - global_average_pool\n  - dense: {units: classes}\n%s"
                               "train: {batch: 1, epochs: 2, optimizer: {adam: {lr: 0.01}}}\n";
    char photos[512], weights[600];
    snprintf(photos, sizeof photos, "%s", scratch_path("photos"));
    snprintf(text, sizeof text, format, photos, "");
    assert_int_equal(fv_recipe_parse(text, strlen(text), "frozen.yaml", &drawn, &error), FV_OK);
    assert_int_equal(fv_model_create_from_recipe(drawn, 1, &model, &error), FV_OK);
    for (int i = 0; i < model->graph.parameter_count; i++) {
        const fv__parameter *parameter = &model->graph.parameters[i];
        for (size_t k = 0; k < parameter->count && !parameter->trainable && strstr(parameter->name, "kernel"); k++) {
            model->weights[parameter->offset + k] *= 8;
        }
    }
    assert_int_equal(fv_model_save(model, scratch_path("backbone.safetensors"), &error), FV_OK);
    fv_model_free(model);
    fv_recipe_free(drawn);
    snprintf(weights, sizeof weights, "weights: {from: %s, layer: mobilenet_v2}\n",
             scratch_path("backbone.safetensors"));
    snprintf(text, sizeof text, format, photos, weights);
    scratch_file("frozen.yaml", text, strlen(text));
}

// A cache that cannot be written: slower, but the same model, bit by bit where a batch is one group with and without
// it.
static void does_without_cache(void **state) {
    (void)state;
    write_frozen_recipe();
    assert_code(0, "train ./frozen.yaml --out cached");
    assert_has(err, "Frozen layers");
    setenv("XDG_CACHE_HOME", scratch_path("frozen.yaml"), 1);
    assert_code(0, "train ./frozen.yaml --out uncached");
    setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
    assert_has(err, "frozen.yaml: cannot make the folder");
    assert_has(err, "the frozen layers run again in every epoch");
    assert_null(strstr(err, "Frozen layers"));
    assert_true(same_files("cached/model.safetensors", "uncached/model.safetensors"));
}

static bool stop_after_epoch(void *context, const fv_event *event) {
    (void)context;
    return event->kind != FV_EVENT_EPOCH;
}

// The layers that are not trained stay those the run began with, whatever seed is given when it goes on, and though the
// file they came from is gone.
static void resumes_with_its_backbone(void **state) {
    (void)state;
    char whole[512], parts[512];
    fv_recipe *frozen;
    fv_error error = {0};
    snprintf(whole, sizeof whole, "%s", scratch_path("backbone"));
    snprintf(parts, sizeof parts, "%s", scratch_path("backbone-resumed"));
    assert_int_equal(fv_recipe_open(scratch_path("frozen.yaml"), &frozen, &error), FV_OK);
    assert_int_equal(fv_recipe_train(frozen,
                                     &(fv_train_options){.size = sizeof(fv_train_options), .folder = whole, .seed = 7},
                                     NULL, &error),
                     FV_OK);
    const fv_train_options begin = {.size = sizeof begin, .folder = parts, .seed = 7, .on_event = stop_after_epoch};
    assert_int_equal(fv_recipe_train(frozen, &begin, NULL, &error), FV_INTERRUPTED);
    assert_int_equal(remove(scratch_path("backbone.safetensors")), 0);
    assert_int_equal(
        fv_recipe_train(frozen, &(fv_train_options){.size = sizeof(fv_train_options), .folder = parts, .resume = true},
                        NULL, &error),
        FV_OK);
    fv_recipe_free(frozen);
    assert_true(same_files("backbone/model.safetensors", "backbone-resumed/model.safetensors"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_photos),
        cmocka_unit_test(tests_on_the_test_folder),
        cmocka_unit_test(predicts_files),
        cmocka_unit_test(does_without_cache),
        cmocka_unit_test(resumes_with_its_backbone),
    };
    return cmocka_run_group_tests(tests, open_world, scratch_close);
}
