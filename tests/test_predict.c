// SPDX-License-Identifier: Apache-2.0
// Prediction of picture files: the same as of the data set they make, whatever lies among them.
#include <pthread.h>

#include "predicting.h"
#include "training.h"

#include "model/model.h"
#include "pictures.h"

enum { SIDE = 8, CLASSES = 3, FILES = 70, BROKEN = 5, MISSING = 66, CUT = 68 }; // more than a batch

static char names[FILES][300];
static const char *paths[FILES];

// Higher than wide, so that ways of resizing differ.
static void write_picture(const char *path, bool grey, int shade) {
    enum { HEIGHT = 21, WIDTH = 13 };
    uint8_t bytes[32 + HEIGHT * WIDTH * 3];
    int start = sprintf((char *)bytes, "%s %d %d 255\n", grey ? "P5" : "P6", WIDTH, HEIGHT);
    int size = HEIGHT * WIDTH * (grey ? 1 : 3);
    for (int i = 0; i < size; i++) {
        bytes[start + i] = (uint8_t)((i * i / 7 + i % 3 * 50 + shade * 9) % 256);
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, (size_t)(start + size), file), start + size);
    fclose(file);
}

// pictures/all/00.ppm … in the order of their names; three cannot be read.
static int write_pictures(void **state) {
    if (scratch_open(state) != 0) {
        return -1;
    }
    setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
    mkdir(scratch_path("pictures"), 0700);
    mkdir(scratch_path("pictures/all"), 0700);
    for (int i = 0; i < FILES; i++) {
        snprintf(names[i], sizeof names[i], "%s/%02d.ppm", scratch_path("pictures/all"), i);
        paths[i] = names[i];
        if (i != MISSING) {
            write_picture(paths[i], i % 10 == 9, i);
        }
    }
    return truncate(paths[BROKEN], 0) == 0 && truncate(paths[CUT], 100) == 0 ? 0 : -1;
}

// A model as a recipe makes it, so that it knows how to resize.
static fv_model *make_model(int channels, const char *resize) {
    static const char *const class_names[CLASSES] = {"a", "b", "c"};
    char yaml[256];
    fv__document *document;
    fv_model *model;
    snprintf(yaml, sizeof yaml,
             "input: {size: [%d, %d, %d], resize: %s}\n"
             "model: [{conv2d: {filters: 4, kernel: 3}}, flatten, {dense: {units: %d}}]\n",
             SIDE, SIDE, channels, resize, CLASSES);
    assert_ok(fv__document_parse(yaml, strlen(yaml), "model", &document, &failure));
    const fv__value *root = fv__document_root(document);
    assert_ok(fv__model_build(fv__map_get(root, "input"), fv__map_get(root, "model"), CLASSES, class_names, 5, &model,
                              &failure));
    fv__document_free(document);
    return model;
}

// --- what callbacks are told

typedef struct told {
    size_t index[FILES], left_out, done;
    char sentences[FILES][400];
    size_t stop_after; // 0: never
} told;

static bool note(void *context, const fv_event *event) {
    told *now = context;
    if (event->kind == FV_EVENT_LEFT_OUT) {
        now->index[now->left_out] = event->index;
        snprintf(now->sentences[now->left_out++], sizeof now->sentences[0], "%s", event->message);
        return true;
    }
    assert_int_equal(event->kind, FV_EVENT_WORK);
    assert_true(event->done > now->done && event->done <= event->count);
    now->done = event->done;
    return !now->stop_after || event->done < now->stop_after;
}

static fv_status predict_files(const fv_model *model, int threads, size_t count,
                               const fv_predict_files_options *options, float *probabilities, fv_error *error) {
    const fv_predictor_options how = {.size = sizeof how, .threads = threads};
    fv_predictor *predictor;
    fv_status status = fv_predictor_create(model, &how, &predictor, error);
    if (!status) {
        status = fv_predictor_run_files(predictor, paths, count, options, probabilities, error);
        fv_predictor_free(predictor);
    }
    return status;
}

// --- tests

// The same bits as samples of a data set of these files get, for any number of threads.
static void check_against_data_set(int channels, const char *resize) {
    const fv_dataset_options photos = {
        .size = sizeof photos, .height = SIDE, .width = SIDE, .channels = channels, .resize = resize};
    uint8_t pixels[FILES][SIDE * SIDE * 3];
    float expected[FILES][CLASSES], got[FILES][CLASSES];
    fv_dataset *data;
    fv_model *made = make_model(channels, resize), *model;
    assert_ok(fv_model_save(made, scratch_path("model.safetensors"), &failure)); // the file alone is enough
    assert_ok(fv_model_load(scratch_path("model.safetensors"), &model, &failure));
    fv_model_free(made);
    assert_ok(fv_dataset_open(scratch_path("pictures"), "train", &photos, &data, &failure));
    size_t count = fv_dataset_get_info(data)->count;
    assert_int_equal(count, FILES - 3);
    for (size_t i = 0; i < count; i++) {
        assert_ok(fv_dataset_read(data, i, (uint8_t *)pixels + i * (size_t)(SIDE * SIDE * channels), &failure));
    }
    assert_ok(predict_once(model, pixels[0], count, expected[0], &failure));
    size_t indices[FILES];
    for (size_t i = 0; i < count; i++) {
        indices[i] = i;
    }
    fv_predictor *predictor; // samples of the data set, read by the workers
    assert_ok(fv_predictor_create(model, NULL, &predictor, &failure));
    assert_ok(fv_predictor_run_samples(predictor, data, indices, count, got[0], &failure));
    assert_memory_equal(got, expected, count * sizeof got[0]);
    fv_predictor_free(predictor);
    for (int threads = 1; threads <= 3; threads++) {
        told now = {0};
        const fv_predict_files_options options = {.size = sizeof options, .on_event = note, .context = &now};
        memset(got, 1, sizeof got);
        assert_ok(predict_files(model, threads, FILES, &options, got[0], &failure));
        for (size_t i = 0, sample = 0; i < FILES; i++) {
            bool good = i != BROKEN && i != MISSING && i != CUT;
            const float nothing[CLASSES] = {0};
            assert_memory_equal(got[i], good ? expected[sample] : nothing, sizeof got[i]);
            sample += good;
        }
        assert_int_equal(now.done, FILES);
        assert_int_equal(now.left_out, 3);
        assert_int_equal(now.index[0], BROKEN);
        assert_int_equal(now.index[1], MISSING);
        assert_int_equal(now.index[2], CUT);
        assert_non_null(strstr(now.sentences[0], "05.ppm: the file is empty"));
        assert_non_null(strstr(now.sentences[1], "66.ppm: cannot open"));
        assert_non_null(strstr(now.sentences[2], "68.ppm: "));
    }
    fv_dataset_free(data);
    fv_model_free(model);
}

static void agrees_with_the_data_set(void **state) {
    (void)state;
    check_against_data_set(3, "bilinear");
    check_against_data_set(3, "crop");
    check_against_data_set(1, "antialias");
}

// Grey is three channels alike, colours are their luma.
static void converts_colours(void **state) {
    (void)state;
    const uint8_t grey[] = "P5 2 1 255\n\x28\xc8", colours[] = "P6 2 1 255\n\x0a\xc8\x1e\xff\x00\x00";
    uint8_t pixels[SIDE * SIDE * 3];
    fv_model *model = make_model(3, "bilinear");
    assert_ok(fv_model_read_image(model, scratch_file("grey.pgm", grey, sizeof grey - 1), pixels, &failure));
    for (int c = 0; c < 3; c++) {
        assert_int_equal(pixels[c], 40);
        assert_int_equal(pixels[SIDE * 3 - 3 + c], 200);
    }
    fv_model_free(model);
    model = make_model(1, "bilinear");
    assert_ok(fv_model_read_image(model, scratch_file("c.ppm", colours, sizeof colours - 1), pixels, &failure));
    assert_int_equal(pixels[0], 124);       // 0.299 · 10 + 0.587 · 200 + 0.114 · 30 = 123.8
    assert_int_equal(pixels[SIDE - 1], 76); // 0.299 · 255 = 76.2
    fv_model_free(model);
}

static void fails_when_asked_to(void **state) {
    (void)state;
    fv_error error;
    float probabilities[FILES][CLASSES];
    fv_model *model = make_model(3, "bilinear");
    const fv_predict_files_options strict = {.size = sizeof strict, .strict = true};
    assert_int_equal(predict_files(model, 0, FILES, &strict, probabilities[0], &error), FV_FORMAT);
    assert_says(error, "05.ppm: the file is empty"); // the first one, whichever thread met which
    told now = {.stop_after = 1};
    const fv_predict_files_options stopping = {.size = sizeof stopping, .on_event = note, .context = &now};
    assert_int_equal(predict_files(model, 0, FILES, &stopping, probabilities[0], &error), FV_INTERRUPTED);
    assert_int_equal(predict_files(model, 0, 0, NULL, NULL, &error), FV_OK);
    assert_int_equal(predict_files(model, 0, 1, NULL, probabilities[0], NULL), FV_OK);
    for (size_t i = 0; i < model->graph.weight_count; i++) {
        model->weights[i] = 1e30F;
    }
    fv__model_weights_changed(model);
    assert_int_equal(predict_files(model, 0, 2, NULL, probabilities[0], &error), FV_NUMERIC);
    assert_says(error, "00.ppm");
    fv_model_free(model);
    model = make_model(4, "bilinear");
    assert_int_equal(predict_files(model, 0, 1, NULL, probabilities[0], &error), FV_UNSUPPORTED);
    assert_says(error, "4 channels");
    fv_model_free(model);
    assert_ok(fv_model_create(SIDE, SIDE, 3, "unit", &model, &failure));
    assert_int_equal(predict_files(model, 0, 1, NULL, probabilities[0], &error), FV_INVALID);
    fv_model_free(model);
}

static void survives_lack_of_memory(void **state) {
    (void)state;
    fv_error error;
    float expected[8][CLASSES], probabilities[8][CLASSES];
    fv_model *model = make_model(3, "bilinear");
    assert_ok(predict_files(model, 1, 8, NULL, expected[0], &failure)); // the counter of allocations is for one thread
    assert_survives_allocation_failure(predict_files(model, 1, 8, NULL, probabilities[0], &error), error);
    assert_memory_equal(expected, probabilities, sizeof expected);
    fv_model_free(model);
}

// --- one model, two threads with a predictor each

typedef struct user {
    const fv_model *model;
    float probabilities[FILES][CLASSES];
    fv_status status;
    fv_error error;
} user;

static void *use(void *context) {
    user *now = context;
    for (int i = 0; i < 3 && !now->status; i++) {
        now->status = predict_files(now->model, 2, FILES, NULL, now->probabilities[0], &now->error);
    }
    return NULL;
}

static void shares_a_model(void **state) {
    (void)state;
    fv_model *model = make_model(3, "bilinear");
    user users[2] = {{.model = model}, {.model = model}};
    float expected[FILES][CLASSES];
    pthread_t threads[2];
    assert_ok(predict_files(model, 1, FILES, NULL, expected[0], &failure));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, use, &users[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        failure = users[i].error;
        assert_ok(users[i].status);
        assert_memory_equal(users[i].probabilities, expected, sizeof expected);
    }
    fv_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_the_data_set), cmocka_unit_test(converts_colours),
                                       cmocka_unit_test(fails_when_asked_to), cmocka_unit_test(shares_a_model),
                                       cmocka_unit_test(survives_lack_of_memory)};
    return cmocka_run_group_tests(tests, write_pictures, scratch_close);
}
